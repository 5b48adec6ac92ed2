import type { ChainHead } from '../../../domain/audit-chain.js';
import { digestOfBytes } from '../../../domain/digest.js';
import type { JournalHead } from '../../../domain/journal-head.js';
import { deletionSchema } from '../../../domain/forgetting.js';
import { windowAccuracySchema, windowSchema } from '../../../domain/monitor/window.js';
import { nameSchema } from '../../../domain/names.js';
import { regressionsSchema } from '../../../domain/regressions.js';
import type { Trust } from '../../../domain/signing/trust.js';
import type { ListedObject, ObjectStore } from '../../../domain/ports/object-store.js';
import { stagedRuns } from '../inventory.js';
import {
  forgottenPrefix,
  forgottenSaltKey,
  liveKey,
  parseWindowKey,
  regressionsKey,
  regressionsPrefix,
} from '../keys.js';
import { Audit, type AuditCounts, type AuditProblem } from './audit.js';
import { auditChain } from './audit-chain.js';
import { auditJournals, auditTrustLines } from './audit-journals.js';
import { auditDocuments } from './audit-documents.js';
import { auditPointer } from './audit-pointer.js';
import { auditSnapshots } from './audit-snapshots.js';
import { auditVersions } from './audit-versions.js';

/** What an audit found. */
export interface AuditResult {
  readonly problems: readonly AuditProblem[];
  readonly counts: AuditCounts;
  /** The newest state of each model's chain: kept elsewhere, it shows later whether a tail was cut. */
  readonly heads: Readonly<Record<string, ChainHead>>;
  /** The newest line of each journal for which no such state vouches yet, by model: to be kept as well. */
  readonly journals: Readonly<Record<string, readonly JournalHead[]>>;
}

/**
 * Holds every byte of a bucket that a digest vouches for against it, every stored document against its shape and what it names, and
 * `live.json` against all of that; of one model, or of all. It needs the bucket only, and writes nothing. The prediction log is left
 * out: nothing vouches for it.
 */
export async function auditBucket(
  store: ObjectStore,
  given: {
    model?: string | undefined;
    /** Whom decisions are verified by; they are not signed where left out. */
    trust?: Trust | null;
    /** States of `live.json` that were kept elsewhere, by model. */
    heads?: Readonly<Record<string, readonly ChainHead[]>>;
    /** Lines of journals that were kept elsewhere, by model. */
    journals?: Readonly<Record<string, readonly JournalHead[]>>;
    tell?: (counts: AuditCounts) => void;
  } = {},
): Promise<AuditResult> {
  await using audit = await Audit.begin(store, given.tell ?? (() => undefined));
  const [{ objects, now }, datasets, staging] = await Promise.all(
    [given.model === undefined ? 'models/' : `models/${given.model}/`, 'datasets/', 'staging/'].map(
      (prefix) => store.list(prefix),
    ),
  ).then(([models, ...others]) => [models ?? NOTHING, ...others] as const);
  const named = new Map<string, string>();
  const heads: Record<string, ChainHead> = {};
  const journals: Record<string, readonly JournalHead[]> = {};
  const trusted = await auditTrustLines(audit, given.trust ?? null);
  const models = byModel(audit, objects);
  for (const model of Object.keys({ ...given.heads, ...given.journals })) {
    const isAsked = given.model === undefined || given.model === model;
    if (isAsked && !models.has(model))
      audit.note('missing', liveKey(model), 'is not there: its head was kept');
  }
  for (const [model, own] of models) {
    audit.counts.models += 1;
    const ends = await auditModel(audit, {
      ...{ model, objects: own, now, named, trust: given.trust ?? null, trusted },
      ...{ heads: given.heads?.[model] ?? [], journals: given.journals?.[model] ?? [] },
    });
    if (ends.head !== null) heads[model] = ends.head;
    journals[model] = ends.journals;
  }
  const known = await auditSnapshots(audit, {
    objects: datasets?.objects ?? [],
    only: given.model === undefined ? null : new Set(named.keys()),
    now,
  });
  for (const [digest, key] of named) {
    if (!known.has(digest))
      audit.note('missing', key, `names the snapshot ${digest}, which is not there`);
  }
  if (given.model === undefined) {
    await auditShared(audit, staging?.objects ?? []);
  }
  const { problems, counts } = audit;
  return { problems, counts, heads, journals };
}

const NOTHING: { objects: readonly ListedObject[]; now: Date } = { objects: [], now: new Date(0) };

