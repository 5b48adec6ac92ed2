import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../activities/index.js';
import { Switchyard } from '../client/switchyard.js';
import { readWorkflowBundle } from '../workers/bundle.js';
import { createWorkers } from '../workers/worker.js';
import { testServers } from './servers.js';

/** Workers on queues of their own, and the means to talk to what they run. */
export interface Rig extends AsyncDisposable {
  readonly taskQueue: string;
  readonly client: Client;
  readonly switchyard: Switchyard;
}

let rigs = 0;
let installed = false;

/** Once a process: errors only, for a test's own failures say more than retries after its servers have gone. */
export function installRuntime(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
  });
}

/**
 * Starts workers that run the given activities. When the test ends, the history of every workflow that it started is replayed:
 * replay coverage for free.
 */
export async function startRig(
  title: string,
  activities: (given: { client: Client; taskQueue: string }) => Activities,
): Promise<Rig> {
  const { temporal } = await testServers();
  installRuntime();
  rigs += 1;
  const taskQueue = `${title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)}-${rigs}`;
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const native = await NativeConnection.connect({ address: temporal.address });
  const workers = await createWorkers({
    connection: native,
    namespace: temporal.namespace,
    taskQueue,
    activities: activities({ client, taskQueue }),
    workflowBundle: await readWorkflowBundle(),
  });
  const running = workers.run();
  return {
    taskQueue,
    client,
    switchyard: new Switchyard({ client, taskQueue }),
    [Symbol.asyncDispose]: async () => {
      workers.shutdown();
      await running;
      await replayAll(client, taskQueue);
      await connection.close();
      await native.close();
    },
  };
}

/** Replays the history of every workflow of a task queue; rejects with the first that does not. */
export async function replayAll(client: Client, taskQueue: string): Promise<void> {
  const workflowBundle = await readWorkflowBundle();
  const started = client.workflow.list({ query: `TaskQueue = "${taskQueue}"` });
  const replayed = Worker.runReplayHistories({ workflowBundle }, started.intoHistories());
  for await (const { workflowId, error } of replayed) {
    if (error === undefined) continue;
    throw new Error(`${workflowId} does not replay: ${error.message}`, { cause: error });
  }
}

/** Polls until `look` gives a value other than undefined; no test sleeps for a fixed time. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined>,
  deadlineMs = 20_000,
): Promise<Value> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await pause(20);
  }
}
