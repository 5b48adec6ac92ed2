import { resolve } from 'node:path';
import { z } from 'zod';
import {
  s3EnvironmentOf,
  s3EnvironmentSchema,
  type S3Environment,
} from '../adapters/object-store/s3-environment.js';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';

const environmentSchema = s3EnvironmentSchema.extend({
  SWITCHYARD_TASK_QUEUE: nameSchema.default('switchyard'),
  SWITCHYARD_CONFIG: z.string().default('switchyard.config.ts'),
  SWITCHYARD_WORK_DIR: z.string().default('.switchyard/work'),
});

/** A worker's settings; Temporal's own (`TEMPORAL_ADDRESS` and the like) are read by its library, credentials by AWS's. */
export interface WorkerEnvironment extends S3Environment {
  readonly taskQueue: string;
  readonly config: string;
  readonly workDir: string;
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
    ...s3EnvironmentOf(read),
  };
}
