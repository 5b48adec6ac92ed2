import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { ownProgram, PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { testReportsOf } from '../../adapters/registry/test-reports.js';
import { startEndpoint } from '../../serving/serve.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { loadProject } from '../../workers/project.js';
import { wireActivities } from '../../workers/wire.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { approveBoth } from '../lifecycle/processes.js';
import { ownBucket } from '../support/own-bucket.js';
import { typeCommand } from '../support/typed-command.js';
import { assertPrintsAsShown, type Mask } from './expected-output.js';

const CONFIG = join(PACKAGE_ROOT, 'examples/ads/switchyard.config.ts');
const README = 'examples/ads/README.md';

/** Ids, digests and instants of a run; time and memory of a machine at a moment. */
const MASKS: readonly Mask[] = [
  [/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'an id'],
  [/(?<=version 1 \(|tested on rows )[0-9a-f]+/g, 'a digest'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'an instant'],
  [/(?<=run again on ).*$/gm, 'a runtime'],
  [/(?<= in )[\d.]+(?= s)/g, 'some'],
  [/(?<=OutOfMemory: ).*/g, 'of what it was short'],
  [/^( *\w+ +(?:load-ms|latency-\S+|rows-per-second|peak-rss-bytes) is ).*$/gm, '$1…'],
];

describe('examples/ads', () => {
  it('goes live as its smaller twin and scores 10,000 documents; the seven that fail are found, and fail again', async () => {
    await using line = await openLine();
    await line.goLive();
    await assertPrintsAsShown(await line.gates(), {
      ...{ document: README, beginning: 'tested on rows', masks: MASKS },
    });

    const readme = await readFile(join(PACKAGE_ROOT, README), 'utf8');
    const { value = 0, sample } = (await line.newsletters()) ?? {};
    assert.ok(readme.includes(`(${value.toFixed(3)}; with ${sample} of them`), `it is ${value}`);

    const printed = await line.runPipeline();
    await assertPrintsAsShown(printed, {
      ...{ document: README, beginning: '10000 documents', masks: MASKS },
    });
    assert.equal((await line.labels()).length, 10_000);

    const failed = [...printed.matchAll(/^(\w+): (.*)\nnpx switchyard (reproduce .*)$/gm)];
    assert.equal(failed.length, 7);
    const reproduced = await Promise.all(failed.map(([, , , words = '']) => line.type(words)));
    for (const [index, { code, stdout, stderr }] of reproduced.entries()) {
      assert.equal(code, 0, stderr);
      const [, type, message = ''] = failed[index] ?? assert.fail();
      assert.match(stdout, new RegExp(`^same: it fails with ${type} again$`, 'm'));
      // by itself it is its request's first row; where memory ended is no two times the same
      const isSaid = stdout.includes(message.replace(/^row \d+/, 'row 0'));
      assert.ok(isSaid || type === 'OutOfMemory', stdout);
    }
    await assertPrintsAsShown(reproduced[0]?.stdout ?? '', {
      ...{ document: README, beginning: '08cb9d4d', masks: MASKS },
    });
  }).timeout(300_000);
});

/** Workers, an endpoint and a folder of its own for what is typed. */
async function openLine() {
  const folder = await temporaryFolder();
  const { store, environment } = await ownBucket();
  const registry = new ObjectRegistry(store);
  const project = await loadProject(CONFIG);
  const log = pino({ level: 'silent' });
  const rig = await startRig('ads', ({ client, taskQueue }) =>
    wireActivities({ project, store, client, taskQueue, workDir: folder.path, log }),
  );
  const endpoint = await startEndpoint({
    ...{ registry, cacheDirectory: `${folder.path}/cache`, runtime: new ChildModelRuntime() },
    ...{ models: ['ads'], replica: 'ads-1' },
  });
  const type = (words: string) =>
    typeCommand(words.split(' '), { folder: folder.path, environment });
  return {
    type,
    goLive: async () => {
      const { workflowId } = await rig.switchyard.start({ model: 'ads' });
      const isTested = async () => (await rig.switchyard.status(workflowId)).waitingFor[0];
      await until('it is trained and tested', isTested, 180_000);
      await approveBoth(rig.switchyard, workflowId);
      assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'live');
      const live = await registry.live('ads');
      assert.equal(live?.state.served[0]?.artifact, 'model.int8.onnx');
    },
    /** The end of what `show` prints. */
    gates: async () => {
      const { stdout } = await type('show ads 1');
      return stdout.slice(stdout.indexOf('tested on rows'));
    },
    /** How many of them it takes for what they are. */
    newsletters: async () => {
      const digest = (await registry.live('ads'))?.state.live ?? '';
      const [report] = await testReportsOf(store, 'ads', digest);
      const slices = report?.measurements.find(({ metric }) => metric === 'slice-accuracy')?.slices;
      return slices?.find(({ slice }) => slice === 'newsletter');
    },
    runPipeline: async () => {
      const { binary, args } = ownProgram('examples/ads/pipeline');
      const env = { ...process.env, ...environment };
      return (await promisify(execFile)(binary, args, { cwd: folder.path, env })).stdout;
    },
    labels: async () => {
      const text = await readFile(join(folder.path, '.switchyard/ads/labels.jsonl'), 'utf8');
      return text.trimEnd().split('\n');
    },
    [Symbol.asyncDispose]: async () => {
      await endpoint.close();
      await rig[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
