import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Switchyard } from '../../client/switchyard.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../scripts/servers/child-process.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { testServers, type TestServers } from '../../testing/servers.js';
import { replayAll } from '../../testing/rig.js';
import { installRuntime } from '../../testing/runtime.js';
import { until } from '../../testing/until.js';

const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));

/** One model's line in processes of its own: workers, an endpoint, and the means to look at what they leave. */
export interface ProcessLine extends AsyncDisposable {
  readonly model: string;
  readonly client: Client;
  readonly switchyard: Switchyard;
  readonly registry: ObjectRegistry;
  readonly store: S3ObjectStore;
  /** Resolves when it polls. */
  startWorker(): Promise<ServerProcess>;
  /** Resolves when it answers. */
  startEndpoint(): Promise<ServerProcess & { readonly url: string }>;
}

/** Opens the line of a model of `fixtures/switchyard.config.ts`. At its end every run's history is replayed. */
export async function openProcessLine(model: string): Promise<ProcessLine> {
  installRuntime();
  const servers = await testServers();
  const folder = await temporaryFolder();
  const connection = await Connection.connect({ address: servers.temporal.address });
  const client = new Client({ connection, namespace: servers.temporal.namespace });
  const store = storeOf(servers);
  const environment = environmentOf(servers, model, folder.path);
  const started: ServerProcess[] = [];
  const start = async (program: string, extra: Record<string, string> = {}) => {
    const process_ = await startProgram(program, { ...environment, ...extra });
    started.push(process_);
    return process_;
  };
  return {
    ...{ model, client, store, registry: new ObjectRegistry(store) },
    switchyard: new Switchyard({ client, taskQueue: model }),
    startWorker: async () => {
      const worker = await start('workers/main.ts');
      await untilReady('the worker', worker, () =>
        Promise.resolve(worker.hasSaid('"polling"') ? 'ready' : 'not-yet'),
      );
      return worker;
    },
    startEndpoint: async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const endpoint = await start('serving/main.ts', { SWITCHYARD_ENDPOINT_PORT: String(port) });
      await untilReady('the endpoint', endpoint, async () =>
        (await fetch(`${url}/v2/health/live`)).ok ? 'ready' : 'not-yet',
      );
      return { ...endpoint, url };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((each) => each.stop()));
      await replayAll(client, model);
      await connection.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The store of the test servers. */
export function storeOf({ s3 }: TestServers): S3ObjectStore {
  const { accessKeyId, secretAccessKey } = s3;
  return new S3ObjectStore({ ...s3, credentials: { accessKeyId, secretAccessKey } });
}

/** Ends a process as a power cut does, and waits until it is gone. */
export async function kill(victim: ServerProcess): Promise<void> {
  process.kill(victim.pid, 'SIGKILL');
  await victim.ended;
}

/** Resolves to the evidence on the table once the role is asked. */
export function evidenceFor(
  switchyard: Switchyard,
  workflowId: string,
  role: string,
): Promise<string> {
  return until(
    `"${role}" is asked`,
    async () => {
      const { waitingFor, evidence } = await switchyard.status(workflowId);
      return waitingFor.includes(role) && evidence !== null ? evidence : undefined;
    },
    60_000,
  );
}

/** Lets both roles approve when they are asked. */
export async function approveBoth(switchyard: Switchyard, workflowId: string): Promise<void> {
  for (const role of ['data-science', 'engineering']) {
    const evidence = await evidenceFor(switchyard, workflowId, role);
    const by = `${role}@example.com`;
    await switchyard.decide(workflowId, {
      role,
      decision: 'approved',
      by,
      reason: 'fine',
      evidence,
    });
  }
}

function startProgram(
  program: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const file = fileURLToPath(new URL(`../../${program}`, import.meta.url));
  return startServerProcess({
    name: program,
    binary: process.execPath,
    args: ['--import', 'tsx', file],
    env: environment,
  });
}

function environmentOf({ temporal, s3 }: TestServers, model: string, folder: string) {
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
    SWITCHYARD_TASK_QUEUE: model,
    SWITCHYARD_CONFIG: CONFIG,
    SWITCHYARD_WORK_DIR: folder,
    SWITCHYARD_MODELS: model,
    SWITCHYARD_REPLICA: 'endpoint-1',
  };
}
