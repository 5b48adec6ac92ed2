import { createServer } from 'node:net';
import { once } from 'node:events';
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';
import { WORKER_METRICS, type WorkerMetric } from '../domain/worker-metrics.js';

/** Temporal's runtime of this process. */
export interface InstalledRuntime {
  /** Where the SDK's exporter answers, on this machine only; null where nothing is measured. */
  readonly metricsUrl: string | null;
}

/**
 * Installs Temporal's runtime once a process: its log lines go to ours, and its metrics with what we count through its meter
 * to an exporter on a free loopback port, which the operations server reads. Signals are left to the process.
 */
export async function installRuntime(given: {
  log: Logger;
  measures: boolean;
}): Promise<InstalledRuntime> {
  const bindAddress = given.measures ? `127.0.0.1:${await freePort()}` : null;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('TRACE', (entry) => forward(given.log, entry)),
    telemetryOptions:
      bindAddress === null
        ? {}
        : {
            metrics: {
              prometheus: {
                bindAddress,
                countersTotalSuffix: true,
                unitSuffix: true,
                useSecondsForDurations: true,
                histogramBucketOverrides: BUCKETS,
              },
            },
          },
  });
  return { metricsUrl: bindAddress === null ? null : `http://${bindAddress}/metrics` };
}

const METRICS: Readonly<Record<string, WorkerMetric>> = WORKER_METRICS;

const BUCKETS = Object.fromEntries(
  Object.entries(METRICS).flatMap(([name, { buckets }]) =>
    buckets === undefined ? [] : [[name, [...buckets]]],
  ),
);

/** The SDK's names of fields in ours. */
const FIELDS: Readonly<Record<string, string>> = {
  workflowId: 'lifecycle',
  runId: 'run',
  workflowRunId: 'run',
  activityType: 'activity',
};
const LEFT_OUT: readonly string[] = ['activityId', 'timestampNanos', 'isLocal'];

function forward(log: Logger, { level, message, meta }: LogEntry): void {
  const given = Object.entries(meta ?? {}).filter(([name]) => !LEFT_OUT.includes(name));
  const fields = Object.fromEntries(
    given.map(([name, value]): [string, unknown] => [FIELDS[name] ?? name, value]),
  );
  log[LEVELS[level]](fields, message);
}

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('the system gave no free port');
}
