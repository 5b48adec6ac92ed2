import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { ownProgram } from '../../adapters/package/package-root.js';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Switchyard } from '../../client/switchyard.js';
import type { Notice } from '../../domain/ports/notifier.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../scripts/servers/child-process.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { testServers, type TestServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import type { Kind } from './fixtures/kinds.js';

const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));

/** Where a world's servers answer; the shape of `testServers`. */
export type WorldServers = TestServers;

export interface WorldOptions {
  /** Kinds by model name. Names must be new to the bucket where a whole model is compared. */
  readonly models: Readonly<Record<string, Kind>>;
  /** Default: the servers of this run, which are started by the first who asks. */
  readonly servers?: WorldServers;
  /** Default: a new one. */
  readonly taskQueue?: string;
}

/** A program and its arguments. */
interface Program {
  readonly binary: string;
  readonly args: readonly string[];
}

/** What a worker process may be given besides. */
export interface WorkerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the world's own queue. */
  readonly taskQueue?: string;
  /** What to start; default: the worker's program as it runs in a checkout. */
  readonly program?: Program;
}

/** One run of the trainer, as the trainer noted it itself. */
const trainerRunSchema = z.object({
  model: z.string(),
  command: z.enum(['train', 'convert']),
  seed: z.number(),
});
export type TrainerRun = z.infer<typeof trainerRunSchema>;

/** Real servers, real worker and endpoint processes of the chaos project, and the means to look at what they leave. */
export interface World extends AsyncDisposable {
  readonly servers: WorldServers;
  readonly taskQueue: string;
  /** In every child's environment, so that one that was left behind can be found. */
  readonly mark: string;
  readonly client: Client;
  readonly switchyard: Switchyard;
  readonly store: S3ObjectStore;
  readonly registry: ObjectRegistry;
  /** Resolves when it polls. */
  startWorker(given?: WorkerOptions): Promise<ServerProcess>;
  /** Resolves when it answers. */
  startEndpoint(given: {
    replica: string;
    models?: readonly string[];
  }): Promise<ServerProcess & { readonly url: string }>;
  /** Every notice that arrived, in order, those that came twice too. */
  readonly notices: readonly Notice[];
  trainerRuns(): Promise<readonly TrainerRun[]>;
  /** Ends every process that it started; the servers stay. */
  stopProcesses(): Promise<void>;
  /** Processes that it started, dead ones too. */
  readonly pids: readonly number[];
}

