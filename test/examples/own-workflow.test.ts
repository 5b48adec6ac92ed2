import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { threeNights } from '../../examples/own-workflow/three-nights.js';
import { startEndpoint } from '../../serving/serve.js';
import { bringWorkflowBundle } from '../../workers/own-workflows.js';
import { loadProject } from '../../workers/project.js';
import { wireActivities } from '../../workers/wire.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { storeOf } from '../lifecycle/processes.js';
import { startRig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { assertPrintsAsShown } from './expected-output.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/own-workflow/', import.meta.url));
const MODEL = 'nightly';

describe('examples/own-workflow', () => {
  it('prints what its README expects: by night only a version that is no worse goes live by itself', async () => {
    await using folder = await temporaryFolder();
    const log = pino({ level: 'silent' });
    const project = await loadProject(`${EXAMPLE}switchyard.config.ts`);
    const store = storeOf(await testServers());
    const workflowBundle = await bringWorkflowBundle(project, log);
    await using rig = await startRig(
      'own workflow',
      ({ client, taskQueue }) =>
        wireActivities({ project, store, client, taskQueue, workDir: folder.path, log }),
      { workflowBundle },
    );
    const endpoint = await startEndpoint({
      ...{ registry: new ObjectRegistry(store), cacheDirectory: `${folder.path}/cache` },
      ...{ runtime: new ChildModelRuntime(), models: [MODEL], replica: 'nightly-1' },
    });
    try {
      const { client, taskQueue } = rig;
      const printed: string[] = [];
      for await (const line of threeNights({ client, taskQueue, name: taskQueue })) {
        printed.push(`${line}\n`);
      }
      await assertPrintsAsShown(printed.join(''), {
        document: 'examples/own-workflow/README.md',
        beginning: 'night 1',
      });
    } finally {
      await endpoint.close();
    }
  }).timeout(180_000);
});
