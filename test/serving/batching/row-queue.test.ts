import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as aTurn, setTimeout as pause } from 'node:timers/promises';
import { PortError } from '../../../domain/failures.js';
import type { InferResult, Tensor } from '../../../domain/ports/model-runtime.js';
import { AnswerError } from '../../../serving/answer-error.js';
import { RowQueue, type RowQueueLimits } from '../../../serving/batching/row-queue.js';
import type { RowsAsked } from '../../../serving/batching/waiting-request.js';

const LIMITS: RowQueueLimits = { maxWaiting: 100, maxWaitingBytes: 1 << 20, maxWaitMs: 60_000 };

/** A model that answers a number by its double, when it is let. */
function aQueue(limits: Partial<RowQueueLimits> = {}, msPerRow = 0.01) {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  let isOpen = false;
  let fault: (values: readonly number[]) => void = () => undefined;
  const run = async (inputs: readonly Tensor[]): Promise<InferResult> => {
    const values = valuesOf(inputs[0]);
    batches.push(values);
    if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve));
    fault(values);
    const data = Float32Array.from(values, (value) => value * 2);
    const shape = [data.length];
    return {
      outputs: [{ name: 'y', datatype: 'FP32', shape, data }],
      computeMs: msPerRow * data.length,
    };
  };
  const queue = new RowQueue({ ...LIMITS, ...limits }, run);
  return {
    batches,
    ask: async (values: readonly number[], given: Partial<RowsAsked> = {}) => {
      const { outputs } = await queue.submit(about(values, given));
      return valuesOf(outputs[0]);
    },
    submit: (values: readonly number[]) => queue.submit(about(values, {})),
    refusal: (customer: string) => queue.refusal(customer),
    /** Lets what is at work and all that comes be answered. */
    open: () => {
      isOpen = true;
      for (const gate of gates.splice(0)) gate();
    },
    fails: (with_: (values: readonly number[]) => void) => {
      fault = with_;
    },
  };
}

function about(values: readonly number[], given: Partial<RowsAsked>): RowsAsked {
  const rows = values.length;
  const data = Float32Array.from(values);
  return {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [rows], data }],
    ...{ rows, customer: '', deadlineMs: Number.POSITIVE_INFINITY, asker: { isGone: false } },
    ...given,
  };
}

