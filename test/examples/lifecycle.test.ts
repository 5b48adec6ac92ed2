import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { ownProgram } from '../../adapters/package/package-root.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { writeKeyFile } from '../../client/signing/key-file.js';
import { Switchyard } from '../../client/switchyard.js';
import { parseProject, type ProjectInput } from '../../domain/project.js';
import { startEndpoint } from '../../serving/serve.js';
import { readWorkflowBundle } from '../../workers/bundle.js';
import { wireActivities } from '../../workers/wire.js';
import { createWorkers } from '../../workers/worker.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { storeOf } from '../lifecycle/processes.js';
import { HALF_WAY, instantMails } from '../support/instant-mails.js';
import { InstantTrainer } from '../support/instant-trainer.js';
import { signersOf } from '../support/signers.js';
import { replayAll } from '../../testing/rig.js';
import { installRuntime } from '../../testing/runtime.js';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';
import { assertPrintsAsShown, type Mask } from './expected-output.js';

/** What the program asks for by name, and no other test does: it is run as it is. */
const MODEL = 'tickets';
const TASK_QUEUE = 'switchyard';

const PROJECT: ProjectInput = {
  models: [
    {
      model: MODEL,
      train: {
        ...{ trainer: 'instant', source: 'mails' },
        ...{ trainRows: { until: HALF_WAY }, heldOutRows: { from: HALF_WAY } },
      },
      test: { gates: [{ metric: 'accuracy', min: 0.9 }], resamples: 100 },
      approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
    },
  ],
  trainers: { instant: new InstantTrainer() },
  sources: { mails: instantMails },
};

const MASKS: readonly Mask[] = [
  [/'(?:[0-9a-f]{64}|…)'/g, 'a digest'],
  [/(?<=generation: )\d+/g, 'a number'],
];

describe('examples/lifecycle.ts', () => {
  it('prints what the README shows: a version goes live, and the one before serves again', async () => {
    await using line = await openLine();

    assert.match(await line.runExample(), /^live\n/); // now there is a version to go back to
    await assertPrintsAsShown(await line.runExample(), {
      document: 'README.md',
      beginning: 'live\n',
      masks: MASKS,
    });
  }).timeout(120_000);

  it('waits out a freeze, and decides nothing meanwhile', async () => {
    await using line = await openLine();
    const by = { by: 'grace@example.com', reason: 'a campaign runs' };
    await line.switchyard.freeze(MODEL, by);
    const printed = line.runExample();
    await until('it waits for the thaw', async () => {
      const query = `ModelName = "${MODEL}" AND WaitingFor = "thaw"`;
      return (await line.client.workflow.count(query)).count > 0 ? 'waits' : undefined;
    });
    // It looks twice a second; a decision for nobody who is asked would be refused, and end it.
    const ends = printed.then(String, String);
    assert.equal(await Promise.race([ends, pause(2_000, 'it waits')]), 'it waits');
    await line.switchyard.thaw(MODEL, by);

    assert.match(await printed, /^live\n/);
  }).timeout(120_000);
});

/** Workers on the queue that the program uses, and an endpoint. */
async function openLine() {
  installRuntime();
  const servers = await testServers();
  const { address, namespace } = servers.temporal;
  const [folder, connection, native] = await Promise.all([
    temporaryFolder(),
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  const client = new Client({ connection, namespace });
  const store = storeOf(servers);
  const project = { ...parseProject(PROJECT, 'the project'), root: folder.path };
  const { keys, trust: trusted } = signersOf({ visitor: ['data-science', 'engineering'] });
  const trust = { read: () => Promise.resolve(trusted) };
  const keyFile = join(folder.path, 'visitor.json');
  await writeKeyFile(keyFile, keys.visitor);
  const workers = await createWorkers({
    ...{ connection: native, namespace, taskQueue: TASK_QUEUE },
    activities: wireActivities({
      ...{ project, store, client, trust, taskQueue: TASK_QUEUE },
      ...{ workDir: folder.path, log: pino({ level: 'silent' }) },
    }),
    workflowBundle: await readWorkflowBundle(),
  });
  const running = workers.run();
  const endpoint = await startEndpoint({
    ...{ registry: new ObjectRegistry(store), cacheDirectory: join(folder.path, 'cache') },
    ...{ runtime: new ChildModelRuntime(), models: [MODEL], replica: 'lifecycle-1', trust },
  });
  return {
    client,
    switchyard: new Switchyard({ client, taskQueue: TASK_QUEUE }),
    runExample: async () => {
      const { binary, args } = ownProgram('examples/lifecycle');
      const env = { ...process.env, TEMPORAL_ADDRESS: address, SWITCHYARD_KEY: keyFile };
      const cwd = folder.path; // where no development servers are
      return (await promisify(execFile)(binary, args, { cwd, env })).stdout;
    },
    [Symbol.asyncDispose]: async () => {
      await endpoint.close();
      workers.shutdown();
      await running;
      await replayAll(client, TASK_QUEUE);
      await connection.close();
      await native.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