/** Opens a world; nothing runs in it yet but the servers. */
export async function openWorld(given: WorldOptions): Promise<World> {
  const servers = given.servers ?? (await testServers());
  const mark = randomUUID();
  const taskQueue = given.taskQueue ?? `chaos-${mark.slice(0, 8)}`;
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-chaos-'));
  const connection = await Connection.connect({ address: servers.temporal.address });
  const client = new Client({ connection, namespace: servers.temporal.namespace });
  const store = storeOf(servers);
  const listener = await listenForNotices();
  const started: ServerProcess[] = [];
  const runs = join(folder, 'trainer-runs.jsonl');
  const environment = {
    ...environmentOf(servers),
    CHAOS_WORLD: mark,
    CHAOS_MODELS: JSON.stringify(given.models),
    CHAOS_RUNS: runs,
    CHAOS_NOTICES: listener.url,
  };
  const start = async (name: string, program: Program, more: Readonly<Record<string, string>>) => {
    const child = await startServerProcess({
      ...{ name, ...program, stopMs: 3_000 },
      env: { ...environment, ...more },
    });
    started.push(child);
    return child;
  };
  const stopProcesses = async () => {
    await Promise.all(started.map((child) => child.stop()));
  };
  return {
    ...{ servers, taskQueue, mark, client, store, stopProcesses },
    switchyard: new Switchyard({ client, taskQueue }),
    registry: new ObjectRegistry(store),
    notices: listener.notices,
    get pids() {
      return started.map(({ pid }) => pid);
    },
    trainerRuns: () => readRuns(runs),
    startWorker: async (options = {}) => {
      const queue = options.taskQueue ?? taskQueue;
      const worker = await start('the worker', options.program ?? ownProgram('workers/main'), {
        SWITCHYARD_TASK_QUEUE: queue,
        SWITCHYARD_WORK_DIR: join(folder, queue),
        SWITCHYARD_SHUTDOWN_GRACE: '1 second',
        ...options.environment,
      });
      await untilReady(
        'the worker',
        worker,
        () => Promise.resolve(worker.hasSaid('"polling"') ? 'ready' : 'not-yet'),
        60_000,
      );
      return worker;
    },
    startEndpoint: async ({ replica, models }) => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const endpoint = await start('the endpoint', ownProgram('serving/main'), {
        SWITCHYARD_ENDPOINT_PORT: String(port),
        SWITCHYARD_REPLICA: replica,
        SWITCHYARD_MODELS: (models ?? Object.keys(given.models)).join(','),
        SWITCHYARD_CACHE_DIR: join(folder, 'cache'),
      });
      await untilReady('the endpoint', endpoint, async () =>
        (await fetch(`${url}/v2/health/live`)).ok ? 'ready' : 'not-yet',
      );
      return { ...endpoint, url };
    },
    [Symbol.asyncDispose]: async () => {
      await stopProcesses();
      await connection.close();
      await listener.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Ends a process as a power cut does, and waits until it is gone. */
export async function kill(victim: ServerProcess): Promise<void> {
  if (!victim.hasEnded()) process.kill(victim.pid, 'SIGKILL');
  await victim.ended;
}

/** A client of a world's bucket. */
export function storeOf({ s3 }: WorldServers): S3ObjectStore {
  const { accessKeyId, secretAccessKey } = s3;
  return new S3ObjectStore({ ...s3, credentials: { accessKeyId, secretAccessKey } });
}

/** A query costs the worker something. */
const LOOK_EVERY_MS = 100;

/** Answers every hand-off of a lifecycle with the same decision until nobody is asked any more, or it has ended. */
export async function decideAll(
  world: Pick<World, 'switchyard' | 'client'>,
  workflowId: string,
  given: {
    decision?: 'approved' | 'rejected' | 'needs-more-data';
    patienceMs?: number;
    signal?: AbortSignal;
  } = {},
): Promise<void> {
  const { switchyard } = world;
  const { decision = 'approved', patienceMs = 120_000, signal } = given;
  const answered = new Set<string>();
  await until(
    `${workflowId} has been decided on`,
    async () => {
      await pause(LOOK_EVERY_MS, undefined, { signal });
      const { waitingFor, evidence, stage } = await switchyard.status(workflowId);
      if (stage === 'deploy' || stage === 'undo' || stage === 'ended') return true;
      const role = waitingFor.find((each) => !answered.has(`${each} ${evidence ?? ''}`));
      if (role === undefined || evidence === null) return undefined;
      const by = `${role}@example.com`;
      await switchyard.decide(workflowId, { role, decision, by, reason: 'chaos', evidence });
      answered.add(`${role} ${evidence}`);
      return decision === 'approved' ? undefined : true;
    },
    patienceMs,
  );
}

function environmentOf({ temporal, s3 }: WorldServers): Readonly<Record<string, string>> {
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
    SWITCHYARD_CONFIG: CONFIG,
  };
}

const noticeSchema = z.object({
  kind: z.string(),
  model: z.string(),
  workflowId: z.string(),
  roles: z.array(z.string()),
  text: z.string(),
});

async function listenForNotices() {
  const notices: Notice[] = [];
  const isNotice = (value: unknown): value is Notice => noticeSchema.safeParse(value).success;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const notice: unknown = JSON.parse(body);
      if (isNotice(notice)) notices.push(notice);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ notices, url: `http://127.0.0.1:${port}/` },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readRuns(path: string): Promise<readonly TrainerRun[]> {
  const lines = await readFile(path, 'utf8').catch(() => '');
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => trainerRunSchema.parse(JSON.parse(line)));
}
