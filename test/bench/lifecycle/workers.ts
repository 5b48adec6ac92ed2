import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../../../activities/index.js';
import { createWorkers } from '../../../workers/worker.js';
import { installRuntime } from '../../../testing/runtime.js';
import { testServers } from '../../../testing/servers.js';

/** Connections to the Temporal server that this run shares. */
export interface Link extends AsyncDisposable {
  readonly client: Client;
  readonly native: NativeConnection;
}

export async function openLink(): Promise<Link> {
  const { temporal } = await testServers();
  installRuntime();
  const connection = await Connection.connect({ address: temporal.address });
  const native = await NativeConnection.connect({ address: temporal.address });
  return {
    client: new Client({ connection, namespace: temporal.namespace }),
    native,
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await native.close();
    },
  };
}

export interface RunningWorkers extends AsyncDisposable {
  stop(): Promise<void>;
}

/** The product's workers on queues of their own, in this process, until the scope ends. */
export async function startWorkers(
  link: Link,
  given: {
    readonly taskQueue: string;
    readonly activities: Activities;
    readonly workflowBundle: WorkflowBundleOption;
  },
): Promise<RunningWorkers> {
  const { client, native } = link;
  const { namespace } = client.options;
  const workers = await createWorkers({ ...given, connection: native, namespace });
  const running = workers.run();
  const stop = async () => {
    workers.shutdown();
    await running;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
