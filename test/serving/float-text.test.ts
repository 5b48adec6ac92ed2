import assert from 'node:assert/strict';
import { floatsJson } from '../../serving/float-text.js';

const readAgain = (values: Float32Array): Float32Array => {
  const numbers: unknown = JSON.parse(`[${floatsJson(values)}]`);
  assert.ok(Array.isArray(numbers));
  return Float32Array.from(numbers, Number);
};

describe('floats as JSON', () => {
  it('are read again as the same 32 bits', () => {
    const bits = new Uint32Array(300_000);
    let state = 1;
    for (let index = 0; index < bits.length; index++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      // a third from 0 to 2, where probabilities are, at every distance of neighbours; the others anywhere
      bits[index] = index % 3 === 0 ? 0x30000000 + (state >>> 4) : state;
    }
    const values = new Float32Array(bits.buffer).filter(Number.isFinite);
    assert.ok(values.length > 290_000);
    assert.deepEqual(
      readAgain(values),
      values.map((value) => value + 0),
    );
  });

  it('are the same where the number of decimals changes', () => {
    const edges = [2 ** -13, 2 ** -10, 0.5, 1 - 2 ** -24, 1, 1 + 2 ** -23, 0.1, 1e-7, 1e21, 3.4e38];
    const around = edges.flatMap((edge) => {
      const value = Float32Array.of(edge);
      const bits = new Uint32Array(value.buffer)[0] ?? 0;
      return [...new Float32Array(Uint32Array.of(bits - 1, bits, bits + 1).buffer)];
    });
    const values = Float32Array.from([...around, ...around.map((value) => -value), 0]);
    assert.deepEqual(readAgain(values), values);
  });

  it('take no more digits than they need', () => {
    assert.equal(
      floatsJson(Float32Array.of(0.5, 0.1, 1, 0, 2 / 3)),
      '0.5,0.10000000149,1,0,0.66666668653',
    );
    assert.equal(floatsJson(new Float32Array(0)), '');
  });
});
