import { Client, Connection, type HistoryAndWorkflowId } from '@temporalio/client';
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../activities/index.js';
import { Switchyard } from '../client/switchyard.js';
import { readWorkflowBundle } from '../workers/bundle.js';
import { createWorkers } from '../workers/worker.js';
import { installRuntime } from './runtime.js';
import { testServers } from './servers.js';
import type { TimeSkippingServer } from './time-skipping.js';

/** Workers on queues of their own, and the means to talk to what they run. */
export interface Rig extends AsyncDisposable {
  readonly taskQueue: string;
  readonly client: Client;
  readonly switchyard: Switchyard;
}

/** How to start a rig otherwise than on `testServers` with the ready workflows. */
export interface RigOptions {
  /** Default: the Temporal server of `testServers`. */
  readonly server?: TimeSkippingServer;
  /** Default: the ready workflows. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** Default: a queue of its own. Named, it takes up what another rig left there. */
  readonly taskQueue?: string;
}

interface Connections {
  readonly client: Client;
  readonly native: NativeConnection;
  readonly close: () => Promise<void>;
}

let rigs = 0;

/**
 * Starts workers that run the given activities. When the test ends, the history of every workflow that it started is replayed:
 * replay coverage for free.
 */
export async function startRig(
  title: string,
  activities: (given: { client: Client; taskQueue: string }) => Activities,
  options: RigOptions = {},
): Promise<Rig> {
  installRuntime();
  const workflowBundle = options.workflowBundle ?? (await readWorkflowBundle());
  const { client, native, close } = await connect(options.server);
  rigs += 1;
  const own = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const taskQueue = options.taskQueue ?? `${own.slice(0, 40)}-${rigs}`;
  const workers = await createWorkers({
    connection: native,
    namespace: client.options.namespace,
    taskQueue,
    activities: activities({ client, taskQueue }),
    workflowBundle,
  }).catch(async (error: unknown) => {
    await close(); // else the process that tests would never end
    throw error;
  });
  const running = workers.run();
  return {
    taskQueue,
    client,
    switchyard: new Switchyard({ client, taskQueue }),
    [Symbol.asyncDispose]: async () => {
      try {
        workers.shutdown();
        await running;
        const started =
          options.server?.histories(taskQueue) ??
          client.workflow.list({ query: `TaskQueue = "${taskQueue}"` }).intoHistories();
        await replay(started, workflowBundle);
      } finally {
        await close();
      }
    },
  };
}

async function connect(server: TimeSkippingServer | undefined): Promise<Connections> {
  if (server !== undefined) {
    const { client, nativeConnection } = server.environment;
    return { client, native: nativeConnection, close: () => Promise.resolve() };
  }
  const { temporal } = await testServers();
  const { address, namespace } = temporal;
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const close = async () => {
    await connection.close();
    await native.close();
  };
  return { client: new Client({ connection, namespace }), native, close };
}

/** Replays the history of every workflow of a task queue; rejects with the first that does not. */
export async function replayAll(client: Client, taskQueue: string): Promise<void> {
  const started = client.workflow.list({ query: `TaskQueue = "${taskQueue}"` });
  await replay(started.intoHistories(), await readWorkflowBundle());
}

async function replay(
  histories: AsyncIterable<HistoryAndWorkflowId>,
  workflowBundle: WorkflowBundleOption,
): Promise<void> {
  const replayed = Worker.runReplayHistories({ workflowBundle }, begun(histories));
  for await (const { workflowId, error } of replayed) {
    if (error === undefined) continue;
    throw new Error(`${workflowId} does not replay: ${error.message}`, { cause: error });
  }
}

/** Those that did a task: the replay of one that had only been started would wait for ever. */
async function* begun(histories: AsyncIterable<HistoryAndWorkflowId>) {
  for await (const each of histories) {
    const events: unknown = Reflect.get(Object(each.history), 'events');
    const hasBegun = (event: unknown) =>
      Boolean(Reflect.get(Object(event), 'workflowTaskCompletedEventAttributes'));
    if (Array.isArray(events) && events.some(hasBegun)) yield each;
  }
}