function valuesOf(tensor: Tensor | undefined): number[] {
  assert.ok(tensor?.data instanceof Float32Array);
  return [...tensor.data];
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe('the queue of a version', () => {
  it('runs what comes in one turn of the event loop as one batch, and so what comes meanwhile', async () => {
    const queue = aQueue();
    const answers = [queue.ask([0]), queue.ask([1])];
    await aTurn();
    answers.push(queue.ask([2, 3]));
    await aTurn();
    answers.push(queue.ask([4]));
    assert.deepEqual(queue.batches, [[0, 1]]);
    queue.open();
    assert.deepEqual(await Promise.all(answers), [[0], [2], [4, 6], [8]]);
    assert.deepEqual(queue.batches, [
      [0, 1],
      [2, 3, 4],
    ]);
  });

  it('cuts a large request, and sends the second batch before the first is answered', async () => {
    const queue = aQueue();
    const answer = queue.ask(range(0, 1_000));
    assert.deepEqual(
      queue.batches.map((batch) => batch.length),
      [64, 64],
    );
    queue.open();
    assert.deepEqual(
      await answer,
      range(0, 1_000).map((value) => value * 2),
    );
    assert.ok(
      queue.batches.some((batch) => batch.length > 64),
      'batches grow where a row is fast',
    );
  });

  it('has batches of a slow model no longer than a customer may have to wait', async () => {
    const queue = aQueue({}, 50);
    queue.open();
    await queue.ask(range(0, 400));
    assert.deepEqual(
      queue.batches
        .slice(2)
        .map((batch) => batch.length)
        .filter((rows) => rows > 5),
      [],
    );
  });

  it('gives each customer an equal share of a batch', async () => {
    const queue = aQueue();
    const first = queue.ask([0]);
    const large = queue.ask(range(1_000, 3_000), { customer: 'large' });
    const small = ['a', 'b', 'c'].map((customer, index) =>
      queue.ask(range(index * 10, index * 10 + 5), { customer }),
    );
    queue.open();
    let isLargeDone = false;
    void large.then(() => (isLargeDone = true));
    await Promise.all([first, ...small]);
    assert.equal(isLargeDone, false);
    const [, , third = []] = queue.batches;
    assert.equal(third.filter((value) => value < 1_000).length, 15, 'all of the small ones');
    assert.equal((await large).length, 2_000);
  });

  it('takes the customers in turn where a batch has fewer rows than there are customers', async () => {
    const queue = aQueue({}, 400);
    queue.open();
    await queue.ask([0, 0]);
    queue.batches.length = 0;
    const answers = ['a', 'b', 'c'].map((customer, index) =>
      queue.ask([index + 1, index + 1], { customer }),
    );
    await Promise.all(answers);
    assert.deepEqual(queue.batches, [[1], [1], [2], [3], [2], [3]]);
  });

  it('has brief batches while a small request comes beside a large one, and for a while after', async () => {
    const queue = aQueue({}, 0.001);
    queue.open();
    const large = () => queue.ask(range(0, 5_000), { customer: 'large' });
    while (queue.batches.at(-5)?.length !== 1_024) await large();
    const sizesOf = async (asking: () => readonly Promise<unknown>[]): Promise<number[]> => {
      queue.batches.length = 0;
      await Promise.all(asking());
      return queue.batches.map(({ length }) => length);
    };
    const whole = [1_024, 1_024, 1_024, 1_024, 904];
    assert.deepEqual(await sizesOf(() => [large()]), whole);
    const beside = () => [large(), queue.ask(range(0, 10), { customer: 'small' })];
    const sizes = await sizesOf(beside);
    assert.deepEqual(sizes.slice(0, 2), [1_024, 1_024], 'at work when it came');
    assert.ok(sizes.slice(2).every((rows) => rows <= 500));
    assert.equal(queue.batches[2]?.filter((value) => value < 10).length, 10, 'it is in the next');
    await pause(150);
    assert.deepEqual(await sizesOf(() => [large()]), whole);
  });

  it('has whole batches where all customers have much', async () => {
    const queue = aQueue({ maxWaitingBytes: 1 << 30 }, 0.001);
    queue.open();
    const customers = ['a', 'b', 'c', 'd'];
    const all = () =>
      Promise.all(customers.map((customer) => queue.ask(range(0, 5_000), { customer })));
    while (queue.batches.at(-5)?.length !== 1_024) await all();
    queue.batches.length = 0;
    await all();
    assert.ok(queue.batches.slice(0, -1).every(({ length }) => length === 1_024));
  });

  it('says how many rows ran together', async () => {
    const queue = aQueue();
    const answers = [queue.submit([1])];
    await aTurn();
    answers.push(queue.submit([2, 3]), queue.submit([4]));
    queue.open();
    const ends = await Promise.all(answers);
    ends.push(await queue.submit(range(0, 100)));
    assert.deepEqual(
      ends.map(({ batchRows }) => batchRows),
      [1, 3, 3, null],
    );
  });

  it('waits after a long batch, for a hundredth of it, for those who were just answered', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const queue = aQueue({}, 60);
      const first = [queue.ask([1]), queue.ask([2])];
      await aTurn();
      const second = [queue.ask([3]), queue.ask([4])];
      queue.open();
      await Promise.all(first);
      await aTurn();
      assert.deepEqual(queue.batches, [[1, 2]]);
      await Promise.all([...second, queue.ask([5]), queue.ask([6])]);
      assert.deepEqual(queue.batches.slice(1), [[3, 4, 5, 6]]);

      const last = queue.ask([7]);
      await aTurn();
      assert.equal(queue.batches.length, 2);
      mock.timers.tick(2); // a hundredth of 240 ms, and nobody came with it
      await aTurn();
      assert.equal(queue.batches.length, 2);
      mock.timers.tick(1);
      assert.deepEqual(await last, [14]);
    } finally {
      mock.timers.reset();
    }
  });

  it('leaves out what nobody waits for any more, and what has waited too long', async () => {
    const queue = aQueue();
    const asker = { isGone: false };
    const first = queue.ask([1]);
    const gone = assert.rejects(queue.ask([2], { asker }), { status: 499 });
    const late = assert.rejects(queue.ask([3], { deadlineMs: performance.now() - 1 }), {
      ...{ status: 504, type: 'TimedOut' },
    });
    asker.isGone = true;
    queue.open();
    await Promise.all([first, gone, late]);
    assert.deepEqual(queue.batches, [[1]]);
  });
});

