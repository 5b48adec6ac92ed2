import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { ownProgram, PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { startEndpoint } from '../../serving/serve.js';
import { startRig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { loadProject } from '../../workers/project.js';
import { wireActivities } from '../../workers/wire.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { approveBoth, storeOf } from '../lifecycle/processes.js';
import { typeCommand } from '../support/typed-command.js';
import { assertPrintsAsShown, LOCAL_TRAINING, type Mask } from './expected-output.js';

const README = 'examples/transactions/README.md';
const CONFIG = join(PACKAGE_ROOT, 'test/examples/fixtures/transactions.config.ts');
const MODEL = 'transactions';

/** Times, and how far the others were when the first customer was done: within three requests of a thousand lines. */
const MASKS: readonly Mask[] = [
  [/ *\d+\.\d\d s/g, ' … s'],
  [/\d+\.\d times/g, '… times'],
  [/ +(?:[2-5]000)$/gm, ' …'],
];

describe('examples/transactions', () => {
  it('trains, converts and tests as its README shows', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out');
    const args = ['train', MODEL, '--local', '--config', CONFIG, '--out', out];

    const { code, stdout, stderr } = await typeCommand(args, { folder: PACKAGE_ROOT });

    assert.equal(code, 0, stderr);
    await assertPrintsAsShown(stderr + stdout, {
      document: README,
      beginning: 'training on',
      masks: LOCAL_TRAINING,
    });
  }).timeout(180_000);

  it('goes live, and serves four customers at once as its README shows', async () => {
    await using line = await openLine();
    const { workflowId } = await line.switchyard.start({ model: MODEL });
    await approveBoth(line.switchyard, workflowId);
    const end = await line.switchyard.outcome(workflowId);
    assert.ok(end.outcome === 'live', JSON.stringify(end));
    assert.equal(end.decisions.length, 2);

    await assertPrintsAsShown(await line.runExample(), {
      document: README,
      beginning: 'one after another',
      masks: MASKS,
    });
  }).timeout(180_000);
});

/** Workers, an endpoint, and the program on it as a user runs it. */
async function openLine() {
  const folder = await temporaryFolder();
  const log = pino({ level: 'silent' });
  const project = await loadProject(CONFIG);
  const store = storeOf(await testServers());
  const rig = await startRig('transactions', ({ client, taskQueue }) =>
    wireActivities({ project, store, client, taskQueue, workDir: folder.path, log }),
  );
  const endpoint = await startEndpoint({
    ...{ registry: new ObjectRegistry(store), cacheDirectory: `${folder.path}/cache` },
    ...{ runtime: new ChildModelRuntime(), models: [MODEL], replica: 'transactions-1' },
  });
  return {
    switchyard: rig.switchyard,
    runExample: async () => {
      const { binary, args } = ownProgram('examples/transactions/four-customers');
      const whole = [...args, '--endpoint', endpoint.url];
      return (await promisify(execFile)(binary, whole, { cwd: folder.path })).stdout;
    },
    [Symbol.asyncDispose]: async () => {
      await endpoint.close();
      await rig[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
