import assert from 'node:assert/strict';
import { Context, type Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { isPortError } from '../../domain/failures.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { until } from '../../testing/until.js';
import { Failpoints, parseFailpoints } from '../../workers/failpoints.js';
import { readWorkerEnvironment } from '../../workers/environment.js';

const S3 = { S3_ENDPOINT: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1', SWITCHYARD_BUCKET: 'b' };

/** Runs an attempt of `trainModel` about "mails" that writes two objects; what it wrote is left in the store. */
function attempt(failpoints: string, info: Partial<Info> = {}) {
  const points = new Failpoints(parseFailpoints(failpoints, undefined));
  const store = new MemoryObjectStore();
  const logger = new DefaultLogger('ERROR');
  const environment = new MockActivityEnvironment(
    { activityType: 'trainModel', ...info },
    { logger },
  );
  let beats = 0;
  environment.on('heartbeat', () => (beats += 1));
  const armed = points.armedStore(store);
  const run = environment.run(() => {
    const context = Context.current();
    const { inbound } = points.interceptor(context);
    const next = async () => {
      await armed.put('one', new Uint8Array(), 'none');
      context.heartbeat();
      await armed.put('two', new Uint8Array(), 'none');
      return 'trained';
    };
    assert.ok(inbound?.execute);
    return inbound.execute({ args: [{ model: 'mails' }], headers: {} }, next);
  });
  const keys = async () => (await store.list('')).objects.map(({ key }) => key).join();
  return { run, keys, cancel: () => environment.cancel(), beats: () => beats };
}

const isFailpoint = (nonRetryable: boolean) => (error: unknown) =>
  error instanceof ApplicationFailure &&
  error.type === 'Failpoint' &&
  error.nonRetryable === nonRetryable;

const refused = (sentence: RegExp) => (error: unknown) =>
  isPortError(error) && error.type === 'SetUpMissing' && sentence.test(error.message);

describe('failpoints', () => {
  it('are refused in production, in one sentence, and read elsewhere', () => {
    const SWITCHYARD_FAILPOINTS = 'trainModel:mid:kill';
    assert.throws(
      () => readWorkerEnvironment({ ...S3, SWITCHYARD_FAILPOINTS, NODE_ENV: 'production' }),
      refused(/refused where NODE_ENV is production: unset it$/),
    );
    const { failpoints } = readWorkerEnvironment({ ...S3, SWITCHYARD_FAILPOINTS });
    assert.deepEqual(failpoints, [
      { activity: 'trainModel', about: [], at: 'mid', does: 'kill', attempt: 1 },
    ]);
    assert.deepEqual(readWorkerEnvironment({ ...S3, NODE_ENV: 'production' }).failpoints, []);
  });

  it('name what they are about and which attempt', () => {
    const [one, other] = parseFailpoints(
      'writeLive@mails@"promote":after:hang:3, notify:before:fail:*',
      'development',
    );
    const about = ['mails', '"promote"'];
    assert.deepEqual(one, {
      ...{ activity: 'writeLive', about, at: 'after', does: 'hang', attempt: 3 },
    });
    assert.equal(other?.attempt, null);
    for (const wrong of [
      'trainModel',
      'a:mid',
      'a:during:kill',
      'a:mid:kill:0',
      'a:mid:kill:1:2',
    ]) {
      assert.throws(() => parseFailpoints(wrong, undefined), refused(/is no failpoint: write </));
    }
    const typo = new Failpoints(parseFailpoints('trainModl:mid:kill', undefined));
    assert.throws(
      () => typo.checkNames(['trainModel']),
      refused(/"trainModl", which there is not; did you mean "trainModel"\?/),
    );
  });

  it('break before anything, after the first effect, or when all is done', async () => {
    const before = attempt('trainModel:before:throw');
    await assert.rejects(before.run, isFailpoint(false));
    assert.equal(await before.keys(), '');
    const mid = attempt('trainModel:mid:throw');
    await assert.rejects(mid.run, isFailpoint(false));
    assert.equal(await mid.keys(), 'one');
    const after = attempt('trainModel:after:fail');
    await assert.rejects(after.run, isFailpoint(true));
    assert.equal(await after.keys(), 'one,two');
  });

  it('break only the attempt, the activity and the subject that they name', async () => {
    assert.equal(await attempt('trainModel:before:throw', { attempt: 2 }).run, 'trained');
    assert.equal(await attempt('trainModel:before:throw:2').run, 'trained');
    assert.equal(await attempt('notify:before:throw').run, 'trained');
    assert.equal(await attempt('trainModel@nails:before:throw').run, 'trained');
    await assert.rejects(
      attempt('trainModel@mails:mid:throw:*', { attempt: 9 }).run,
      isFailpoint(false),
    );
  });

  it('hang without a heartbeat until the attempt is cancelled', async () => {
    const hung = attempt('trainModel:mid:hang');
    await until('it hangs', async () => ((await hung.keys()) === 'one' ? true : undefined));
    hung.cancel();
    await assert.rejects(hung.run, (error) => error instanceof CancelledFailure);
    assert.equal(hung.beats(), 0);
    assert.equal(await hung.keys(), 'one');
  });
});
