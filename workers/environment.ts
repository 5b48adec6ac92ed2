import { resolve } from 'node:path';
import { z } from 'zod';
import {
  s3EnvironmentOf,
  s3EnvironmentSchema,
  type S3Environment,
} from '../adapters/object-store/s3-environment.js';
import { logEnvironmentSchema, type LogLevel } from '../adapters/process/log-level.js';
import { PortError } from '../domain/failures.js';
import { durationMs } from '../domain/duration.js';
import { buildIdSchema, durationSchema, nameSchema } from '../domain/names.js';
import { parseFailpoints, type Failpoint } from './failpoints.js';
import type { WorkerBuild } from './worker.js';

const environmentSchema = s3EnvironmentSchema.extend(logEnvironmentSchema.shape).extend({
  SWITCHYARD_TASK_QUEUE: nameSchema.default('switchyard'),
  SWITCHYARD_CONFIG: z.string().default('switchyard.config.ts'),
  SWITCHYARD_WORK_DIR: z.string().default('.switchyard/work'),
  /** Of the HTTP server for metrics and health; 0: a free one, which it logs. */
  SWITCHYARD_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  SWITCHYARD_METRICS_HOST: z.string().default('127.0.0.1'),
  SWITCHYARD_SHUTDOWN_GRACE: durationSchema.default('10 seconds'),
  /** Where activities break on purpose; refused where `NODE_ENV` is `production`. */
  SWITCHYARD_FAILPOINTS: z.string().optional(),
  NODE_ENV: z.string().optional(),
  SWITCHYARD_BUILD: buildIdSchema.optional(),
  SWITCHYARD_DEPLOYMENT: nameSchema.optional(),
  /** Whom it trusts; left out: decisions are not signed. */
  SWITCHYARD_TRUST_FILE: z.string().min(1).optional(),
  /** The private key with which it seals `live.json`; required where the trust file names witnesses. */
  SWITCHYARD_WITNESS_KEY: z.string().min(1).optional(),
});

/** A worker's settings; Temporal's own (`TEMPORAL_ADDRESS` and the like) are read by its library, credentials by AWS's. */
export interface WorkerEnvironment extends S3Environment {
  readonly taskQueue: string;
  readonly config: string;
  readonly workDir: string;
  readonly logLevel: LogLevel;
  /** Undefined: no such server. */
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
  /** How long running activities may go on after SIGTERM. */
  readonly shutdownGraceMs: number;
  readonly failpoints: readonly Failpoint[];
  /** Undefined: it belongs to no build, as in development. */
  readonly build: WorkerBuild | undefined;
  /** Undefined: decisions are not signed. */
  readonly trustFile: string | undefined;
  /** Undefined: it seals nothing. */
  readonly witnessKey: string | undefined;
}

/** Reads the environment once. @throws PortError `SetUpMissing`, naming each variable that is missing or wrong. */
export function readWorkerEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): WorkerEnvironment {
  const parsed = environmentSchema.safeParse(variables);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw new PortError(
      'SetUpMissing',
      `the worker's environment is wrong: ${problems.join('; ')}`,
    );
  }
  const read = parsed.data;
  return {
    taskQueue: read.SWITCHYARD_TASK_QUEUE,
    config: resolve(read.SWITCHYARD_CONFIG),
    workDir: resolve(read.SWITCHYARD_WORK_DIR),
    logLevel: read.SWITCHYARD_LOG_LEVEL,
    metricsPort: read.SWITCHYARD_METRICS_PORT,
    metricsHost: read.SWITCHYARD_METRICS_HOST,
    shutdownGraceMs: durationMs(read.SWITCHYARD_SHUTDOWN_GRACE),
    failpoints: parseFailpoints(read.SWITCHYARD_FAILPOINTS ?? '', read.NODE_ENV),
    build: buildOf(read),
    trustFile: read.SWITCHYARD_TRUST_FILE && resolve(read.SWITCHYARD_TRUST_FILE),
    witnessKey: read.SWITCHYARD_WITNESS_KEY && resolve(read.SWITCHYARD_WITNESS_KEY),
    ...s3EnvironmentOf(read),
  };
}

function buildOf(read: z.infer<typeof environmentSchema>): WorkerBuild | undefined {
  const { SWITCHYARD_BUILD: buildId, SWITCHYARD_DEPLOYMENT, SWITCHYARD_TASK_QUEUE } = read;
  if (buildId === undefined) return undefined;
  return { deploymentName: SWITCHYARD_DEPLOYMENT ?? SWITCHYARD_TASK_QUEUE, buildId };
}
