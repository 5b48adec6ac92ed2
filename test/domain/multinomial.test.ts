import assert from 'node:assert/strict';
import { binomial, drawCounts } from '../../domain/multinomial.js';
import { seededRandom } from '../../domain/random.js';

describe('binomial', () => {
  for (const [trials, probability] of [
    [1, 0.3],
    [30, 0.2],
    [30, 0.5],
    [100, 0.9],
    [1_000, 0.4],
    [100_000, 0.0002],
    [100_000, 0.01],
  ] as const) {
    it(`follows its distribution for ${trials} trials at ${probability}`, () => {
      const random = seededRandom(trials);
      const draws = 50_000;
      const seen = new Map<number, number>();
      for (let draw = 0; draw < draws; draw += 1) {
        const successes = binomial(trials, probability, random);
        seen.set(successes, (seen.get(successes) ?? 0) + 1);
      }

      // Pearson's chi-square over the values that are expected at least 10 times, the rest as one.
      let [chiSquare, values, inside, expectedInside] = [0, 0, 0, 0];
      for (const [successes, expected] of expectedCounts(trials, probability, draws)) {
        const count = seen.get(successes) ?? 0;
        chiSquare += (count - expected) ** 2 / expected;
        values += 1;
        inside += count;
        expectedInside += expected;
      }
      const rest = Math.max(draws - expectedInside, 1);
      chiSquare += (draws - inside - (draws - expectedInside)) ** 2 / rest;
      // 4.5 standard deviations above the mean of chi-square.
      const limit = values + 4.5 * Math.sqrt(2 * values);
      assert.ok(chiSquare < limit, `chi-square ${chiSquare.toFixed(1)} over ${values} values`);
    });
  }

  it('stays within its bounds', () => {
    const random = seededRandom(1);
    assert.equal(binomial(0, 0.5, random), 0);
    assert.equal(binomial(9, 0, random), 0);
    assert.equal(binomial(9, 1, random), 9);
  });
});

describe('drawCounts', () => {
  it('draws as many as it is told, in proportion, and nothing of an empty kind', () => {
    const random = seededRandom(2);
    const sizes = Int32Array.of(500, 0, 300, 200);
    const sums = new Float64Array(4);
    for (let draw = 0; draw < 2_000; draw += 1) {
      const counts = new Int32Array(4);
      drawCounts(sizes, 1_000, counts, random);
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        1_000,
      );
      for (const [kind, count] of counts.entries()) sums[kind] = (sums[kind] ?? 0) + count;
    }

    assert.equal(sums[1], 0);
    for (const [kind, size] of sizes.entries()) {
      // The mean's standard deviation is at most 0.36.
      assert.ok(Math.abs((sums[kind] ?? 0) / 2_000 - size) < 1.5, `kind ${kind}`);
    }
  });
});

/** How often each number of successes is expected, where that is at least 10 times; by logarithms, from the mode outwards. */
function expectedCounts(trials: number, probability: number, draws: number) {
  const expected: [number, number][] = [];
  let log = trials * Math.log(1 - probability);
  for (let successes = 0; successes <= trials; successes += 1) {
    const count = draws * Math.exp(log);
    if (count >= 10) expected.push([successes, count]);
    else if (expected.length > 0) break;
    log +=
      Math.log((trials - successes) / (successes + 1)) + Math.log(probability / (1 - probability));
  }
  return expected;
}
