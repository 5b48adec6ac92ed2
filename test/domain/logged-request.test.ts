import assert from 'node:assert/strict';
import { compareRuns, fillBatch, type LoggedRequest } from '../../domain/logged-request.js';
import { cutRows } from '../../domain/tensor-rows.js';
import type { Tensor } from '../../domain/ports/model-runtime.js';
import { runtimeDifferences } from '../../domain/runtime-facts.js';

const RUNTIME = { onnxruntime: '1.30.0', node: '20.20.2', platform: 'linux-x64', cpu: 'one' };

const floats = (...data: readonly number[]): Tensor => ({
  ...{ name: 'y', datatype: 'FP32', shape: [2, data.length / 2] },
  data: Float32Array.from(data),
});
const texts = (...data: readonly string[]): Tensor => ({
  ...{ name: 'label', datatype: 'BYTES', shape: [data.length], data },
});

const aRequest = (fields: Partial<LoggedRequest> = {}): LoggedRequest => ({
  ...{ model: 'tickets', requestId: 'r', at: '2026-05-01T00:00:00.000Z', version: 1 },
  ...{ digest: 'd'.repeat(64), artifact: null, runtime: RUNTIME, rows: 2, batchRows: null },
  ...{ latencyMs: 1, error: null, inputs: null, inputsSha256: null, outputs: [] },
  ...fields,
});

const answered = (...outputs: readonly Tensor[]) => ({ kind: 'answered', outputs }) as const;
const failed = (type: string) => ({ kind: 'failed', type, message: 'it failed' }) as const;

describe('compareRuns', () => {
  it('finds the same bits the same', () => {
    const outputs = [texts('a', 'b'), floats(0.1, -0, Number.NaN, 1)];
    assert.deepEqual(compareRuns(aRequest({ outputs }), answered(...outputs)), { kind: 'same' });
  });

  it('says how many values differ, by how much, and which is the first', () => {
    const logged = aRequest({ outputs: [floats(1, 2, 3, 4), texts('a', 'b')] });
    assert.deepEqual(compareRuns(logged, answered(floats(1, 2, 3.5, 4.25), texts('a', 'c'))), {
      kind: 'other-outputs',
      differences: [
        {
          ...{ output: 'y', values: 2, of: 4, largest: 0.5 },
          first: { row: 1, then: '3', now: '3.5' },
        },
        {
          ...{ output: 'label', values: 1, of: 2, largest: null },
          first: { row: 1, then: 'b', now: 'c' },
        },
      ],
    });
  });

  it('tells the zeros apart', () => {
    const found = compareRuns(aRequest({ outputs: [floats(0, 1)] }), answered(floats(-0, 1)));
    assert.ok(found.kind === 'other-outputs');
    assert.deepEqual(found.differences[0]?.first, { row: 0, then: '0', now: '-0' });
  });

  it('does not compare values of another form, or of an output that is not there', () => {
    const logged = aRequest({ outputs: [floats(1, 2)] });
    for (const other of [[floats(1, 2, 3, 4)], [], [{ ...floats(1, 2), name: 'z' }]]) {
      const found = compareRuns(logged, answered(...other));
      assert.ok(found.kind === 'other-outputs');
      assert.equal(found.differences[0]?.values, null);
    }
  });

  it('takes numbers for close that lie no further apart than they may', () => {
    const logged = aRequest({ outputs: [texts('a', 'b'), floats(0.5, Number.NaN, 2_000, 1)] });
    const now = answered(texts('a', 'b'), floats(0.50005, Number.NaN, 2_000.1, 1));
    const found = compareRuns(logged, now, 1e-4);
    assert.ok(found.kind === 'close');
    assert.deepEqual([found.tolerance, found.differences[0]?.values], [1e-4, 2]);
    assert.equal(compareRuns(logged, now, 1e-5).kind, 'other-outputs');
    assert.equal(compareRuns(logged, now).kind, 'other-outputs');
    assert.equal(compareRuns(logged, answered(...logged.outputs), 1e-4).kind, 'same');
  });

  it('takes nothing else for close: another label, a whole number, none, or other rows', () => {
    const longs = (...data: readonly bigint[]): Tensor => ({
      ...{ name: 'n', datatype: 'INT64', shape: [data.length] },
      data: BigInt64Array.from(data),
    });
    for (const [then, now] of [
      [texts('a', 'b'), texts('a', 'c')],
      [longs(5n, 6n), longs(5n, 7n)],
      [floats(Number.NaN, 1), floats(0, 1)],
      [floats(1, 1), floats(1, 1, 1, 1)],
    ] as const) {
      const logged = aRequest({ outputs: [floats(1, 2), { ...then, name: 'z' }] });
      const found = compareRuns(logged, answered(floats(1, 2.5), { ...now, name: 'z' }), 10);
      assert.equal(found.kind, 'other-outputs');
    }
  });

  it('compares failures by their type', () => {
    const logged = aRequest({ error: 'InvalidInput' });
    assert.deepEqual(compareRuns(logged, failed('InvalidInput')), { kind: 'same' });
    assert.deepEqual(compareRuns(logged, answered(floats(1, 2))), {
      ...{ kind: 'other-end', then: 'InvalidInput', now: 'an answer' },
    });
    assert.deepEqual(compareRuns(aRequest({ outputs: [floats(1, 2)] }), failed('OutOfMemory')), {
      ...{ kind: 'other-end', then: 'an answer', now: 'OutOfMemory' },
    });
  });
});

describe('runtimeDifferences', () => {
  it('names what is not the same', () => {
    assert.deepEqual(runtimeDifferences(RUNTIME, RUNTIME), []);
    const now = { ...RUNTIME, onnxruntime: '1.31.0', cpu: 'another' };
    assert.deepEqual(runtimeDifferences(RUNTIME, now), [
      { what: 'onnxruntime', then: '1.30.0', now: '1.31.0' },
      { what: 'cpu', then: 'one', now: 'another' },
    ]);
  });
});

describe('fillBatch', () => {
  it('repeats whole rows, of which the first are those of the request', () => {
    const [filled, words] = fillBatch([floats(1, 2, 3, 4), texts('a', 'b')], 5);
    assert.ok(filled && words);
    assert.deepEqual(filled.shape, [5, 2]);
    assert.deepEqual([...filled.data], [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]);
    assert.deepEqual([...words.data], ['a', 'b', 'a', 'b', 'a']);
    assert.deepEqual([cutRows(filled, 0, 2)], [floats(1, 2, 3, 4)]);
  });
});
