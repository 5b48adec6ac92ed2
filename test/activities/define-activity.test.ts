import assert from 'node:assert/strict';
import {
  ApplicationFailure,
  CancelledFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
} from '@temporalio/common';
import { z } from 'zod';
import { defineActivity } from '../../activities/define-activity.js';
import { PortError } from '../../domain/failures.js';
import { failed, runActivity } from './run-activity.js';

const inputSchema = z.strictObject({ model: z.string(), gates: z.array(z.number()).default([]) });

/** What an activity with this body answers to an input, as Temporal would hand it in. */
function answer<Result>(
  body: (input: z.output<typeof inputSchema>) => Promise<Result>,
  input: unknown = { model: 'tickets' },
): Promise<Result> {
  const activity: (given: unknown) => Promise<Result> = defineActivity(
    z.unknown().pipe(inputSchema),
    body,
  );
  return runActivity(activity, input);
}

/** The failure that an error inside the activity becomes. */
async function failureOf(error: Error): Promise<unknown> {
  return answer(() => Promise.reject(error)).then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
}

describe('defineActivity', () => {
  it('hands the parsed input on, defaults filled in', async () => {
    assert.deepEqual(await answer((input) => Promise.resolve(input)), {
      model: 'tickets',
      gates: [],
    });
  });

  it('refuses an input for good, naming every problem and the nearest key', async () => {
    const wrong = { model: 1, gatess: [] };
    await assert.rejects(
      answer(() => Promise.resolve(), wrong),
      (error) =>
        failed(
          'InvalidRequest',
          /model: .*expected string.*"gatess", did you mean "gates"\?/,
        )(error) &&
        error instanceof ApplicationFailure &&
        error.nonRetryable === true,
    );
  });

  it('makes of a terminal PortError a failure that is not tried again', async () => {
    const details = { model: 'tickets', expected: 1, got: 2 };
    const failure = await failureOf(new PortError('DigestMismatch', 'it differs', { details }));
    assert.ok(failure instanceof ApplicationFailure);
    assert.deepEqual(
      [failure.type, failure.message, failure.nonRetryable, failure.details],
      ['DigestMismatch', 'it differs', true, [details]],
    );
  });

  it('makes of a retryable PortError one that is tried again', async () => {
    const failure = await failureOf(new PortError('StoreUnreachable', 'no answer'));
    assert.ok(failure instanceof ApplicationFailure);
    assert.deepEqual([failure.type, failure.nonRetryable], ['StoreUnreachable', false]);
  });

  it('tells what led to it within the 4 KB that Temporal shows of a pending activity', async () => {
    const long = 'a reason that goes on and on, '.repeat(40);
    let cause = new Error(`ECONNREFUSED ${long}`);
    for (let depth = 0; depth < 8; depth += 1)
      cause = new Error(`level ${depth} ${long}`, { cause });
    const failure = await failureOf(new PortError('StoreUnreachable', 'no answer', { cause }));
    assert.ok(failure instanceof ApplicationFailure);
    const encoded = new DefaultFailureConverter().errorToFailure(failure, defaultPayloadConverter);
    assert.ok(Buffer.byteLength(JSON.stringify(encoded)) < 4_096);
    assert.match(String(failure.cause?.message), /^level 7 a reason/);
    assert.match(String(failure.stack), /define-activity\.test/);
  });

  it('lets a cancellation and an unknown error through as they are', async () => {
    for (const error of [new CancelledFailure('stop'), new TypeError('our bug')]) {
      assert.equal(await failureOf(error), error);
    }
  });

  it('refuses a result over 128 KB, counted in bytes', async () => {
    const half = 'é'.repeat(64 * 1024 - 1); // with its quotes exactly 128 KB
    assert.equal(await answer(() => Promise.resolve(half)), half);
    await assert.rejects(
      answer(() => Promise.resolve(`${half}.`)),
      failed('PayloadTooLarge', /131073 bytes, at most 131072 .*pass a reference/),
    );
  });

  it('takes a result that is nothing', async () => {
    await answer(() => Promise.resolve());
  });
});
