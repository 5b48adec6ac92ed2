import { randomUUID } from 'node:crypto';
import { LabelFiles } from '../../../../adapters/monitoring/label-files.js';
import { ObjectRegistry } from '../../../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../../../adapters/snapshots/object-snapshots.js';
import type { RegisteredVersion } from '../../../../domain/ports/registry.js';
import type { ObjectStore } from '../../../../domain/ports/object-store.js';
import { judge } from '../../../../domain/gate.js';
import { aFolder, aManifest, anEvidence, aTestReport } from '../builders.js';

/** The same in every bucket, so that the same documents have the same keys. */
export const LIFECYCLE = '0195d1a0-0000-7000-8000-000000000001';

/** A role's answer to some evidence, as `live.json` keeps it. */
function approvalOf(evidence: string) {
  return {
    ...({ role: 'data-science', decision: 'approved', by: 'ada', reason: 'reads well' } as const),
    ...{ evidence, signature: null, at: '2026-01-01T11:00:00Z' },
  };
}

const ROWS = ['yes', 'no', 'yes', 'no'].map((label, index) => ({
  ...{ id: `row-${index}`, at: '2026-01-01T00:00:00Z', label, text: `words ${index}` },
}));

/** One object of every kind that the registry writes: three versions, of which the second is live and the first the previous one. */
export async function soundBucket(store: ObjectStore, model: string): Promise<void> {
  const registry = new ObjectRegistry(store);
  const data = await soundSnapshot(store);
  let baseline: string | null = null;
  for (const number of [1, 2, 3]) {
    const version = await publishSound(registry, { model, number, data });
    if (number === 3) break;
    const evidence = await testSound(registry, { model, version, data, baseline });
    const { digest } = version;
    const served = { digest, version: version.version, artifact: 'model.onnx', evidence };
    const candidate = { ...served, decisions: [approvalOf(evidence)] };
    await registry.changeLive(
      model,
      { kind: 'promote', candidate, baseline },
      `${randomUUID()}/promote/${evidence.slice(0, 12)}`,
    );
    baseline = digest;
  }
  await registry.reportReplica(model, {
    ...{ replica: 'one', digest: baseline, generation: 2, problem: null },
  });
  const label = { requestId: 'request-1', row: 0, label: 'yes', at: '2026-01-02T00:00:00Z' };
  await new LabelFiles(store).add(model, [label]);
  await store.put(`staging/${randomUUID()}/retrain/1/model.bin`, Buffer.from('bytes'), 'none');
}

/** Rows to train and to test on; resolves to the snapshot's digest. */
export async function soundSnapshot(store: ObjectStore): Promise<string> {
  const snapshots = new ObjectSnapshots(store, { mails: { rows: () => Promise.resolve(ROWS) } });
  const { digest } = await snapshots.take('mails', {});
  return digest;
}

/** A version with two files. */
export async function publishSound(
  registry: ObjectRegistry,
  { model, number, data }: { model: string; number: number; data: string },
): Promise<RegisteredVersion> {
  const files = { 'model.onnx': `graph ${number}`, 'words/words.json': `words ${number}` };
  const manifest = aManifest(model, files);
  const lineage = { ...manifest.lineage, data: [data] };
  await using folder = await aFolder(files);
  return await registry.publish({ ...manifest, lineage }, folder.path);
}

/** Stores a version's profile, reports and evidence; resolves to the digest of the last. */
export async function testSound(
  registry: ObjectRegistry,
  given: { model: string; version: RegisteredVersion; data: string; baseline: string | null },
): Promise<string> {
  const { model, version, data: heldOut, baseline } = given;
  const { digest: manifest } = version;
  const put = (document: Parameters<ObjectRegistry['putEvidence']>[2]) =>
    registry.putEvidence(model, manifest, document);
  const profile = await put({
    ...{ schemaVersion: 1, model, manifest, heldOut, rows: 4, accuracy: 0.75 },
    classes: ['no', 'yes'].map((label) => ({ label, count: 2 })),
    scores: { edges: [0.5], counts: [2, 2] },
  });
  const parityReport = await put({
    ...{ schemaVersion: 1, model, rows: 4, labelFlips: 0, maxProbabilityDifference: 0 },
    ...{ limit: 1e-5, passed: true, inputs: [] },
  });
  const plots = await put({
    ...{ schemaVersion: 1, model, manifest, quality: null },
    system: { latency: { edgesMs: [1, 2], counts: [4] }, memory: [] },
  });
  const made = { ...aTestReport(model, manifest), heldOut, profile, plots, baseline };
  const gate = { metric: 'accuracy', min: 0.7, minSample: 1 } as const;
  const report = { ...made, results: [judge(gate, made.measurements[0], baseline !== null)] };
  const testReport = await put(report);
  const page = await registry.putPage(model, manifest, `<p>${testReport}</p>`);
  const evidence = { ...anEvidence(model, manifest), testReport, parityReport, page, baseline };
  return put({ ...evidence, lifecycle: LIFECYCLE });
}
