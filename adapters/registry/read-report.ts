import { evidenceSchema, type Evidence } from '../../domain/evidence.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { RegisteredVersion, Registry } from '../../domain/ports/registry.js';
import { assembleReport, type EvidenceReport } from '../../domain/report/evidence-report.js';
import { documentsBeside } from './documents-beside.js';
import { evidenceTombstoneKey } from './keys.js';

/** What can be shown of a version's tests. */
export type ReadReport =
  | {
      readonly kind: 'read';
      readonly report: EvidenceReport;
      readonly evidence: string;
      /** Digest of the page that was stored with it; null in evidence that is older than pages. */
      readonly page: string | null;
      /** Digests of its other evidence, newest first: it was tested several times. */
      readonly others: readonly string[];
    }
  /** There is no such evidence beside it. */
  | { readonly kind: 'untested'; readonly others: readonly string[] }
  /** Its evidence is there, the test report is not; `isForgotten`: it was replaced when a person was forgotten. */
  | { readonly kind: 'gone'; readonly testReport: string; readonly isForgotten: boolean };

/**
 * Reads all that a version's page shows, as it is now: without what was deleted since, and with the decisions that `live.json` keeps.
 * @param wanted - How the evidence's digest begins; the newest where left out.
 */
export async function readReport(
  { store, registry }: { readonly store: ObjectStore; readonly registry: Registry },
  { version, digest, manifest }: RegisteredVersion,
  wanted = '',
): Promise<ReadReport> {
  const { model } = manifest;
  const all = await documentsBeside(store, { model, digest }, evidenceSchema);
  const found = all.find((each) => each.digest.startsWith(wanted));
  const others = all.filter((each) => each !== found).map((each) => each.digest);
  if (found === undefined) return { kind: 'untested', others };
  const { document: evidence } = found;
  const report = await registry.testReport(model, digest, evidence.testReport);
  if (report === null) {
    const stone = await store.get(evidenceTombstoneKey(model, digest, evidence.testReport));
    return { kind: 'gone', testReport: evidence.testReport, isForgotten: stone !== null };
  }
  const [plots, parity, baseline, decisions] = await Promise.all([
    report.plots === undefined ? null : registry.plots(model, digest, report.plots),
    registry.parityReport(model, digest, evidence.parityReport),
    report.baseline === null ? null : registry.versionByDigest(model, report.baseline),
    decisionsOn(registry, evidence, found.digest),
  ]);
  return {
    ...{ kind: 'read', evidence: found.digest, page: evidence.page ?? null, others },
    report: assembleReport({
      ...{ version, digest, manifest, report, plots, parity, decisions },
      ...{ roles: evidence.roles, baselineVersion: baseline?.version ?? null },
      evidence: { digest: found.digest, document: evidence },
    }),
  };
}

/** The decisions by which it went live on this evidence, if it did. */
async function decisionsOn(registry: Registry, { model, manifest }: Evidence, evidence: string) {
  const live = await registry.live(model);
  const served = live?.state.served.find(
    (each) => each.digest === manifest && each.evidence === evidence,
  );
  return served?.decisions ?? [];
}