describe('the queue of a version, where a batch fails', () => {
  it('fails only the request that has the row, by its own number', async () => {
    const queue = aQueue();
    queue.fails((values) => {
      const row = values.indexOf(-1);
      if (row < 0) return;
      throw new PortError('InvalidInput', `row ${row}: not a number`, { details: { row } });
    });
    const answers = [queue.ask([1]), queue.ask([2, 3]), queue.ask([4, -1]), queue.ask([5])];
    queue.open();
    const ends = await Promise.allSettled(answers);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    await assert.rejects(answers[2] ?? Promise.resolve(), {
      message: 'row 1: not a number',
      details: { row: 1 },
    });
    assert.deepEqual(queue.batches, [
      [1, 2, 3, 4, -1, 5],
      [1, 2, 3, 5],
    ]);
  });

  it('runs each request alone where nobody says whose fault it is', async () => {
    const queue = aQueue();
    queue.fails((values) => {
      if (values.includes(-1)) throw new PortError('RuntimeCrashed', 'the process ended');
    });
    const answers = [queue.ask([1]), queue.ask([2]), queue.ask([-1]), queue.ask([3])];
    queue.open();
    const ends = await Promise.allSettled(answers);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(queue.batches, [[1, 2, -1, 3], [1], [2], [-1], [3]]);
  });

  it('fails all of a batch that never reached the model', async () => {
    const queue = aQueue();
    queue.fails(() => {
      throw new AnswerError(503, 'RuntimeCrashed', 'it is not there');
    });
    const answers = [queue.ask([0]), queue.ask([1]), queue.ask([2])];
    queue.open();
    for (const answer of await Promise.allSettled(answers)) {
      assert.ok(answer.status === 'rejected' && answer.reason instanceof AnswerError);
    }
    assert.equal(queue.batches.length, 1);
  });

  it('runs halves where a batch is too large for the memory, and smaller ones from then on', async () => {
    const queue = aQueue();
    queue.open();
    queue.fails((values) => {
      if (values.length > 10) throw new PortError('OutOfMemory', 'no memory');
    });
    assert.equal((await queue.ask(range(0, 300))).length, 300);
    assert.ok(queue.batches.slice(-5).every((batch) => batch.length <= 10));
  });

  it('halves a batch of many small requests, not each of them', async () => {
    const queue = aQueue();
    queue.open();
    queue.fails((values) => {
      if (values.length > 40) throw new PortError('OutOfMemory', 'no memory');
    });
    await Promise.all(range(0, 64).map((value) => queue.ask([value])));
    assert.deepEqual(
      queue.batches.map(({ length }) => length),
      [64, 32, 32],
    );
  });

  it('cuts out the one row that is larger than all others, names it, and keeps its batches large', async () => {
    const batches: (readonly string[])[] = [];
    const queue = new RowQueue({ ...LIMITS, maxWaitingBytes: 1 << 30 }, ([input]) => {
      const texts = Array.from<unknown>(input?.data ?? []).map(String);
      batches.push(texts);
      if (texts.some((text) => text.length > 1_000)) {
        return Promise.reject(new PortError('OutOfMemory', 'no memory'));
      }
      return Promise.resolve({ outputs: input ? [input] : [], computeMs: 0.01 });
    });
    const ask = (texts: readonly string[]) => {
      const input: Tensor = { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts };
      return queue.submit({ ...about([], {}), inputs: [input], rows: texts.length });
    };
    const texts = Array.from({ length: 64 }, (_, index) => `text ${index}`);

    await assert.rejects(ask(texts.with(40, 'a'.repeat(2_000))), {
      ...{ type: 'OutOfMemory', message: 'row 40: no memory', details: { row: 40 } },
    });
    assert.deepEqual(
      batches.map(({ length }) => length),
      [64, 63, 1],
    );
    assert.equal((await ask(texts)).batchRows, 64);
  });

  it('fails a single row that does not fit', async () => {
    const queue = aQueue();
    queue.open();
    queue.fails(() => {
      throw new PortError('OutOfMemory', 'no memory');
    });
    await assert.rejects(queue.ask([1, 2, 3]), { type: 'OutOfMemory' });
  });
});

describe('the bounds of a version’s queue', () => {
  it('leave a place for the next customer, whatever one has sent', async () => {
    const queue = aQueue({ maxWaiting: 10 });
    const first = queue.ask([0]);
    const asked = Array.from({ length: 20 }, () => queue.ask([1], { customer: 'flood' }));
    const flood = Promise.allSettled(asked); // some are refused before anything is answered
    const refusal = queue.refusal('flood');
    assert.deepEqual([refusal?.status, refusal?.type], [429, 'Overloaded']);
    assert.equal(queue.refusal('other'), null);
    const other = queue.ask([2], { customer: 'other' });
    queue.open();
    assert.deepEqual(await Promise.all([first, other]), [[0], [4]]);
    const ends = await flood;
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 8);
    assert.equal(queue.refusal('flood'), null);
  });

  it('refuse by bytes, and take again what has room', async () => {
    const queue = aQueue({ maxWaitingBytes: 4_000 });
    const large = queue.ask(range(0, 1_000));
    await assert.rejects(queue.ask([1]), { status: 429 });
    queue.open();
    await large;
    assert.deepEqual(await queue.ask([1]), [2]);
  });

  it('refuse by the time that a request would wait, and say when to come again', async () => {
    const queue = aQueue({ maxWaitMs: 2_000 }, 100);
    queue.open();
    await queue.ask(range(0, 10));
    const waiting = queue.ask(range(0, 100));
    const refusal = queue.refusal('');
    assert.equal(refusal?.status, 429);
    assert.equal(refusal.retryAfterSeconds, 10);
    assert.equal(queue.refusal('other'), null, 'another customer does not wait for all of it');
    await waiting;
  });
});
