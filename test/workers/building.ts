import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../../activities/index.js';
import { Switchyard } from '../../client/switchyard.js';
import { createWorkers, type WorkerBuild } from '../../workers/worker.js';
import { installRuntime } from '../../testing/runtime.js';
import { testServers } from '../../testing/servers.js';
import { typeCommand, type Ended } from '../support/typed-command.js';

/** An installation whose workers come in builds; its task queue and deployment have one name. */
export interface BuiltYard extends AsyncDisposable {
  readonly name: string;
  readonly client: Client;
  readonly switchyard: Switchyard;
  /** Starts this process's workers of a build, or of none; `stop` resolves when they have ended. */
  startWorkers(
    buildId: string | null,
    workflowBundle: WorkflowBundleOption,
  ): Promise<{ stop(): Promise<void> }>;
  /** Types a command in an empty folder. */
  type(...args: readonly string[]): Promise<Ended>;
  /** The build that a workflow's newest run is on; null: none. */
  buildOf(workflowId: string): Promise<string | null>;
}

/** Opens an installation without workers. */
export async function openBuiltYard(given: {
  readonly name: string;
  readonly folder: string;
  readonly activities: (place: { client: Client; taskQueue: string }) => Activities;
}): Promise<BuiltYard> {
  installRuntime();
  const { name, folder } = given;
  const { address, namespace } = (await testServers()).temporal;
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const client = new Client({ connection, namespace });
  const activities = given.activities({ client, taskQueue: name });
  const stops: (() => Promise<void>)[] = [];
  return {
    ...{ name, client, switchyard: new Switchyard({ client, taskQueue: name }) },
    startWorkers: async (buildId, workflowBundle) => {
      const build: WorkerBuild | undefined =
        buildId === null ? undefined : { deploymentName: name, buildId };
      const place = { connection: native, namespace, taskQueue: name };
      const workers = await createWorkers({ ...place, activities, workflowBundle, build });
      const running = workers.run();
      const stop = async () => {
        workers.shutdown();
        await running;
      };
      stops.push(stop);
      return { stop };
    },
    type: (...args) =>
      typeCommand(args, {
        folder,
        environment: { TEMPORAL_ADDRESS: address, SWITCHYARD_TASK_QUEUE: name },
      }),
    buildOf: async (workflowId) => {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      const version = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion;
      return version?.buildId ?? null;
    },
    [Symbol.asyncDispose]: async () => {
      for (const stop of stops) await stop();
      await connection.close();
      await native.close();
    },
  };
}
