import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { PortError } from '../../domain/failures.js';
import type { OpenModel, Tensor } from '../../domain/ports/model-runtime.js';
import { openPredictor, type OpenPredictorOptions } from '../../serving/open-predictor.js';
import type { Prediction } from '../../serving/predictor.js';
import type { PredictorRow } from '../../serving/predictor-rows.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import {
  logModel,
  loopModel,
  numericModel,
  textModel,
  type SmallModel,
} from '../support/small-models.js';
import { MemoryRegistry } from './memory-registry.js';
import { fieldsOf, MODEL, until } from './serving-rig.js';

async function openOne(model: SmallModel, options: Partial<OpenPredictorOptions> = {}) {
  const registry = new MemoryRegistry(MODEL);
  registry.promote(registry.publish(model));
  const folder = await temporaryFolder();
  const cacheDirectory = folder.path;
  const given = { registry, cacheDirectory, pollMs: 10, memoryLimitBytes: 512 << 20, ...options };
  const predictor = await openPredictor(MODEL, given);
  return {
    registry,
    predictor,
    reopen: () => openPredictor(MODEL, given),
    [Symbol.asyncDispose]: async () => {
      registry.down = null;
      await predictor.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function all(predictions: AsyncIterable<Prediction>): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const prediction of predictions) found.push(prediction);
  return found;
}

/** More than 128 MB of memory can turn into words. */
const TOO_LARGE = 'parcel '.repeat(4_000_000);
const LITTLE = { memoryLimitBytes: 128 << 20 };

/** Its rows have as many numbers as they like, in pairs where `size` is 2. */
function raggedModel(...size: number[]): SmallModel {
  return numericModel({
    input: { name: 'x', datatype: 'FP32', shape: [-1, -1, ...size] },
    output: { name: 'y', datatype: 'FP32', shape: [-1, -1, ...size] },
    constants: [],
    nodes: [{ type: 'Log', inputs: ['x'], outputs: ['y'] }],
  });
}

/** Takes its time to open a model again. */
class SlowRuntime extends ChildModelRuntime {
  #opened = 0;

  override async open(request: OpenModel) {
    if (this.#opened++ > 0) await pause(2_200);
    return super.open(request);
  }
}

describe('a predictor in one’s own program', () => {
  it('answers rows, each with its label, its version and what it can be found by', async () => {
    await using given = await openOne(textModel());
    const [first, second] = await given.predictor.predict(['Refund!', 'parcel']);
    assert.deepEqual(
      [first?.label, first?.version, first?.index, first?.row, first?.error],
      ['billing', 1, 0, 0, null],
    );
    assert.equal(second?.label, 'delivery');
    assert.equal(second.digest, given.registry.state?.live);
    assert.equal(second.requestId, first?.requestId);
    const probabilities = second.outputs.find(({ name }) => name === 'probabilities');
    assert.deepEqual(probabilities?.shape, [1, 3]);
    assert.equal(
      second.probability,
      Math.max(...[0, 1, 2].map((k) => Number(probabilities.data[k]))),
    );
    assert.deepEqual(await given.predictor.predict([]), []);
  });

  it('answers a stream in its order, and reads no further ahead than its batches', async () => {
    await using given = await openOne(textModel());
    let read = 0;
    const rows = function* (): Generator<string> {
      for (; read < 5_000; read += 1) yield read % 2 === 0 ? 'refund' : 'parcel';
    };
    const stream = given.predictor.stream(rows(), { batchRows: 10, batchesAtOnce: 2 });
    const { value } = await stream.next();
    assert.equal(value?.index, 0);
    assert.ok(read <= 30, `${read} rows were read for the first answer`);
    const rest = await all(stream);
    assert.deepEqual(
      rest.map(({ index }) => index),
      Array.from({ length: 4_999 }, (_, index) => index + 1),
    );
    assert.ok(rest.every(({ label, index }) => label === (index % 2 ? 'delivery' : 'billing')));
  });

  it('has an error for each row that fails, and an answer for every other', async () => {
    await using given = await openOne(logModel());
    const bad = new Set([7, 8, 300]);
    const rows = Array.from({ length: 400 }, (_, index) => ({
      x: bad.has(index) ? [1, -1] : [1, 1 + index],
    }));
    const found = await all(given.predictor.stream(rows, { batchRows: 64 }));
    assert.equal(found.length, 400);
    for (const { index, error, outputs } of found) {
      if (!bad.has(index)) assert.deepEqual([error, outputs.length > 0], [null, true]);
      else assert.match(error?.message ?? '', /^row 0: .*not a finite number/);
    }
    await given.predictor.close();
    const logged = given.registry.predictions;
    assert.equal(logged.length, 400);
    const ids = found.filter(({ index }) => bad.has(index)).map(({ requestId }) => requestId);
    assert.deepEqual(
      logged.filter(({ error }) => error !== null).map((row) => row['request_id']),
      ids,
    );
  });

  it('has an error for a row that is not as the contract says', async () => {
    await using given = await openOne(logModel());
    const rows: PredictorRow[] = [{ x: [1, 1] }, { y: [1, 1] }, 'text', { x: [1] }, { x: [1, 2] }];
    rows.push({ x: [1, Number.NaN] });
    const found = await given.predictor.predict(rows);
    assert.deepEqual(
      found.map(({ index, error }) => [index, error?.message ?? null]),
      [
        [0, null],
        [1, 'row 1 has no "x"; the model takes "x"'],
        [2, 'row 2 has 1 values for "x", expected 2'],
        [3, 'row 3 has 1 values for "x", expected 2'],
        [4, null],
        [5, 'row 5 has NaN for "x", expected a number'],
      ],
    );
  });

  it('answers rows of several shapes, where the contract leaves their size open', async () => {
    await using given = await openOne(raggedModel());
    const rows = [{ x: [1, 1] }, { x: [1, 1, 1] }, { x: [] }, { x: [1, 1] }];
    const found = await all(given.predictor.stream(rows));
    assert.deepEqual(
      found.map(({ index, error, outputs }) => [index, error?.message ?? outputs[0]?.shape]),
      [
        [0, [1, 2]],
        [1, [1, 3]],
        [2, 'row 2 has 0 values for "x", expected 1 or a multiple of it'],
        [3, [1, 2]],
      ],
    );
    await given.predictor.close();
    assert.deepEqual(
      given.registry.predictions.map((row) => row['request_id']).sort(),
      found.map(({ requestId }) => requestId).sort(),
    );
  });

  it('refuses a row that fills no whole number of its inner sizes', async () => {
    await using given = await openOne(raggedModel(2));
    const found = await given.predictor.predict([{ x: [1, 1, 1] }, { x: [1, 1, 1, 1] }]);
    assert.deepEqual(
      found.map(({ error, outputs }) => error?.message ?? outputs[0]?.shape),
      ['row 0 has 3 values for "x", expected 2 or a multiple of it', [1, 2, 2]],
    );
    assert.equal(found[0]?.error?.type, 'InvalidRow');
  });

  it('goes on behind what is no row at all, and logs what it was', async () => {
    await using given = await openOne(textModel(), { logsInputs: true });
    const odd = [
      null,
      undefined,
      7,
      { body: 'refund' },
      { text: null },
      { text: { type: 'Buffer' } },
    ];
    const found = await all(given.predictor.stream([...odd, 'refund \ud83d'], { batchRows: 4 }));
    assert.deepEqual(
      found.map(({ error, label }) => error?.message ?? label),
      [
        ...['row 0 is null; the model takes "text"', 'row 1 is undefined; the model takes "text"'],
        ...['row 2 is 7; the model takes "text"', 'row 3 has no "text"; the model takes "text"'],
        ...['row 4 has null for "text", expected a text'],
        ...['row 5 has an object for "text", expected a text', 'billing'],
      ],
    );
    assert.ok(found.slice(0, -1).every(({ error }) => error?.type === 'InvalidRow'));
    await given.predictor.close();
    const logged = new Map(given.registry.predictions.map((row) => [row['request_id'], row]));
    assert.deepEqual(
      found.map(({ requestId }) => logged.get(requestId)?.['input_$row'] ?? null),
      [
        ...['null', '{"$value":"undefined"}', '7', '{"body":"refund"}', '{"text":null}'],
        ...['{"text":{"type":"Buffer"}}', null],
      ],
    );
  });

  it('finds the one document that the memory has no room for, and answers all others at once', async () => {
    await using given = await openOne(textModel(), LITTLE);
    const rows = Array.from({ length: 256 }, () => 'refund').with(200, TOO_LARGE);
    const found = await given.predictor.predict(rows);
    assert.deepEqual(
      found.filter(({ error }) => error !== null).map(({ index, error }) => [index, error?.type]),
      [[200, 'OutOfMemory']],
    );
    assert.equal(new Set(found.map(({ requestId }) => requestId)).size, 3);
  }).timeout(30_000);

  it('waits for a process that takes long to be there again', async () => {
    await using given = await openOne(textModel(), { ...LITTLE, runtime: new SlowRuntime() });
    const [failed] = await given.predictor.predict([TOO_LARGE]);
    assert.equal(failed?.error?.type, 'OutOfMemory');
    const [answered] = await given.predictor.predict(['refund']);
    assert.equal(answered?.label, 'billing');
  }).timeout(30_000);

  it('logs the rows that are lost where a process does not come back in time, and throws', async () => {
    const soon = { reopenPatienceMs: 50 };
    const options = { ...LITTLE, ...soon, runtime: new SlowRuntime() };
    await using given = await openOne(textModel(), options);
    await given.predictor.predict([TOO_LARGE]);
    const lost = given.predictor.predict(['refund', 'parcel']);
    await assert.rejects(lost, { name: 'AnswerError', status: 503, type: 'RuntimeCrashed' });
    await given.predictor.close();
    const errors = given.registry.predictions.map((row) => row['error']);
    assert.deepEqual(errors, ['OutOfMemory', 'RuntimeCrashed', 'RuntimeCrashed']);
  }).timeout(30_000);

  it('swaps between two batches: none is dropped, and none is answered by two versions', async () => {
    await using given = await openOne(textModel());
    const { registry, predictor } = given;
    const first = registry.state?.live;
    let count = 0;
    const rows = async function* (): AsyncGenerator<string> {
      while (predictor.serving?.digest === first || count % 40 !== 0) {
        if (count === 400) registry.promote(registry.publish(textModel()));
        count += 1;
        yield 'refund';
        if (count % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      for (let index = 0; index < 40; index += 1) yield 'refund';
    };
    const found = await all(predictor.stream(rows(), { batchRows: 40 }));
    assert.equal(found.length, count + 40);
    assert.equal(new Set(found.map(({ digest }) => digest)).size, 2);
    const byRequest = new Map<string, Set<string>>();
    for (const { requestId, digest } of found) {
      byRequest.set(requestId, (byRequest.get(requestId) ?? new Set()).add(digest));
    }
    assert.ok([...byRequest.values()].every(({ size }) => size === 1));
    assert.equal(found.at(-1)?.version, 2);
  });

  it('leaves the event loop free while the model is at work', async () => {
    await using given = await openOne(loopModel());
    const trips = [{ trips: 20_000 }];
    await given.predictor.predict(trips);
    let worst = 0;
    let last = performance.now();
    const ticking = setInterval(() => {
      worst = Math.max(worst, performance.now() - last - 5);
      last = performance.now();
    }, 5);
    const startedMs = performance.now();
    const [prediction] = await given.predictor.predict([{ trips: 400_000 }]);
    const tookMs = performance.now() - startedMs;
    clearInterval(ticking);
    assert.equal(prediction?.error, null);
    assert.ok(worst < tookMs / 2, `the loop stood still for ${worst} of ${tookMs} ms`);
  });

  it('starts from its disk while the store is away, and follows it again afterwards', async () => {
    await using given = await openOne(textModel());
    const { registry } = given;
    await given.predictor.close();
    registry.down = new PortError('StoreUnreachable', 'the store is away');
    await using second = await given.reopen();
    const [prediction] = await second.predict(['refund']);
    assert.deepEqual([prediction?.label, prediction?.version], ['billing', 1]);
    registry.promote(registry.publish(textModel()));
    registry.down = null;
    await until(() => second.serving?.version === 2);
  });

  it('refuses a name that can be no part of a file’s', async () => {
    await assert.rejects(openOne(textModel(), { name: 'ads worker:1' }), {
      type: 'InvalidName',
      message: /^a predictor cannot be named "ads worker:1": a name is 1 to 63 of a-z, 0-9 and "-"/,
    });
  });

  it('says that nothing is live', async () => {
    await using folder = await temporaryFolder();
    const registry = new MemoryRegistry(MODEL);
    await using predictor = await openPredictor(MODEL, { registry, cacheDirectory: folder.path });
    assert.equal(predictor.serving, null);
    await assert.rejects(predictor.predict(['refund']), { type: 'NotReady' });
    await assert.rejects(all(predictor.stream(['refund'])), { type: 'NotReady' });
  });

  it('refuses tensors that are not as the contract says, before others run with them', async () => {
    await using given = await openOne(logModel());
    const pairs = (shape: number[], values: number): Tensor => {
      return { name: 'x', datatype: 'FP32', shape, data: new Float32Array(values).fill(1) };
    };
    const wrong = [pairs([2, 2], 6), pairs([2, 2], 2), pairs([0, 2], 0)];
    const good = given.predictor.infer([pairs([1, 2], 2)]);
    const ends = await Promise.allSettled(wrong.map((input) => given.predictor.infer([input])));
    for (const end of ends) {
      assert.equal(end.status === 'rejected' && fieldsOf(end.reason)['type'], 'InvalidInput');
    }
    assert.deepEqual((await good).outputs[0]?.shape, [1, 2]);
    await given.predictor.close();
    assert.equal(given.registry.predictions.length, 1);
  });

  it('fails every tensor row of a call, as one answer, where one of them fails', async () => {
    await using given = await openOne(logModel());
    const data = Float32Array.of(1, 1, 1, -1);
    const input: Tensor = { name: 'x', datatype: 'FP32', shape: [2, 2], data };
    await assert.rejects(given.predictor.infer([input]), { message: /^row 1:/ });
    const good = { ...input, data: Float32Array.of(1, 1, 1, 1) };
    const { outputs } = await given.predictor.infer([good]);
    assert.equal(outputs[0]?.shape[0], 2);
  });
});
