import { digestOfJson } from './digest.js';
import { durationMs } from './duration.js';
import type { LiveState } from './live-state.js';
import { previousOf } from './live-state.js';
import type { RetentionSpec } from './retention.js';

/** Objects that make one thing. */
export interface StoredThing {
  /** In the order of deletion: the first is what makes it whole. */
  readonly keys: readonly string[];
  readonly bytes: number;
  /** When the newest of them was written, by the store's clock. */
  readonly newestAt: Date;
}

/** A version's directory, apart from its claim, which stays for ever so that no number ever names two things. */
export interface StoredVersion extends StoredThing {
  readonly version: number;
  /** Of the claim; null where there is none. */
  readonly digest: string | null;
  /** False without a manifest. */
  readonly isComplete: boolean;
  /** Snapshots of its lineage. */
  readonly data: readonly string[];
}

/** A report, evidence or profile, with the version it is about. */
export interface StoredDocument extends StoredThing {
  readonly manifest: string;
  readonly digest: string;
  /** The snapshot that it rests on; null where it names none. */
  readonly snapshot: string | null;
}

/** Objects of one UTC day. */
export interface StoredDay extends StoredThing {
  /** `yyyy-mm-dd`. */
  readonly day: string;
}

export interface ModelInventory {
  readonly model: string;
  readonly live: LiveState | null;
  readonly versions: readonly StoredVersion[];
  readonly documents: readonly StoredDocument[];
  readonly predictions: readonly StoredDay[];
  readonly windows: readonly StoredDay[];
  readonly labels: readonly StoredDay[];
  /** Digests of the snapshots that every candidate must answer right. */
  readonly regressions: readonly string[];
}

export interface StagedRun extends StoredThing {
  readonly run: string;
  /** The model, where Temporal still knows. */
  readonly model: string | null;
  /** `unknown`: Temporal has no such run (any more). */
  readonly state: 'open' | 'ended' | 'unknown';
}

export interface StoredSnapshot extends StoredThing {
  readonly source: string;
  readonly digest: string;
}

/** All that a sweep looks at. */
export interface SweepInventory {
  readonly models: readonly ModelInventory[];
  readonly staging: readonly StagedRun[];
  readonly snapshots: readonly StoredSnapshot[];
  /** What replaces snapshots that a person's rows were deleted from: new digests by old ones. */
  readonly replacements: ReadonlyMap<string, string>;
}

/** What workflows that are open now rest on. */
export interface OpenWork {
  /** Every digest that their histories name. */
  readonly digests: ReadonlySet<string>;
  /** When the oldest of them began; null: none is open. */
  readonly since: Date | null;
}

export type SweptKind =
  | 'version'
  | 'unfinished version'
  | 'report'
  | 'predictions'
  | 'windows'
  | 'labels'
  | 'staging'
  | 'snapshot';

/** One thing, what becomes of it, and why. */
export interface SweepItem {
  readonly kind: SweptKind;
  readonly name: string;
  readonly keys: readonly string[];
  /** Digests by which a workflow or `live.json` would name it, or what it is about. */
  readonly digests: readonly string[];
  readonly bytes: number;
  readonly isDeleted: boolean;
  readonly why: string;
}

export interface SweepPlan {
  readonly items: readonly SweepItem[];
  /** Of exactly what would be deleted. */
  readonly digest: string;
}

export interface SweepGiven {
  readonly inventory: SweepInventory;
  readonly open: OpenWork;
  /** Of the models whose things may go; others are looked at only for what they rest on. */
  readonly retention: Readonly<Record<string, RetentionSpec>>;
  /** Whether what belongs to no one model may go too: snapshots, and staging of unknown runs. */
  readonly includesShared: boolean;
  /** The store's clock. */
  readonly now: Date;
}

const DAY_MS = 86_400_000;
/** A directory without a manifest is somebody's upload until then. */
const UNFINISHED_MS = DAY_MS;