/** Objects of each model; what is of none is foreign. */
function byModel(
  audit: Audit,
  objects: readonly ListedObject[],
): ReadonlyMap<string, readonly ListedObject[]> {
  const models = new Map<string, ListedObject[]>();
  for (const object of objects) {
    const name = nameSchema.safeParse(/^models\/([^/]+)\/./.exec(object.key)?.[1]);
    if (!name.success) audit.note('foreign', object.key, 'is of no model');
    else models.set(name.data, [...(models.get(name.data) ?? []), object]);
  }
  return models;
}

async function auditModel(
  audit: Audit,
  given: {
    model: string;
    objects: readonly ListedObject[];
    now: Date;
    named: Map<string, string>;
    trust: Trust | null;
    trusted: ReadonlySet<string>;
    heads: readonly ChainHead[];
    journals: readonly JournalHead[];
  },
): Promise<{ head: ChainHead | null; journals: readonly JournalHead[] }> {
  const { model, objects, now, named, trust, heads } = given;
  const versions = await auditVersions(audit, model, { objects, now });
  const documents = await auditDocuments(audit, model, { objects, claimed: versions.claimed });
  await auditPointer(audit, { model, objects, versions, documents, now, trust });
  const { head, ...vouching } = await auditChain(audit, {
    ...{ model, objects, versions, documents },
    ...{ trust, heads },
  });
  const journals = await auditJournals(audit, {
    ...{ model, objects, trust, trusted: given.trusted },
    ...{ ...vouching, heads: given.journals },
  });
  await auditOthers(audit, model, objects);
  await auditRegressions(audit, { model, objects, named });
  for (const { version, manifest } of versions.whole.values()) {
    const key = `models/${model}/versions/${version}/manifest.json`;
    for (const digest of manifest.lineage.data) named.set(digest, key);
  }
  for (const [digest, key] of documents.snapshots) named.set(digest, key);
  return { head, journals };
}

/** Which rows must be answered right; their snapshots must be there. */
async function auditRegressions(
  audit: Audit,
  given: {
    readonly model: string;
    readonly objects: readonly ListedObject[];
    readonly named: Map<string, string>;
  },
): Promise<void> {
  const prefix = regressionsPrefix(given.model);
  for (const { key } of given.objects.filter((each) => each.key.startsWith(prefix))) {
    audit.counts.others += 1;
    const kept = await audit.json(key, regressionsSchema);
    if (kept === null) continue;
    if (regressionsKey(kept.model, kept.key) !== key) {
      audit.note('foreign', key, `is what "${kept.key}" of "${kept.model}" left`);
    }
    given.named.set(kept.snapshot.digest, key);
  }
}

/** Windows and labels; whatever else lies beside them is foreign. */
async function auditOthers(
  audit: Audit,
  model: string,
  objects: readonly ListedObject[],
): Promise<void> {
  const root = `models/${model}/`;
  const known = [
    'versions/',
    'evidence/',
    'replicas/',
    'audit/live/',
    'journal/',
    'regressions/',
  ].map((folder) => `${root}${folder}`);
  for (const { key } of objects) {
    if (key === liveKey(model) || known.some((folder) => key.startsWith(folder))) continue;
    const labels = /^models\/[^/]+\/labels\/([0-9a-f]{64})\.jsonl$/.exec(key)?.[1];
    const window = key.startsWith(`${root}windows/`) ? parseWindowKey(model, key) : null;
    if (labels === undefined && window === null) {
      audit.note('foreign', key, 'is nothing that the registry writes there');
      continue;
    }
    audit.counts.others += 1;
    if (labels !== undefined) {
      const bytes = await audit.bytes(key);
      if (bytes !== null) audit.holds(key, digestOfBytes(bytes), labels);
    } else if (window?.isAccuracy === true) await audit.json(key, windowAccuracySchema);
    else await audit.json(key, windowSchema);
  }
}

/** What is of no one model: staging, and the records of forgotten persons. */
async function auditShared(audit: Audit, staging: readonly ListedObject[]): Promise<void> {
  const runs = stagedRuns(staging);
  audit.counts.stagedRuns = runs.length;
  const known = new Set(runs.flatMap(({ keys }) => keys));
  for (const { key } of staging) {
    if (!known.has(key)) audit.note('foreign', key, 'was staged by no run');
  }
  const { objects } = await audit.store.list(forgottenPrefix());
  for (const { key } of objects.filter((object) => object.key !== forgottenSaltKey())) {
    audit.counts.others += 1;
    await audit.json(key, deletionSchema);
  }
}
