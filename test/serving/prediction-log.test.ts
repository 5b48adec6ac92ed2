import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PortError } from '../../domain/failures.js';
import { SILENT } from '../../serving/log.js';
import { PREDICTION_LOG_DEFAULTS, PredictionLog } from '../../serving/prediction-log.js';
import type { AnsweredRequest, PredictionLogOptions } from '../../serving/prediction-log.js';
import { textModel } from '../support/small-models.js';
import { MemoryRegistry } from './memory-registry.js';
import { fieldsOf, startRig, until } from './serving-rig.js';

function aLog(options: Partial<PredictionLogOptions> = {}) {
  const registry = new MemoryRegistry('tickets');
  const log = new PredictionLog({
    ...PREDICTION_LOG_DEFAULTS,
    registry,
    model: 'tickets',
    replica: 'replica-1',
    flushEveryMs: 60_000,
    log: SILENT,
    ...options,
  });
  return { registry, log, [Symbol.asyncDispose]: () => log.stop() };
}

function anAnswer(fields: Partial<AnsweredRequest> = {}): AnsweredRequest {
  return {
    requestId: 'request-1',
    at: new Date('2002-10-01T00:00:00Z'),
    version: 2,
    digest: 'd'.repeat(64),
    customer: 'acme',
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [2], data: ['one', 'two'] }],
    rows: 2,
    ranIn: [],
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
    error: null,
    ...fields,
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('PredictionLog', () => {
  it('writes a line a row', async () => {
    await using given = aLog();
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(given.registry.predictions.map((line): unknown => JSON.parse(line))[1], {
      requestId: 'request-1',
      row: 1,
      at: '2002-10-01T00:00:00.000Z',
      model: 'tickets',
      version: 2,
      digest: 'd'.repeat(64),
      customer: 'acme',
      input: { sha256: sha256('two') },
      label: 'b',
      probability: 0.75,
      latencyMs: 0.5,
      error: null,
    });
  });

  it('writes texts where it is told to', async () => {
    await using given = aLog({ includesText: true });
    given.log.add(anAnswer());
    await given.log.flush();
    assert.deepEqual(fieldsOf(JSON.parse(given.registry.predictions[0] ?? ''))['input'], {
      text: 'one',
    });
  });

  it('tells equal rows of numbers from others', async () => {
    await using given = aLog();
    const data = Float32Array.of(1, 2, 1, 2, 2, 1);
    given.log.add(
      anAnswer({
        rows: 3,
        inputs: [{ name: 'x', datatype: 'FP32', shape: [3, 2], data }],
        outputs: [],
      }),
    );
    await given.log.flush();
    const inputs = given.registry.predictions.map((line) =>
      JSON.stringify(fieldsOf(JSON.parse(line))['input']),
    );
    assert.equal(inputs[0], inputs[1]);
    assert.notEqual(inputs[0], inputs[2]);
  });

  it('sends by itself once enough lines wait', async () => {
    await using given = aLog({ flushLines: 4 });
    given.log.add(anAnswer());
    given.log.add(anAnswer());
    await until(() => given.registry.predictions.length === 4);
  });

  it('keeps lines while the registry is away, and sends them later', async () => {
    await using given = aLog();
    given.registry.down = new PortError('StoreUnreachable', 'the store is away');
    given.log.add(anAnswer());
    await given.log.flush();
    given.registry.down = null;
    given.log.add(anAnswer({ requestId: 'request-2' }));
    await given.log.flush();
    const ids = given.registry.predictions.map((line) => fieldsOf(JSON.parse(line))['requestId']);
    assert.deepEqual(ids, ['request-1', 'request-1', 'request-2', 'request-2']);
  });

  it('drops and counts what is over its limits of lines and bytes', async () => {
    await using given = aLog({ maxLines: 5, maxBytes: 1_000 });
    given.registry.down = new PortError('StoreUnreachable', 'the store is away');
    for (let request = 0; request < 4; request++) given.log.add(anAnswer());
    assert.equal(given.log.lines.dropped, 4);
    const text = 'x'.repeat(2_000);
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
    const [line] = rig.registry.predictions.map((text) => fieldsOf(JSON.parse(text)));
    assert.ok(line);
    assert.deepEqual(
      [line['requestId'], line['customer'], line['label'], line['digest'], line['error']],
      ['my-1', 'acme', 'billing', rig.registry.state?.live, null],
    );
  });
});
