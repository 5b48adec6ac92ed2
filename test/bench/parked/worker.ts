/**
 * A process with the product's workers and workflows whose activities do nothing: `SWITCHYARD_PARKED` in its environment says which, as
 * JSON. It says `polling` when it polls, and ends at SIGTERM.
 */
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { z } from 'zod';
import { listenForStop } from '../../../adapters/process/stop-signals.js';
import { aSpec, aTested } from '../../../testing/builders.js';
import { fakeActivities } from '../../../testing/fake-activities.js';
import { installRuntime } from '../../../testing/runtime.js';
import { readWorkflowBundle } from '../../../workers/bundle.js';
import { createWorkers } from '../../../workers/worker.js';

const given = z
  .object({
    address: z.string(),
    taskQueue: z.string(),
    role: z.string(),
    maxCachedWorkflows: z.int(),
  })
  .parse(JSON.parse(process.env['SWITCHYARD_PARKED'] ?? ''));

const { address, taskQueue, role, maxCachedWorkflows } = given;
installRuntime();
const stop = listenForStop();
const client = new Client({ connection: await Connection.connect({ address }) });
const workers = await createWorkers({
  ...{ taskQueue, maxCachedWorkflows, namespace: 'default' },
  connection: await NativeConnection.connect({ address }),
  workflowBundle: await readWorkflowBundle(),
  activities: fakeActivities(
    { client, taskQueue },
    {
      spec: aSpec({ approve: { handOffs: [{ role }] } }),
      overrides: {
        assembleEvidence: () => Promise.resolve(aTested({ roles: [role] })),
        // past liveModel, whose runs would share the cache
        promoteVersion: ({ candidate: { digest } }) =>
          Promise.resolve({ kind: 'promoted', generation: 1, live: digest }),
      },
    },
  ),
});
const running = workers.run();
process.stdout.write('polling\n');
await stop.first;
workers.shutdown();
await running;
process.exit(0);
