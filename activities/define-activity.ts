import { ApplicationFailure } from '@temporalio/common';
import type { z } from 'zod';
import { isPortError } from '../domain/failures.js';
import { describeIssues } from '../domain/describe-issues.js';
import { shortCause, shortStack } from './short-cause.js';

/** Payloads above this never enter history, in bytes of JSON. */
const PAYLOAD_LIMIT_BYTES = 128 * 1024;

/**
 * An activity with its door: parses the input, and turns the domain's `PortError` into what Temporal retries or not.
 * Everything else passes through: a cancellation stays one, an unknown error is retried as Temporal does.
 */
export function defineActivity<Schema extends z.ZodType, Result>(
  schema: Schema,
  run: (input: z.output<Schema>) => Promise<Result>,
): (input: z.input<Schema>) => Promise<Result> {
  return async (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) {
      const problems = describeIssues(schema, parsed.error).join('; ');
      throw ApplicationFailure.nonRetryable(`wrong activity input: ${problems}`, 'InvalidRequest');
    }
    try {
      return withinPayloadLimit(await run(parsed.data));
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}

/** The `ApplicationFailure` of a `PortError`; any other error as it is. */
export function toApplicationFailure(error: unknown): unknown {
  if (!isPortError(error)) return error;
  const failure = ApplicationFailure.create({
    message: error.message,
    type: error.type,
    nonRetryable: error.kind === 'terminal',
    details: [error.details],
    cause: shortCause(error.cause),
  });
  failure.stack = shortStack(error);
  return failure;
}

function withinPayloadLimit<Result>(result: Result): Result {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  if (bytes > PAYLOAD_LIMIT_BYTES) {
    throw ApplicationFailure.nonRetryable(
      `an activity's result has ${bytes} bytes, at most ${PAYLOAD_LIMIT_BYTES} may enter history; store it and pass a reference`,
      'PayloadTooLarge',
    );
  }
  return result;
}
