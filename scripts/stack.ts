import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownProgram } from '../adapters/package/package-root.js';
import { SEARCH_ATTRIBUTES } from '../domain/search-attributes.js';
import { startServerProcess, untilReady, type ServerProcess } from './servers/child-process.js';
import type { DevState } from './servers/dev-state.js';
import { freePort } from './servers/free-ports.js';
import { startS3Server, type S3Server } from './servers/s3-server.js';
import { startTemporalServer, type TemporalServer } from './servers/temporal-server.js';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Everything that a model's life needs, on 127.0.0.1 and free ports. */
export interface Stack extends AsyncDisposable {
  readonly temporal: TemporalServer;
  readonly s3: S3Server;
  readonly endpointUrl: string;
  readonly pids: Readonly<Record<string, number>>;
  /** What the worker and the endpoint need to find the servers; for a second terminal too. */
  readonly environment: Readonly<Record<string, string>>;
  /** Rejects with the last lines of the first part that ends by itself; never resolves. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

/** What to start. */
export interface StackOptions {
  /** Where the servers keep their data, and the programs their working files. */
  readonly directory: string;
  /** What the endpoint serves. */
  readonly models: readonly string[];
  /** Default: the checkout's own. */
  readonly config?: string;
  /** Worker processes; default 1. */
  readonly workers?: number;
  readonly bucket?: string;
  /** Whom worker and endpoint trust; decisions are not signed where left out. */
  readonly trustFile?: string;
  /** The key with which the workers seal what they write; they do not where left out. */
  readonly witnessKey?: string;
  /** Is told all that workers and endpoint write to their logs. */
  readonly onLog?: (text: string) => void;
  /** Default: free ones. */
  readonly ports?: { readonly temporal: number; readonly ui: number; readonly endpoint: number };
}

/** Starts servers, worker processes and one endpoint; all of them end at the latest with this process. Resolves when they work. */
export async function startStack(given: StackOptions): Promise<Stack> {
  const servers: AsyncDisposable[] = [];
  const programs: AsyncDisposable[] = [];
  const stop = async () => {
    // programs before the servers they use
    await stopAll(programs);
    await stopAll(servers);
  };
  try {
    const { temporal, s3 } = await startServers(given, servers);
    const port = given.ports?.endpoint ?? (await freePort());
    const environment = environmentOf(temporal, s3, given, port);
    const endpointUrl = `http://127.0.0.1:${port}`;
    const running = { environment, programs, onLog: given.onLog };
    const starting = [
      ...workerNames(given.workers ?? 1).map((name) => startPolling(name, running)),
      startEndpoint(endpointUrl, running),
    ];
    await Promise.allSettled(starting); // then everything that came up is known, and can be stopped
    const started = await Promise.all(starting);
    const broken = Promise.race([
      ...started.map(({ name, program }) => endOf(`the ${name}`, program)),
      temporal.ended.then(() => Promise.reject(new Error('the Temporal server ended'))),
      s3.ended.then(() => Promise.reject(new Error('the S3 server ended'))),
    ]);
    broken.catch(() => undefined); // whoever races against it hears of it; an orderly stop ends parts too
    return {
      ...{ temporal, s3, endpointUrl, environment, broken, stop },
      pids: Object.fromEntries(started.map(({ name, program }) => [name, program.pid])),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServers(given: StackOptions, servers: AsyncDisposable[]) {
  const { directory, ports, bucket } = given;
  const temporal = startTemporalServer({
    directory: join(directory, 'temporal'),
    searchAttributes: SEARCH_ATTRIBUTES,
    ...(ports && { port: ports.temporal, uiPort: ports.ui }),
  }).then((server) => keep(servers, server));
  const s3 = startS3Server({
    directory: join(directory, 's3'),
    bucket: bucket ?? 'switchyard',
  }).then((server) => keep(servers, server));
  await Promise.allSettled([temporal, s3]);
  return { temporal: await temporal, s3: await s3 };
}

/** One alone is `worker`. */
function workerNames(count: number): readonly string[] {
  if (count === 1) return ['worker'];
  return Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
}

interface Started {
  readonly name: string;
  readonly program: ServerProcess;
}

/** Where programs run. */
interface Running {
  readonly environment: Readonly<Record<string, string>>;
  /** Those that are to be stopped. */
  readonly programs: AsyncDisposable[];
  readonly onLog: StackOptions['onLog'];
}

async function startPolling(name: string, running: Running): Promise<Started> {
  const program = await startProgram(name, 'workers/main', running);
  await untilReady(`the ${name}`, program, () =>
    Promise.resolve(program.hasSaid('"polling"') ? 'ready' : 'not-yet'),
  );
  return { name, program };
}

async function startEndpoint(url: string, running: Running): Promise<Started> {
  const name = 'endpoint';
  const program = await startProgram(name, 'serving/main', running);
  await untilReady(`the ${name}`, program, async () => {
    const answer = await fetch(`${url}/v2/health/live`);
    return answer.ok ? 'ready' : 'not-yet';
  });
  return { name, program };
}

/** What a second terminal needs to know of a stack that this process started. */
export function devStateOf(stack: Stack, models: readonly string[]): DevState {
  const { temporal, s3, endpointUrl, pids } = stack;
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
  const { address, uiUrl } = temporal;
  return {
    schemaVersion: 1,
    pid: process.pid,
    temporal: { address, namespace: 'default', uiUrl, pid: temporal.pid },
    s3: { endpoint, region, bucket, accessKeyId, secretAccessKey, pid: s3.pid },
    urls: { endpoint: endpointUrl },
    models: [...models],
    pids: { ...pids },
  };
}

async function stopAll(parts: AsyncDisposable[]): Promise<void> {
  await Promise.all(parts.splice(0).map((part) => part[Symbol.asyncDispose]()));
}

function keep<Part extends AsyncDisposable>(parts: AsyncDisposable[], part: Part): Part {
  parts.push(part);
  return part;
}

async function startProgram(
  name: string,
  file: string,
  { environment, programs, onLog }: Running,
): Promise<ServerProcess> {
  const program = await startServerProcess({
    name: `the ${name}`,
    ...ownProgram(file),
    env: { ...environment },
    ...(onLog && { onOutput: onLog }),
  });
  return keep(programs, program);
}

async function endOf(name: string, program: ServerProcess): Promise<never> {
  await program.ended;
  throw new Error(`${name} ${program.ending()}`);
}

function environmentOf(
  temporal: TemporalServer,
  s3: S3Server,
  given: StackOptions,
  endpointPort: number,
): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
    SWITCHYARD_CONFIG: given.config ?? join(ROOT, 'switchyard.config.ts'),
    SWITCHYARD_WORK_DIR: join(given.directory, 'work'),
    SWITCHYARD_MODELS: given.models.join(','),
    SWITCHYARD_ENDPOINT_PORT: String(endpointPort),
    SWITCHYARD_REPLICA: 'endpoint-1',
    SWITCHYARD_CACHE_DIR: join(given.directory, 'cache'),
    ...(given.trustFile !== undefined && { SWITCHYARD_TRUST_FILE: given.trustFile }),
    ...(given.witnessKey !== undefined && { SWITCHYARD_WITNESS_KEY: given.witnessKey }),
  };
}

/** Resolves when the user types Ctrl-C or the process is asked to end. */
export async function untilInterrupted(): Promise<void> {
  const stop = new AbortController();
  await Promise.race(
    (['SIGINT', 'SIGTERM'] as const).map((name) => once(process, name, { signal: stop.signal })),
  );
  stop.abort();
}
