import { ApplicationFailure } from '@temporalio/workflow';
import type { z } from 'zod';
import { describeIssues } from '../domain/describe-issues.js';

/**
 * Parses what enters a workflow. A wrong input fails the run or the update for good: thrown as a plain error it would
 * stall the workflow task for ever instead.
 */
export function parseEntry<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = describeIssues(schema, parsed.error).join('; ');
  throw refusal(`wrong ${what}: ${problems}`, 'InvalidRequest');
}

/** What a door answers to what it does not let in: its sentence, without a stack, which only shows where the worker's code lies. */
export function refusal(
  message: string,
  type: string,
  details: readonly unknown[] = [],
): ApplicationFailure {
  const failure = ApplicationFailure.nonRetryable(message, type, ...details);
  failure.stack = '';
  return failure;
}
