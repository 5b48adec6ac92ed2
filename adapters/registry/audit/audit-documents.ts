import type { z } from 'zod';
import { digestOfBytes } from '../../../domain/digest.js';
import {
  evidenceSchema,
  testReportSchema,
  type Evidence,
  type TestReport,
} from '../../../domain/evidence.js';
import { tombstoneSchema } from '../../../domain/forgetting.js';
import { judge, overallVerdict } from '../../../domain/gate.js';
import { shortDigest } from '../../../domain/names.js';
import { twinFaults } from '../../../domain/twin.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import { documentSchema } from '../evidence-files.js';
import { inParallel } from '../files.js';
import { evidenceKey, pageKey } from '../keys.js';
import type { Audit } from './audit.js';

type Document = z.infer<typeof documentSchema>;

const KEY =
  /^models\/[^/]+\/evidence\/([0-9a-f]{64})\/([0-9a-f]{64})(\.tombstone\.json|\.json|\.html)$/;

/** A model's documents as they were found, by `<manifest>/<digest>`. */
export interface AuditedDocuments {
  readonly evidence: ReadonlyMap<string, Evidence>;
  readonly reports: ReadonlyMap<string, TestReport>;
  /** Snapshots that reports rest on, with the key of one that does. */
  readonly snapshots: ReadonlyMap<string, string>;
}

/** Holds every document against the digest that names it, and against what it names. */
export async function auditDocuments(
  audit: Audit,
  model: string,
  given: { objects: readonly ListedObject[]; claimed: ReadonlySet<string> },
): Promise<AuditedDocuments> {
  const found = await readAll(audit, model, given.objects);
  const evidence = new Map<string, Evidence>();
  const reports = new Map<string, TestReport>();
  const snapshots = new Map<string, string>();
  for (const { place, manifest, key, document } of found.documents) {
    if (!given.claimed.has(manifest)) {
      audit.note('reference', key, `is about ${shortDigest(manifest)}, which no version ever was`);
    }
    const names = (what: string, digest: string | undefined, keyOf = evidenceKey) => {
      if (digest === undefined || found.places.has(`${manifest}/${digest}`)) return;
      const missing = keyOf(model, manifest, digest);
      audit.note('missing', missing, `is not there; ${key} names it as its ${what}`);
    };
    const isEvidence = evidenceSchema.safeParse(document);
    const isReport = testReportSchema.safeParse(document);
    if (isEvidence.success) {
      evidence.set(place, isEvidence.data);
      names('test report', isEvidence.data.testReport);
      names('parity report', isEvidence.data.parityReport);
      names('page', isEvidence.data.page, pageKey);
    }
    if (isReport.success) {
      reports.set(place, isReport.data);
      for (const fault of verdictFaults(isReport.data)) audit.note('reference', key, fault);
      snapshots.set(isReport.data.heldOut, key);
      names('reference profile', isReport.data.profile);
      names('plots', isReport.data.plots);
    }
  }
  return { evidence, reports, snapshots };
}

/** What a report says of its gates, judged again by what was measured. */
function verdictFaults(report: TestReport): string[] {
  const { measurements, results, verdict, baseline, twin } = report;
  const said = results.flatMap(({ gate, verdict: one }) => {
    const measured = measurements.find(({ metric }) => metric === gate.metric);
    const again = judge(gate, measured, baseline !== null).verdict;
    return again === one ? [] : [`says ${one} of ${gate.metric}, its measurements give ${again}`];
  });
  const all = overallVerdict(results);
  if (all !== verdict) said.push(`says ${verdict}, its gates give ${all}`);
  return twin === undefined ? said : [...said, ...twinFaults(report, twin)];
}

interface Found {
  readonly documents: readonly {
    readonly place: string;
    readonly manifest: string;
    readonly key: string;
    readonly document: Document;
  }[];
  /** Where something is to be found, be it what replaces it. */
  readonly places: ReadonlySet<string>;
}

async function readAll(
  audit: Audit,
  model: string,
  objects: readonly ListedObject[],
): Promise<Found> {
  const prefix = `models/${model}/evidence/`;
  const places = new Set<string>();
  const documents = await inParallel(
    objects.filter(({ key }) => key.startsWith(prefix)),
    async ({ key }) => {
      const [, manifest, digest, kind] = KEY.exec(key) ?? [];
      if (manifest === undefined || digest === undefined) {
        audit.note('foreign', key, 'is no report, evidence, profile or page of a version');
        return [];
      }
      const place = `${manifest}/${digest}`;
      places.add(place);
      audit.counts.documents += 1;
      if (kind === '.tombstone.json') {
        await auditTombstone(audit, model, { key, manifest, objects });
        return [];
      }
      if (kind === '.html') {
        const bytes = await audit.bytes(key);
        if (bytes !== null) audit.holds(key, digestOfBytes(bytes), digest);
        return [];
      }
      const document = await audit.json(key, documentSchema, digest);
      if (document === null) return [];
      const about = 'manifest' in document ? document.manifest : manifest;
      if (document.model !== model || about !== manifest) {
        audit.note('reference', key, `is about ${document.model} ${shortDigest(about)}`);
        return [];
      }
      return [{ place, manifest, key, document }];
    },
  );
  return { documents: documents.flat(), places };
}

/** What replaces a report without a forgotten person's inputs must be there, or a further tombstone. */
async function auditTombstone(
  audit: Audit,
  model: string,
  given: { key: string; manifest: string; objects: readonly ListedObject[] },
): Promise<void> {
  const { key, manifest, objects } = given;
  const replacedBy = (await audit.json(key, tombstoneSchema))?.replacedBy ?? null;
  if (replacedBy === null) return;
  const next = evidenceKey(model, manifest, replacedBy);
  const ends = [next, next.replace(/\.json$/, '.tombstone.json')];
  if (objects.some((object) => ends.includes(object.key))) return;
  audit.note('missing', next, `is not there; ${key} says that it replaces a report`);
}
