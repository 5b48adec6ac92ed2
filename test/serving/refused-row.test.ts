import assert from 'node:assert/strict';
import { readRefusedRow, refusedRow } from '../../serving/refused-row.js';

const again = (row: unknown): unknown => readRefusedRow([refusedRow(row)]);

describe('refusedRow', () => {
  it('keeps a row as it was, in words that a person reads', () => {
    for (const row of [null, 7, 'text', { body: 'é \ud83d' }, { x: [1, 'two', { three: null }] }]) {
      assert.deepEqual(again(row), row);
    }
    assert.deepEqual(refusedRow({ x: [1, Number.NaN] }).data, ['{"x":[1,{"$value":"NaN"}]}']);
  });

  it('keeps what JSON has no word for', () => {
    for (const row of [
      undefined,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      -5n,
      { x: [0n, Number.NaN] },
    ]) {
      assert.deepEqual(again(row), row);
    }
    for (const bytes of [Uint8Array.of(1, 255), Buffer.of(1, 255)]) {
      assert.deepEqual(refusedRow({ text: bytes }).data, ['{"text":{"$value":"base64:Af8="}}']);
      assert.deepEqual(again({ text: bytes }), { text: Buffer.of(1, 255) });
    }
  });

  it('says of a circle that it is one', () => {
    const circle: Record<string, unknown> = {};
    circle['text'] = circle;
    assert.deepEqual(refusedRow(circle).data, ['{"$value":"circle"}']);
  });

  it('says of a row that is too deep for a text that it is too large', () => {
    let row: unknown = 'bottom';
    for (let depth = 0; depth < 100_000; depth += 1) row = [row];
    assert.deepEqual(refusedRow(row).data, ['{"$value":"too large"}']);
  });

  it('refuses to read what is no refused row', () => {
    const { datatype, shape, data } = refusedRow(null);
    assert.throws(() => readRefusedRow([{ name: 'text', datatype, shape, data }]), RangeError);
  });
});
