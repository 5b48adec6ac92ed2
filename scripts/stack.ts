import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownProgram } from '../adapters/package/package-root.js';
import { startServerProcess, untilReady, type ServerProcess } from './servers/child-process.js';
import { freePort } from './servers/free-ports.js';
import { startS3Server, type S3Server } from './servers/s3-server.js';
import { startTemporalServer, type TemporalServer } from './servers/temporal-server.js';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What workflows are found by in the web UI; unregistered ones would stall a workflow task for ever. */
export const SEARCH_ATTRIBUTES = {
  ModelName: 'Keyword',
  Stage: 'Keyword',
  WaitingFor: 'Keyword',
  Verdict: 'Keyword',
} as const;

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

/** Starts servers, one worker process and one endpoint; all of them end at the latest with this process. */
export async function startStack(given: {
  directory: string;
  models: readonly string[];
  bucket?: string;
}): Promise<Stack> {
  const servers: AsyncDisposable[] = [];
  const programs: AsyncDisposable[] = [];
  const stop = async () => {
    // programs before the servers they use
    await stopAll(programs);
    await stopAll(servers);
  };
  try {
    const [temporal, s3] = await Promise.all([
      startTemporalServer({
        directory: join(given.directory, 'temporal'),
        searchAttributes: SEARCH_ATTRIBUTES,
      }).then((server) => keep(servers, server)),
      startS3Server({
        directory: join(given.directory, 's3'),
        bucket: given.bucket ?? 'switchyard',
      }).then((server) => keep(servers, server)),
    ]);
    const port = await freePort();
    const environment = environmentOf(temporal, s3, given, port);
    const endpointUrl = `http://127.0.0.1:${port}`;
    const worker = keep(programs, await startProgram('worker', 'workers/main', environment));
    const endpoint = keep(programs, await startProgram('endpoint', 'serving/main', environment));
    await untilReady('the endpoint', endpoint, async () => {
      const answer = await fetch(`${endpointUrl}/v2/health/live`);
      return answer.ok ? 'ready' : 'not-yet';
    });
    const broken = Promise.race([
      endOf('the worker', worker),
      endOf('the endpoint', endpoint),
      temporal.ended.then(() => Promise.reject(new Error('the Temporal server ended'))),
      s3.ended.then(() => Promise.reject(new Error('the S3 server ended'))),
    ]);
    broken.catch(() => undefined); // whoever races against it hears of it; an orderly stop ends parts too
    return {
      ...{ temporal, s3, endpointUrl, environment, broken, stop },
      pids: { worker: worker.pid, endpoint: endpoint.pid },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopAll(parts: AsyncDisposable[]): Promise<void> {
  await Promise.all(parts.splice(0).map((part) => part[Symbol.asyncDispose]()));
}

function keep<Part extends AsyncDisposable>(parts: AsyncDisposable[], part: Part): Part {
  parts.push(part);
  return part;
}

function startProgram(
  name: string,
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  return startServerProcess({
    name: `the ${name}`,
    ...ownProgram(file),
    env: { ...environment },
  });
}

async function endOf(name: string, program: ServerProcess): Promise<never> {
  await program.ended;
  throw new Error(`${name} ended by itself: ${program.tail()}`);
}

function environmentOf(
  temporal: TemporalServer,
  s3: S3Server,
  given: { directory: string; models: readonly string[] },
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
    SWITCHYARD_CONFIG: join(ROOT, 'switchyard.config.ts'),
    SWITCHYARD_WORK_DIR: join(given.directory, 'work'),
    SWITCHYARD_MODELS: given.models.join(','),
    SWITCHYARD_ENDPOINT_PORT: String(endpointPort),
    SWITCHYARD_REPLICA: 'endpoint-1',
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