/**
 * What retention deletes and what it keeps, each with the reason. Never: what is live, previous or remembered; what an open
 * workflow may rest on; what a kept version or report names.
 */
export function planSweep(given: SweepGiven): SweepPlan {
  const kept = new Set<string>();
  const items = given.inventory.models.flatMap((model) => planModel(given, model, kept));
  items.push(...given.inventory.staging.flatMap((run) => planStaging(given, run)));
  for (const digest of kept) {
    const replacedBy = given.inventory.replacements.get(digest);
    if (replacedBy !== undefined) kept.add(replacedBy); // a set's loop comes to what it adds
  }
  if (given.includesShared) {
    items.push(...given.inventory.snapshots.map((each) => planSnapshot(given, each, kept)));
  }
  const deleted = items.filter(({ isDeleted }) => isDeleted);
  const named = deleted.map(({ kind, name, keys }) => ({ kind, name, keys: [...keys] }));
  return { items, digest: digestOfJson(named) };
}

/** Adds to `keptSnapshots` what the model's kept versions and documents name. */
function planModel(
  given: SweepGiven,
  inventory: ModelInventory,
  keptSnapshots: Set<string>,
): SweepItem[] {
  const { model } = inventory;
  for (const digest of inventory.regressions) keptSnapshots.add(digest);
  const spec = Object.hasOwn(given.retention, model) ? given.retention[model] : undefined;
  const versions = inventory.versions.map((version) => {
    const why = spec === undefined ? null : whyVersionGoes(given, inventory, version, spec);
    const keeps = spec === undefined ? 'not looked at' : whyVersionStays(given, inventory, version);
    if (why === null) for (const digest of version.data) keptSnapshots.add(digest);
    const kind = version.isComplete ? 'version' : 'unfinished version';
    const digests = version.digest === null ? [] : [version.digest];
    const named = { name: `${model} ${version.version}`, digests };
    return { version, item: item(kind, named, version, why, keeps) };
  });
  const standing = new Set(
    versions.flatMap(({ version, item: { isDeleted } }) =>
      !isDeleted && version.digest !== null ? [version.digest] : [],
    ),
  );
  const documents = inventory.documents.map((document) => {
    const why = spec === undefined ? null : whyDocumentGoes(given, document, standing, spec);
    if (why === null && document.snapshot !== null) keptSnapshots.add(document.snapshot);
    const name = `${model} ${document.manifest.slice(0, 12)}/${document.digest.slice(0, 12)}`;
    const digests = [document.manifest, document.digest];
    const keeps = 'its version stays, or it is not old enough';
    return item('report', { name, digests }, document, why, keeps);
  });
  if (spec === undefined) return [];
  const days = (
    kind: 'predictions' | 'windows' | 'labels',
    stored: readonly StoredDay[],
    limit: string,
  ) =>
    stored.map((day) => {
      const isOld = given.now.getTime() - (Date.parse(day.day) + DAY_MS) > durationMs(limit);
      const why = isOld ? `older than ${limit}` : null;
      return item(kind, { name: `${model} ${day.day}` }, day, why, `not older than ${limit}`);
    });
  return [
    ...versions.map((each) => each.item),
    ...documents,
    ...days('predictions', inventory.predictions, spec.predictions),
    ...days('windows', inventory.windows, spec.reports),
    ...days('labels', inventory.labels, spec.predictions),
  ];
}

function whyVersionGoes(
  given: SweepGiven,
  inventory: ModelInventory,
  version: StoredVersion,
  spec: RetentionSpec,
): string | null {
  if (whyVersionStays(given, inventory, version) !== NEWEST) return null;
  if (!version.isComplete) {
    const isOld = given.now.getTime() - version.newestAt.getTime() > UNFINISHED_MS;
    return isOld ? 'without a manifest for over a day' : null;
  }
  const newer = inventory.versions.filter(
    (other) => other.isComplete && other.version > version.version,
  );
  return newer.length >= spec.versions ? `beyond the newest ${spec.versions}` : null;
}

