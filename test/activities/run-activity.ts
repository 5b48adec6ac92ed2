import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import type { FailureType } from '../../domain/failures.js';

/** Where an activity runs; it does not log the failures that are wanted here. */
export function quietEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
}

/** Runs one attempt of an activity. */
export function runActivity<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
  environment = quietEnvironment(),
): Promise<Result> {
  return environment.run<[Input], Result, (given: Input) => Promise<Result>>(activity, input);
}

/** Matches the `ApplicationFailure` of one type whose sentence fits; for `assert.rejects`. */
export function failed(type: FailureType, sentence = /./): (error: unknown) => boolean {
  return (error) =>
    error instanceof ApplicationFailure && error.type === type && sentence.test(error.message);
}
