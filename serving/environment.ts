import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  s3EnvironmentOf,
  s3EnvironmentSchema,
  type S3Environment,
} from '../adapters/object-store/s3-environment.js';
import { logEnvironmentSchema, type LogLevel } from '../adapters/process/log-level.js';
import { durationMs } from '../domain/duration.js';
import { PortError } from '../domain/failures.js';
import { durationSchema, nameSchema } from '../domain/names.js';

const environmentSchema = s3EnvironmentSchema.extend(logEnvironmentSchema.shape).extend({
  /** Names, separated by commas. */
  SWITCHYARD_MODELS: z
    .string()
    .transform((names) => names.split(',').map((name) => name.trim()))
    .pipe(z.array(nameSchema).min(1)),
  /** 0: a free one. */
  SWITCHYARD_ENDPOINT_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  SWITCHYARD_ENDPOINT_HOST: z.string().default('127.0.0.1'),
  SWITCHYARD_REPLICA: nameSchema.optional(),
  /** Who may ask; left out: whoever reaches the address. */
  SWITCHYARD_TOKENS_FILE: z.string().min(1).optional(),
  /** Requests that wait for one version at most. */
  SWITCHYARD_MAX_WAITING: z.coerce.number().int().min(1).default(1_000),
  /** Of one request. */
  SWITCHYARD_MAX_BODY_MB: z.coerce.number().int().min(1).max(1_024).default(1),
  /** Of one version's process. */
  SWITCHYARD_MODEL_MEMORY_MB: z.coerce.number().int().min(64).default(1_024),
  /** `inputs`: the prediction log holds them; `sha256`: only their digests. */
  SWITCHYARD_PREDICTION_LOG: z.enum(['inputs', 'sha256']).default('sha256'),
  /** How long the process and those of its models look for the next request before they sleep, in microseconds. */
  SWITCHYARD_BUSY_POLL_US: z.coerce.number().min(0).max(10_000).default(200),
  SWITCHYARD_DRAIN_WAIT: durationSchema.default('0 seconds'),
  /** Where versions are kept from one start to the next, a folder a replica, which has to be named; left out: nowhere. */
  SWITCHYARD_CACHE_DIR: z.string().min(1).optional(),
  /** By whom what it opens must be approved; left out: decisions are not signed. */
  SWITCHYARD_TRUST_FILE: z.string().min(1).optional(),
});

/** The endpoint's settings; credentials are read by AWS's own library. */
export interface EndpointEnvironment extends S3Environment {
  readonly models: readonly string[];
  readonly port: number;
  readonly host: string;
  readonly replica: string;
  readonly tokensFile: string | undefined;
  readonly maxWaiting: number;
  readonly bodyLimitBytes: number;
  readonly memoryLimitBytes: number;
  readonly logsInputs: boolean;
  readonly cacheDirectory: string | undefined;
  readonly trustFile: string | undefined;
  readonly busyPollMs: number;
  readonly drainWaitMs: number;
  readonly logLevel: LogLevel;
}

/** Reads the environment once. @throws PortError `SetUpMissing`, naming each variable that is missing or wrong. */
export function readEndpointEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): EndpointEnvironment {
  const parsed = environmentSchema.safeParse(variables);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw new PortError(
      'SetUpMissing',
      `the endpoint's environment is wrong: ${problems.join('; ')}`,
    );
  }
  const read = parsed.data;
  if (read.SWITCHYARD_CACHE_DIR !== undefined && read.SWITCHYARD_REPLICA === undefined) {
    throw new PortError(
      'SetUpMissing',
      `the endpoint's environment is wrong: SWITCHYARD_CACHE_DIR has a folder a replica, so name it by SWITCHYARD_REPLICA`,
    );
  }
  return {
    ...s3EnvironmentOf(read),
    models: read.SWITCHYARD_MODELS,
    port: read.SWITCHYARD_ENDPOINT_PORT,
    host: read.SWITCHYARD_ENDPOINT_HOST,
    replica: read.SWITCHYARD_REPLICA ?? `endpoint-${randomUUID()}`,
    tokensFile: read.SWITCHYARD_TOKENS_FILE,
    maxWaiting: read.SWITCHYARD_MAX_WAITING,
    bodyLimitBytes: read.SWITCHYARD_MAX_BODY_MB * 1024 * 1024,
    memoryLimitBytes: read.SWITCHYARD_MODEL_MEMORY_MB * 1024 * 1024,
    logsInputs: read.SWITCHYARD_PREDICTION_LOG === 'inputs',
    cacheDirectory: read.SWITCHYARD_CACHE_DIR,
    trustFile: read.SWITCHYARD_TRUST_FILE,
    busyPollMs: read.SWITCHYARD_BUSY_POLL_US / 1_000,
    drainWaitMs: durationMs(read.SWITCHYARD_DRAIN_WAIT),
    logLevel: read.SWITCHYARD_LOG_LEVEL,
  };
}