const NEWEST = 'among the newest';

function whyVersionStays(
  { open }: SweepGiven,
  { live }: ModelInventory,
  version: StoredVersion,
): string {
  const { digest } = version;
  if (digest !== null && live !== null) {
    if (live.live === digest) return 'live';
    if (previousOf(live)?.digest === digest) return 'previous: a fallback goes to it';
    if (live.served.some((served) => served.digest === digest)) return 'live.json remembers it';
  }
  if (digest !== null && open.digests.has(digest)) return 'an open workflow names it';
  return mayBeOpen(open, version) ? 'newer than the oldest open workflow' : NEWEST;
}

function whyDocumentGoes(
  { open, now }: SweepGiven,
  document: StoredDocument,
  standing: ReadonlySet<string>,
  { reports }: RetentionSpec,
): string | null {
  const isNamed =
    standing.has(document.manifest) ||
    open.digests.has(document.manifest) ||
    open.digests.has(document.digest);
  if (isNamed || mayBeOpen(open, document)) return null;
  return isOlder(document, reports, now)
    ? `its version is gone, and it is older than ${reports}`
    : null;
}

function planStaging(given: SweepGiven, run: StagedRun): SweepItem[] {
  const { retention, includesShared, now } = given;
  const own =
    run.model !== null && Object.hasOwn(retention, run.model) ? retention[run.model] : undefined;
  if (own === undefined && !(includesShared && run.model === null)) return [];
  const limit = own?.staging ?? longestStaging(retention);
  const why =
    run.state !== 'open' && isOlder(run, limit, now)
      ? `${run.state === 'ended' ? 'its run has ended' : 'Temporal knows no such run any more'}, and it is older than ${limit}`
      : null;
  const keeps = run.state === 'open' ? 'its run is open' : `not older than ${limit}`;
  return [item('staging', { name: `${run.model ?? 'unknown'} ${run.run}` }, run, why, keeps)];
}

function planSnapshot(
  { open, retention, now }: SweepGiven,
  snapshot: StoredSnapshot,
  named: ReadonlySet<string>,
): SweepItem {
  const limit = longestStaging(retention);
  const name = `${snapshot.source} ${snapshot.digest.slice(0, 12)}`;
  const keeps = named.has(snapshot.digest)
    ? 'a version, a report or a regression that stays names it'
    : open.digests.has(snapshot.digest) || mayBeOpen(open, snapshot)
      ? 'an open workflow may need it'
      : isOlder(snapshot, limit, now)
        ? null
        : `not older than ${limit}`;
  const why = keeps === null ? `nothing names it, and it is older than ${limit}` : null;
  return item('snapshot', { name, digests: [snapshot.digest] }, snapshot, why, keeps ?? '');
}

function item(
  kind: SweptKind,
  { name, digests = [] }: { name: string; digests?: readonly string[] },
  { keys, bytes }: StoredThing,
  goes: string | null,
  stays: string,
): SweepItem {
  return { kind, name, keys, digests, bytes, isDeleted: goes !== null, why: goes ?? stays };
}

/** Whether an open workflow may have made it: then its history may not name it yet. */
function mayBeOpen({ since }: OpenWork, { newestAt }: StoredThing): boolean {
  return since !== null && newestAt >= since;
}

function isOlder({ newestAt }: StoredThing, limit: string, now: Date): boolean {
  return now.getTime() - newestAt.getTime() > durationMs(limit);
}

/** What belongs to no one model is kept as long as the most patient model says. */
function longestStaging(retention: SweepGiven['retention']): string {
  const limits = Object.values(retention).map(({ staging }) => staging);
  const [longest = '7 days'] = limits.sort((one, other) => durationMs(other) - durationMs(one));
  return longest;
}
