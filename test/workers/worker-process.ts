import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';

/** The worker's program. */
export const MAIN = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));

export type Line = Readonly<Record<string, unknown>>;

/** A worker in a process of its own, with every line that it logs. */
export interface WorkerProcess extends AsyncDisposable {
  readonly lines: readonly string[];
  /** Sends a signal to the worker itself. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** The first line with this message, parsed. */
  logged(message: string): Promise<Line>;
}

/** What a worker process needs to find the test servers and its configuration. */
export async function environmentOnTestServers(
  config: string,
): Promise<Record<string, string | undefined>> {
  const { temporal, s3 } = await testServers();
  return {
    PATH: process.env['PATH'],
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
    SWITCHYARD_CONFIG: config,
  };
}

/** Starts a worker on the test servers and waits until it polls. */
export async function startWorkerProcess(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...(await environmentOnTestServers(CONFIG)), ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  const ended = once(child, 'close').then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
  }));
  const logged = (message: string) =>
    until(
      `the worker logs "${message}"`,
      () => {
        if (child.exitCode !== null) throw new Error(`the worker ended: ${lines.join('\n')}`);
        return Promise.resolve(lines.map(parse).find((line) => line['msg'] === message));
      },
      30_000,
    );
  await logged('polling');
  return {
    lines,
    ended,
    logged,
    signal: (name) => child.kill(name),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A log line as an object; one that is no JSON has no fields. */
export function parse(line: string): Line {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null
      ? Object.fromEntries(Object.entries(parsed))
      : {};
  } catch {
    return {};
  }
}
