import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { PortError } from '../../domain/failures.js';
import type { Tensor } from '../../domain/ports/model-runtime.js';
import { SILENT, type Log } from '../../serving/log.js';
import { PREDICTION_LOG_DEFAULTS, PredictionLog } from '../../serving/prediction-log.js';
import type { AnsweredRequest, PredictionLogOptions } from '../../serving/prediction-log.js';
import { A_RUNTIME, loggedRows } from '../support/log-files.js';
import { ownBucket } from '../support/own-bucket.js';
import { textModel } from '../support/small-models.js';
import { MemoryRegistry } from './memory-registry.js';
import { startRig, until } from './serving-rig.js';

function aLog(options: Partial<PredictionLogOptions> = {}) {
  const registry = new MemoryRegistry('tickets');
  const log = new PredictionLog({
    ...PREDICTION_LOG_DEFAULTS,
    registry,
    model: 'tickets',
    replica: 'replica-1',
    runtime: A_RUNTIME,
    flushEveryMs: 60_000,
    log: SILENT,
    ...options,
  });
  return { registry, log, [Symbol.asyncDispose]: () => log.stop() };
}

function anAnswer(fields: Partial<AnsweredRequest> = {}): AnsweredRequest {
  return {
    requestId: 'request-1',
    at: new Date('2002-10-01T00:00:00.123Z'),
    version: 2,
    digest: 'd'.repeat(64),
    artifact: 'model.onnx',
    customer: 'acme',
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [2], data: ['one', 'two'] }],
    rows: 2,
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [2], data: ['a', 'b'] },
      {
        name: 'probabilities',
        datatype: 'FP32',
        shape: [2, 2],
        data: Float32Array.of(1, 0, 0.25, 0.75),
      },
    ],
    latencyMs: 0.5,
    batchRows: 7,
    error: null,
    ...fields,
  };
}

const numbers = (...data: readonly number[]) => ({
  ...{ name: 'x', datatype: 'FP32' as const, shape: [data.length / 2, 2] },
  data: Float32Array.from(data),
});

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

const ROW_1 = {
  ...{ request_id: 'request-1', row: 1, time: new Date('2002-10-01T00:00:00.123Z') },
  ...{ model: 'tickets', version: 2, digest: 'd'.repeat(64), artifact: 'model.onnx' },
  ...A_RUNTIME,
  ...{ customer: 'acme', label: 'b', probability: 0.75, latency_ms: 0.5, batch_rows: 7 },
  ...{ error: null, row_shapes: null, output_label: 'b', output_probabilities: [0.25, 0.75] },
};

