import assert from 'node:assert/strict';
import { randomInt, seededRandom } from '../../domain/random.js';

const take = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
};

describe('seededRandom', () => {
  it('gives the same stream for the same seed, for ever', () => {
    assert.deepEqual(take(7, 50), take(7, 50));
    assert.deepEqual(
      take(1, 3).map((value) => value * 2 ** 32),
      [2012149540, 1872316204, 1707632675],
    );
  });

  it('gives other streams for neighbouring seeds', () => {
    const first = new Set([0, 1, 2, 3, -1].map((seed) => take(seed, 1)[0]));
    assert.equal(first.size, 5);
  });

  it('is uniform: the chi-square of 100 bins is ordinary', () => {
    const bins = new Float64Array(100);
    for (const value of take(3, 100_000)) {
      assert.ok(value >= 0 && value < 1);
      const bin = Math.floor(value * 100);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    const chiSquare = bins.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    // 99 degrees of freedom: 0.01 % of fair generators lie below 53 or above 161.
    assert.ok(chiSquare > 53 && chiSquare < 161, `${chiSquare}`);
  });
});

describe('randomInt', () => {
  it('reaches every value below its bound, and no other', () => {
    const random = seededRandom(5);
    const seen = new Set(Array.from({ length: 1_000 }, () => randomInt(random, 6)));

    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
    assert.equal(randomInt(random, 1), 0);
  });
});
