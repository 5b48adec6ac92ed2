import assert from 'node:assert/strict';
import fc from 'fast-check';
import { chanceIndex, populationStabilityIndex } from '../../../domain/monitor/drift.js';

/** Computed apart from this code, in Python's doubles from the formula: sum((a/A - e/E) * log((a/A) / (e/E))), 0 counted as 0.5. */
const INDEPENDENT: readonly (readonly [readonly number[], readonly number[], number])[] = [
  [
    new Array<number>(10).fill(100),
    [80, 90, 100, 110, 120, 100, 100, 100, 100, 100],
    0.0101160091167848,
  ],
  [[50, 30, 20], [20, 30, 50], 0.549774439124493],
  [[50, 30, 20, 0], [0, 30, 50, 20], 3.2574905026652434],
  [[1, 2, 3], [2, 4, 6], 0],
  [[487, 213, 300], [120, 610, 44], 1.536871379447729],
];

describe('populationStabilityIndex', () => {
  for (const [reference, actual, expected] of INDEPENDENT) {
    it(`is ${expected} of ${reference.join(' ')} against ${actual.join(' ')}`, () => {
      assert.ok(Math.abs(populationStabilityIndex(reference, actual) - expected) < 1e-12);
    });
  }

  it('is never negative, the same both ways, and finite whatever is empty', () => {
    const counts = fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(counts, counts, (one, other) => {
        const total = (list: number[]) => list.reduce((sum, each) => sum + each, 0);
        fc.pre(total(one) > 0 && total(other) > 0);
        const value = populationStabilityIndex(one, other);
        assert.ok(value >= -1e-15 && Number.isFinite(value));
        assert.ok(Math.abs(value - populationStabilityIndex(other, one)) < 1e-9);
      }),
    );
  });

  it('is NaN of nothing, of one bin, of other lengths and of what is no count', () => {
    for (const [one, other] of [
      [
        [0, 0],
        [1, 2],
      ],
      [
        [1, 2],
        [0, 0],
      ],
      [[5], [5]],
      [
        [1, 2],
        [1, 2, 3],
      ],
      [
        [1, Number.NaN],
        [1, 2],
      ],
      [
        [1, -1],
        [1, 2],
      ],
    ] as const) {
      assert.equal(populationStabilityIndex(one, other), Number.NaN);
    }
  });
});

describe('chanceIndex', () => {
  it('is what samples of one population come to on average', () => {
    let state = 7;
    const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    const draw = (n: number) => {
      const counts = [0, 0, 0, 0, 0];
      for (let index = 0; index < n; index += 1) {
        const bin = Math.floor(random() * 5);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      return counts;
    };
    const rounds = Array.from({ length: 400 }, () => [draw(300), draw(200)] as const);
    const mean =
      rounds.reduce((sum, [one, other]) => sum + populationStabilityIndex(one, other), 0) / 400;
    const expected = chanceIndex([60, 60, 60, 60, 60], [40, 40, 40, 40, 40]);
    assert.ok(Math.abs(mean / expected - 1) < 0.15, `${mean} against ${expected}`);
  });
});
