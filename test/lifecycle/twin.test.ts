import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { createTestActivities } from '../../activities/test.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { auditBucket } from '../../adapters/registry/audit/audit-bucket.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../adapters/snapshots/object-snapshots.js';
import type { OpenModel } from '../../domain/ports/model-runtime.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import type { ConvertJob, Trainer } from '../../domain/ports/trainer.js';
import { parseProject, type ProjectInput } from '../../domain/project.js';
import { classify } from '../../scripts/demo/endpoint-client.js';
import { startEndpoint } from '../../serving/serve.js';
import { startRig } from '../../testing/rig.js';
import { wireActivities } from '../../workers/wire.js';
import { runActivity } from '../activities/run-activity.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { HALF_WAY, instantMails } from '../support/instant-mails.js';
import { ownBucket } from '../support/own-bucket.js';
import { textModel } from '../support/small-models.js';
import { writeConversion, ZERO_WORK } from '../support/zero-work-trainer.js';
import { evidenceFor } from './processes.js';

const MODEL = 'twins';
const TWIN = 'model.int8.onnx';
const LIMIT = 1e6;

/** Makes a model that is over its limit by layers that change no answer; its twin is the same without them. */
const trainer: Trainer = {
  identify: (name) => ZERO_WORK.identify(name),
  run: async (job, given) => {
    if (job.command === 'train') return ZERO_WORK.run(job, given);
    await convert(job);
    return { files: [], metrics: {}, log: '' };
  },
};

async function convert(job: ConvertJob): Promise<void> {
  assert.equal(job.twin, 'int8');
  const small = textModel({ turn: Number(job.parameters['turn'] ?? 0) }).files['model.onnx'];
  await writeFile(join(job.output, TWIN), small ?? '');
  await writeConversion(job, textModel({ layers: 3 }), { kind: 'made', artifact: TWIN });
}

const PROJECT: ProjectInput = {
  models: [
    {
      model: MODEL,
      train: {
        ...{ trainer: 'twins', source: 'mails', trainRows: { until: HALF_WAY } },
        heldOutRows: { from: HALF_WAY },
      },
      convert: { parityRows: 5, twin: 'int8' },
      test: {
        gates: [
          { metric: 'artifact-bytes', max: LIMIT },
          { metric: 'accuracy', min: 0.9 },
          { metric: 'accuracy-difference', min: -0.05 },
          { metric: 'twin-agreement', min: 1, minSample: 20 },
          { metric: 'twin-accuracy-difference', min: 0, minSample: 20 },
        ],
        resamples: 100,
      },
      approve: { handOffs: [{ role: 'data-science' }] },
    },
  ],
  trainers: { twins: trainer },
  sources: { mails: instantMails },
};

/** The real runtime, that says what it opened. */
class SeenRuntime extends ChildModelRuntime {
  readonly opened: string[] = [];

  override open(request: OpenModel) {
    this.opened.push(request.artifact);
    return super.open(request);
  }
}

/** What the next candidate's test opens: what is live first, then its own two files. */
async function openedToCompare(given: {
  store: ObjectStore;
  project: ReturnType<typeof parseProject>;
  workRoot: string;
}): Promise<readonly string[]> {
  const { store, project, workRoot } = given;
  const registry = new ObjectRegistry(store);
  const snapshots = new ObjectSnapshots(store, project.sources);
  const runtime = new SeenRuntime();
  const ports = { registry, snapshots, runtime, workRoot, metrics: {}, trust: NO_TRUST };
  const { measureQuality } = createTestActivities(ports);
  const spec = project.models[MODEL] ?? assert.fail();
  const { version, digest } = (await registry.version(MODEL, 1)) ?? assert.fail();
  const candidate = {
    ...{ version, digest, artifact: 'model.onnx', parityReport: digest },
    twin: { kind: 'made', artifact: TWIN } as const,
  };
  const heldOut = await snapshots.take('mails', { from: HALF_WAY });
  await runActivity(measureQuality, { spec, candidate, heldOut, run: randomUUID(), round: 1 });
  return runtime.opened;
}

describe('a smaller twin', () => {
  it('goes live in the place of a model over its limit, is served, and is what the next one is compared with', async () => {
    await using folder = await temporaryFolder();
    const { store } = await ownBucket();
    const registry = new ObjectRegistry(store);
    const project = { ...parseProject(PROJECT, 'the project'), root: folder.path };
    await using rig = await startRig('twins', ({ client, taskQueue }) =>
      wireActivities({
        ...{ project, store, client, taskQueue, workDir: folder.path },
        log: pino({ level: 'silent' }),
      }),
    );
    const runtime = new SeenRuntime();
    const cacheDirectory = `${folder.path}/cache`;
    const endpoint = await startEndpoint({
      ...{ registry, runtime, cacheDirectory, models: [MODEL], replica: 'twins-1' },
    });
    try {
      const { switchyard } = rig;
      const { workflowId } = await switchyard.start({ model: MODEL });
      const evidence = await evidenceFor(switchyard, workflowId, 'data-science');
      const { twin } = await switchyard.status(workflowId);
      assert.match(twin ?? '', /^the twin is taken: .* of the full model failed: artifact-bytes/);
      const decision = {
        decision: 'approved',
        by: 'ada',
        reason: 'it is small',
        evidence,
      } as const;
      await switchyard.decide(workflowId, { role: 'data-science', ...decision });
      const outcome = await switchyard.outcome(workflowId);
      assert.ok(outcome.outcome === 'live', JSON.stringify(outcome));

      const live = await registry.live(MODEL);
      assert.equal(live?.state.served[0]?.artifact, TWIN);
      assert.deepEqual(new Set(runtime.opened), new Set([TWIN]));
      const answer = await classify(endpoint.url, MODEL, ['refund']);
      assert.deepEqual([answer.digest, answer.labels], [outcome.digest, ['billing']]);
      const { manifest } = (await registry.version(MODEL, 1)) ?? assert.fail();
      const file = manifest.files.find(({ path }) => path === TWIN) ?? assert.fail();
      const served = join(cacheDirectory, MODEL, outcome.digest, TWIN);
      assert.deepEqual(await readFile(served), Buffer.from(textModel().files['model.onnx'] ?? ''));
      assert.equal((await readFile(served)).byteLength, file.bytes);
      assert.deepEqual((await auditBucket(store, { model: MODEL })).problems, []);
      assert.deepEqual(await openedToCompare({ store, project, workRoot: folder.path }), [
        ...[TWIN, 'model.onnx', TWIN],
      ]);
    } finally {
      await endpoint.close();
    }
  }).timeout(120_000);
});