describe('PredictionLog', () => {
  it('writes a row a row of the request, with the sha256 of all its inputs', async () => {
    await using given = aLog();
    given.log.add(anAnswer());
    await given.log.flush();
    const inputs = sha256('\u0003\0\0\0one\u0003\0\0\0two');
    assert.deepEqual(given.registry.predictions[1], { ...ROW_1, inputs_sha256: inputs });
  });

  it('writes the inputs where it is told to', async () => {
    await using given = aLog({ includesInputs: true });
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(given.registry.predictions[1], {
      ...{ ...ROW_1, inputs_sha256: null, input_text: 'two' },
    });
  });

  it('keeps every bit of every type in the bucket, and never a text where it shall not', async () => {
    const { store } = await ownBucket();
    const inputs = [
      { name: 'n', datatype: 'INT32' as const, shape: [1], data: Int32Array.of(-(2 ** 31)) },
      {
        name: 'long',
        datatype: 'INT64' as const,
        shape: [1],
        data: BigInt64Array.of(2n ** 53n + 1n),
      },
      { name: 'words', datatype: 'BYTES' as const, shape: [1, 2], data: ['späti 😀', ''] },
      {
        ...{ name: 'x', datatype: 'FP32' as const, shape: [1, 2, 2] },
        data: Float32Array.of(-0, 0.1, 1e-45, 3.4e38),
      },
    ];
    const outputs = [numbers(-0, 0)];
    for (const [model, includesInputs] of [
      ['whole', true],
      ['private', false],
    ] as const) {
      await using given = aLog({ registry: new ObjectRegistry(store), model, includesInputs });
      given.log.add(anAnswer({ rows: 1, inputs, outputs }));
      await given.log.flush();
      assert.deepEqual(given.log.lines, { added: 1, written: 1, dropped: 0, waiting: 0 });
    }
    const [row] = await loggedRows(store, 'whole');
    assert.ok(row);
    assert.deepEqual(
      [row['input_n'], row['input_long'], row['input_words']],
      [-(2 ** 31), 2n ** 53n + 1n, ['späti 😀', '']],
    );
    assert.deepEqual(row['input_x'], Array.from(Float32Array.of(-0, 0.1, 1e-45, 3.4e38)));
    assert.deepEqual([row['output_x'], row['row_shapes']], [[-0, 0], '{"input_x":[2,2]}']);
    const [hidden] = await loggedRows(store, 'private');
    assert.deepEqual(
      Object.keys(hidden ?? {}).filter((column) => column.startsWith('input_')),
      [],
    );
    assert.match(String(hidden?.['inputs_sha256']), /^[0-9a-f]{64}$/);
  });

  it('tells equal requests of numbers from others, by the bytes that they are', async () => {
    await using given = aLog();
    for (const values of [numbers(1, 2, 1, 2), numbers(1, 2, 1, 2), numbers(1, 2, 2, 1)]) {
      given.log.add(anAnswer({ inputs: [values], outputs: [] }));
    }
    await given.log.flush();
    const digests = given.registry.predictions.map((row) => row['inputs_sha256']);
    const [same, other] = [
      [1, 2, 1, 2],
      [1, 2, 2, 1],
    ].map((values) => sha256(new Uint8Array(Float32Array.from(values).buffer)));
    assert.deepEqual(digests, [same, same, same, same, other, other]);
  });

  it('knows a single text by its bytes alone', async () => {
    await using given = aLog();
    const text = { name: 'text', datatype: 'BYTES' as const, shape: [1], data: ['größer 👍'] };
    given.log.add(anAnswer({ rows: 1, inputs: [text], outputs: [] }));
    await given.log.flush();
    assert.equal(given.registry.predictions[0]?.['inputs_sha256'], sha256('größer 👍'));
  });

  it('writes versions with other tensors of the same name into files of their own', async () => {
    await using given = aLog({ includesInputs: true });
    given.log.add(anAnswer());
    given.log.add(anAnswer({ error: 'InvalidInput', outputs: [] }));
    const text = { name: 'text', datatype: 'INT32' as const, shape: [1], data: Int32Array.of(5) };
    const one = { rows: 1, inputs: [text], outputs: [] };
    given.log.add(anAnswer({ ...one, digest: 'e'.repeat(64), version: 3 }));
    await given.log.flush();
    const rows = given.registry.predictions.map((row) => [
      ...[row['version'], row['input_text'], row['output_label'] ?? null, row['error']],
    ]);
    assert.deepEqual(rows, [
      [2, 'one', 'a', null],
      [2, 'two', 'b', null],
      [2, 'one', null, 'InvalidInput'],
      [2, 'two', null, 'InvalidInput'],
      [3, 5, null, null],
    ]);
  });

  it('does not take a request whose tensors have other rows than it says, and counts it', async () => {
    await using given = aLog();
    given.log.add(anAnswer({ rows: 1 }));
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 3, written: 2, dropped: 1, waiting: 0 });
  });

  it('counts what could not be made a file of, and goes on', async () => {
    await using given = aLog();
    given.log.add(anAnswer({ at: new Date(Number.NaN) }));
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 2, written: 0, dropped: 2, waiting: 0 });
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 4, written: 2, dropped: 2, waiting: 0 });
  });

  it('sends by itself once enough lines wait', async () => {
    await using given = aLog({ flushLines: 4 });
    given.log.add(anAnswer());
    given.log.add(anAnswer());
    await until(() => given.registry.predictions.length === 4);
  });

  it('takes no line of a request without rows, nor one of any other', async () => {
    const none = { ...numbers(), shape: [0, 2] };
    const halves = { ...numbers(1, 2, 3), shape: [2, 2] };
    const mixed = ['a', 'b'];
    Reflect.set(mixed, 1, 5);
    const texts = { name: 'text', datatype: 'BYTES' as const, shape: [2] };
    const wrong: readonly [Tensor, rows: number][] = [
      [none, 0],
      [none, -1],
      [none, Number.NaN],
      [halves, 2],
      [{ ...numbers(1, 2, 3, 4), datatype: 'INT64' }, 2],
      [{ ...texts, data: mixed }, 2],
      [{ ...texts, shape: [2, 0], data: [] }, 2],
    ];
    for (const includesInputs of [true, false]) {
      await using given = aLog({ includesInputs });
      given.log.add(anAnswer({ rows: 0, inputs: [none], outputs: [none] }));
      for (const [input, rows] of wrong) {
        given.log.add(anAnswer({ rows, inputs: [input], outputs: [] }));
        given.log.add(anAnswer({ rows, inputs: [], outputs: [input] }));
        given.log.add(anAnswer({ requestId: 'good', inputs: [numbers(1, 2, 3, 4)] }));
      }
      await given.log.flush();
      const { written, dropped } = given.log.lines;
      assert.deepEqual([written, dropped], [14, 16]);
      const inputs = given.registry.predictions.map((row) => row['input_x']);
      const own = includesInputs
        ? [
            [1, 2],
            [3, 4],
          ]
        : [undefined, undefined];
      assert.deepEqual(inputs, Array.from({ length: 7 }, () => own).flat());
    }
  });

  it('names each file as no other one, also of logs that begin at once', async () => {
    const names: string[] = [];
    const registry = {
      appendPredictions: (_model: string, _at: Date, name: string) => {
        names.push(name);
        return Promise.resolve();
      },
    };
    const logs = Array.from({ length: 20 }, () => aLog({ registry }).log);
    for (const log of logs) log.add(anAnswer());
    await Promise.all(logs.map((log) => log.stop()));
    assert.equal(new Set(names).size, 20);
    for (const name of names) assert.match(name, /^replica-1-[a-z0-9-]+\.parquet$/);
  });

  it('drops a file whose name alone is at fault, and goes on with the next', async () => {
    const { store } = await ownBucket();
    const stored = new ObjectRegistry(store);
    const errors: unknown[] = [];
    const log: Log = { ...SILENT, error: (...said) => errors.push(said) };
    let isFirst = true;
    const registry = {
      appendPredictions: async (model: string, at: Date, name: string, bytes: Uint8Array) => {
        if (isFirst) await stored.appendPredictions(model, at, name, Uint8Array.of(1));
        isFirst = false;
        await stored.appendPredictions(model, at, name, bytes);
      },
    };
    await using taken = aLog({ registry, log });
    taken.log.add(anAnswer());
    await taken.log.flush();
    assert.deepEqual(taken.log.lines, { added: 2, written: 0, dropped: 2, waiting: 0 });
    taken.log.add(anAnswer());
    await taken.log.flush();
    assert.deepEqual(taken.log.lines, { added: 4, written: 2, dropped: 2, waiting: 0 });
    await using nameless = aLog({ registry: stored, replica: 'worker:1', log });
    nameless.log.add(anAnswer());
    await nameless.log.flush();
    assert.deepEqual(nameless.log.lines, { added: 2, written: 0, dropped: 2, waiting: 0 });
    assert.equal(errors.length, 2);
  });

  it('keeps lines while the store refuses it, since rights can come back', async () => {
    await using given = aLog();
    given.registry.down = new PortError('StoreRefused', 'access denied');
    given.log.add(anAnswer());
    await given.log.flush();
    assert.equal(given.log.lines.waiting, 2);
    given.registry.down = null;
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 2, written: 2, dropped: 0, waiting: 0 });
  });

  it('keeps lines while the registry is away, and sends them later', async () => {
    await using given = aLog();
    given.registry.down = new PortError('StoreUnreachable', 'the store is away');
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 2, written: 0, dropped: 0, waiting: 2 });
    given.registry.down = null;
    given.log.add(anAnswer({ requestId: 'request-2' }));
    await given.log.flush();
    const ids = given.registry.predictions.map((row) => row['request_id']);
    assert.deepEqual(ids, ['request-1', 'request-1', 'request-2', 'request-2']);
  });

  it('drops and counts what is over its limits of lines and bytes', async () => {
    await using given = aLog({ maxLines: 5, maxBytes: 10_000 });
    given.registry.down = new PortError('StoreUnreachable', 'the store is away');
    for (let request = 0; request < 4; request++) given.log.add(anAnswer());
    assert.equal(given.log.lines.dropped, 4);
    const text = 'x'.repeat(20_000);
    given.log.add(
      anAnswer({
        rows: 1,
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }],
      }),
    );
    assert.equal(given.log.lines.dropped, 5);
    given.registry.down = null;
    await given.log.flush();
    given.log.add(anAnswer());
    await given.log.flush();
    assert.equal(given.registry.predictions.length, 6);
    assert.deepEqual(given.log.lines, { added: 11, written: 6, dropped: 5, waiting: 0 });
  });

  it('takes what comes while a slow store takes what came before, up to its limits', async () => {
    let release: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const names: string[] = [];
    const registry = {
      appendPredictions: async (_model: string, _at: Date, name: string) => {
        names.push(name);
        await slow;
      },
    };
    await using given = aLog({ registry, maxLines: 10, flushLines: 2 });
    given.log.add(anAnswer());
    await until(() => names.length === 1);
    for (let request = 0; request < 10; request++) given.log.add(anAnswer());
    assert.deepEqual(given.log.lines, { added: 22, written: 0, dropped: 12, waiting: 10 });
    release();
    await given.log.flush();
    assert.deepEqual(given.log.lines, { added: 22, written: 10, dropped: 12, waiting: 0 });
  });
});

describe('the endpoint', () => {
  it('logs what it answered, and for whom', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
    await rig.call('/v2/models/tickets/infer', {
      id: 'my-1',
      parameters: { customer: 'acme' },
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['refund'] }],
    });
    await rig.endpoint.close();
    const [row] = rig.registry.predictions;
    assert.ok(row);
    assert.deepEqual(
      [row['request_id'], row['customer'], row['label'], row['digest'], row['error']],
      ['my-1', 'acme', 'billing', rig.registry.state?.live, null],
    );
    assert.deepEqual(
      [row['artifact'], row['node'], row['onnxruntime']],
      ['model.onnx', process.versions.node, rig.runtime.version],
    );
  });
});
