import assert from 'node:assert/strict';
import fc from 'fast-check';
import { randomInt, seededRandom } from '../../domain/random.js';
import {
  accuracy,
  bootstrap,
  confusionMatrix,
  expectedCalibrationError,
  macroF1,
  median,
  pairedBootstrap,
  quantile,
  sliceAccuracies,
} from '../../domain/statistics.js';

const labels = (...values: number[]) => Int32Array.from(values);
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, expected ${expected}`);
const OPTIONS = { resamples: 300, confidence: 0.95, seed: 11 };
const CLASSES = 4;

/** Rows of truth and two models' answers, some of them outside of the labels. */
const someRows = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: CLASSES - 1 }),
    fc.integer({ min: -1, max: CLASSES - 1 }),
    fc.integer({ min: -1, max: CLASSES - 1 }),
  ),
  { minLength: 1, maxLength: 60 },
);
const columns = (rows: readonly (readonly [number, number, number])[]) => ({
  truth: Int32Array.from(rows, ([truth]) => truth),
  candidate: Int32Array.from(rows, ([, candidate]) => candidate),
  baseline: Int32Array.from(rows, ([, , baseline]) => baseline),
  classes: CLASSES,
});

describe('accuracy', () => {
  it('is the share of right answers', () => {
    assert.equal(accuracy(labels(0, 1, 2, 2), labels(0, 1, 1, 2)), 0.75);
    assert.equal(accuracy(labels(0), labels(-1)), 0);
  });

  it('is no number without rows', () => {
    assert.ok(Number.isNaN(accuracy(labels(), labels())));
    assert.ok(Number.isNaN(macroF1(labels(), labels(), 3)));
  });
});

describe('macroF1', () => {
  it('is the mean of the labels’ F1', () => {
    // The example of scikit-learn's f1_score: F1 of 0.8, 0 and 0.
    close(macroF1(labels(0, 1, 2, 0, 1, 2), labels(0, 2, 1, 0, 0, 1), 3), 0.8 / 3);
  });

  it('leaves out a label that occurs neither in the truth nor in the answers', () => {
    close(macroF1(labels(0, 1), labels(0, 1), 9), 1);
  });

  it('counts an answer outside of the labels as a miss', () => {
    // Label 0: 2 * 1 / (2 + 1); label 1: 1.
    close(macroF1(labels(0, 0, 1), labels(0, -1, 1), 2), (2 / 3 + 1) / 2);
  });

  it('agrees with precision and recall, label by label', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const { truth, candidate } = columns(rows);
        close(macroF1(truth, candidate, CLASSES), macroF1ByDefinition(truth, candidate));
      }),
    );
  });
});

describe('confusionMatrix', () => {
  it('counts answers by truth', () => {
    assert.deepEqual(
      [...confusionMatrix(labels(0, 0, 1, 1, 1), labels(0, 1, 1, 1, -1), 2)],
      [1, 1, 0, 2],
    );
  });
});

describe('expectedCalibrationError', () => {
  it('is 0 where confidence and accuracy agree in each bin', () => {
    const confidences = Float64Array.from({ length: 10 }, () => 0.7);
    close(expectedCalibrationError(confidences, labels(1, 1, 1, 1, 1, 1, 1, 0, 0, 0)), 0);
  });

  it('weighs each bin’s gap by its rows', () => {
    // Three rows at 0.95 with two right, one row at 0.55 that is wrong.
    const confidences = Float64Array.of(0.95, 0.95, 0.95, 0.55);
    const expected = 0.75 * (0.95 - 2 / 3) + 0.25 * 0.55;
    close(expectedCalibrationError(confidences, labels(1, 1, 0, 0)), expected);
  });

  it('puts a bound into the bin below it', () => {
    // 0.6 and 0.55 share (0.5, 0.6], where their gaps cancel out in part.
    close(
      expectedCalibrationError(Float64Array.of(0.6, 0.55), labels(1, 0)),
      Math.abs(1 - 1.15) / 2,
    );
    close(expectedCalibrationError(Float64Array.of(0, 1), labels(0, 1)), 0);
  });

  it('is no number where a confidence is none, and without rows', () => {
    assert.ok(
      Number.isNaN(expectedCalibrationError(Float64Array.of(0.5, Number.NaN), labels(1, 1))),
    );
    assert.ok(Number.isNaN(expectedCalibrationError(Float64Array.of(), labels())));
  });

  it('lies between 0 and 1, in any order of the rows', () => {
    const row = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean());
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (rows) => {
        const errorOf = (each: typeof rows) =>
          expectedCalibrationError(
            Float64Array.from(each, ([confidence]) => confidence),
            each.map(([, right]) => Number(right)),
          );
        const error = errorOf(rows);

        assert.ok(error >= 0 && error <= 1);
        close(errorOf([...rows].reverse()), error);
      }),
    );
  });
});

describe('quantile', () => {
  it('interpolates between neighbours, as R’s type 7 does', () => {
    const values = [4, 1, 3, 2];
    assert.equal(quantile(values, 0), 1);
    assert.equal(quantile(values, 0.25), 1.75);
    assert.equal(quantile(values, 0.9), 3.7);
    assert.equal(quantile(values, 1), 4);
    assert.deepEqual(values, [4, 1, 3, 2]);
    assert.equal(quantile([10, 9, 100], 0.5), 10);
  });

  it('is no number of nothing', () => {
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });
});

describe('median', () => {
  it('is the middle value, or the mean of the two middle ones', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median(Float64Array.of(4, 1, 2, 3)), 2.5);
    assert.equal(median([5]), 5);
  });
});

describe('sliceAccuracies', () => {
  it('orders slices from the worst', () => {
    assert.deepEqual(sliceAccuracies(['b', 'a', 'b', 'c', 'a'], [1, 0, 1, 0, 1]), [
      { slice: 'c', value: 0, sample: 1 },
      { slice: 'a', value: 0.5, sample: 2 },
      { slice: 'b', value: 1, sample: 2 },
    ]);
  });
});

describe('bootstrap', () => {
  it('holds the statistic of rows that are all alike in an interval of no width', () => {
    const rows = { truth: labels(1, 1, 1), predicted: labels(1, 1, 1), classes: 2 };

    assert.deepEqual(bootstrap(rows, 'accuracy', OPTIONS), { low: 1, high: 1, confidence: 0.95 });
  });

  it('has the width that the binomial distribution gives an accuracy', () => {
    const truth = new Int32Array(1_000);
    const predicted = Int32Array.from(truth, (_, row) => (row < 800 ? 0 : 1));
    const options = { resamples: 4_000, confidence: 0.95, seed: 3 };
    const { low, high } = bootstrap({ truth, predicted, classes: 2 }, 'accuracy', options);

    const half = 1.96 * Math.sqrt((0.8 * 0.2) / 1_000);
    assert.ok(Math.abs(low - (0.8 - half)) < 0.003, `${low}`);
    assert.ok(Math.abs(high - (0.8 + half)) < 0.003, `${high}`);
  });

  it('takes any statistic of counted answers', () => {
    const rows = { truth: labels(0, 0, 1, 1), predicted: labels(0, 1, 1, 1), classes: 2 };
    const rowsCounted = bootstrap(
      rows,
      ({ counts }) => counts.reduce((sum, each) => sum + each),
      OPTIONS,
    );

    assert.deepEqual([rowsCounted.low, rowsCounted.high], [4, 4]);
  });

  it('is wider at a higher confidence', () => {
    const truth = Int32Array.from({ length: 100 }, (_, row) => row % 3);
    const rows = {
      truth,
      predicted: Int32Array.from(truth, (label, row) => (row % 4 ? label : 0)),
      classes: 3,
    };
    const [narrow, wide] = [0.8, 0.99].map((confidence) =>
      bootstrap(rows, 'macro-f1', { ...OPTIONS, confidence }),
    );

    assert.ok(narrow && wide && wide.low < narrow.low && narrow.high < wide.high);
  });
});

describe('pairedBootstrap', () => {
  it('gives equal answers exactly no difference', () => {
    fc.assert(
      fc.property(someRows, fc.constantFrom('accuracy', 'macro-f1'), (rows, statistic) => {
        const { truth, candidate, classes } = columns(rows);
        const same = { truth, candidate, baseline: candidate, classes };

        assert.deepEqual(pairedBootstrap(same, statistic, OPTIONS), {
          difference: 0,
          interval: { low: 0, high: 0, confidence: 0.95 },
        });
      }),
      { numRuns: 30 },
    );
  });

  it('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(someRows, fc.constantFrom('accuracy', 'macro-f1'), (rows, statistic) => {
        const shuffled = [...rows].reverse();

        assert.deepEqual(
          pairedBootstrap(columns(shuffled), statistic, OPTIONS),
          pairedBootstrap(columns(rows), statistic, OPTIONS),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('is turned around when the two models are', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const { difference } = pairedBootstrap(columns(rows), 'macro-f1', OPTIONS);
        const turned = rows.map(
          ([truth, candidate, baseline]) => [truth, baseline, candidate] as const,
        );

        close(pairedBootstrap(columns(turned), 'macro-f1', OPTIONS).difference, -difference);
      }),
      { numRuns: 30 },
    );
  });

  it('gives the difference of the two statistics', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const given = columns(rows);
        const { truth, candidate, baseline } = given;

        close(
          pairedBootstrap(given, 'accuracy', { ...OPTIONS, resamples: 1 }).difference,
          accuracy(truth, candidate) - accuracy(truth, baseline),
        );
        close(
          pairedBootstrap(given, 'macro-f1', { ...OPTIONS, resamples: 1 }).difference,
          macroF1(truth, candidate, CLASSES) - macroF1(truth, baseline, CLASSES),
        );
      }),
    );
  });

  it('has its interval between -1 and 1, its low end below its high end', () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const { interval } = pairedBootstrap(columns(rows), 'macro-f1', OPTIONS);

        assert.ok(-1 <= interval.low && interval.low <= interval.high && interval.high <= 1);
      }),
      { numRuns: 30 },
    );
  });

  it('covers the true difference about as often as it says', () => {
    const random = seededRandom(2);
    let covered = 0;
    for (let trial = 0; trial < 200; trial += 1) {
      // True accuracies of 0.8 and 0.7, right or wrong independently: a true difference of 0.1.
      const truth = new Int32Array(300);
      const answers = (share: number) => truth.map(() => (random() < share ? 0 : 1));
      const rows = { truth, candidate: answers(0.8), baseline: answers(0.7), classes: 2 };
      const options = { resamples: 400, confidence: 0.9, seed: trial };
      const { interval } = pairedBootstrap(rows, 'accuracy', options);
      if (interval.low <= 0.1 && 0.1 <= interval.high) covered += 1;
    }

    // 180 expected; a fair interval falls outside of this range once in 10,000 times.
    assert.ok(covered >= 162 && covered <= 195, `${covered} of 200`);
  });

  it('takes 2,000 resamples of 1,000 rows in under 300 ms', () => {
    const random = seededRandom(4);
    const classes = 8;
    const truth = Int32Array.from({ length: 1_000 }, () => randomInt(random, classes));
    const answers = () =>
      truth.map((label) => (random() < 0.7 ? label : randomInt(random, classes)));
    const rows = { truth, candidate: answers(), baseline: answers(), classes };
    const timesMs = (['accuracy', 'macro-f1'] as const).map((statistic) => {
      const runs = [1, 2, 3].map(() => {
        const startMs = performance.now();
        pairedBootstrap(rows, statistic, { resamples: 2_000, confidence: 0.95, seed: 1 });
        return performance.now() - startMs;
      });
      return Math.min(...runs);
    });

    assert.ok(Math.max(...timesMs) < 300, timesMs.join(' and '));
  });
});

function macroF1ByDefinition(truth: Int32Array, predicted: Int32Array): number {
  const scores: number[] = [];
  for (let label = 0; label < CLASSES; label += 1) {
    const both = truth.filter((each, row) => each === label && predicted[row] === label).length;
    const actual = truth.filter((each) => each === label).length;
    const answered = predicted.filter((each) => each === label).length;
    if (actual + answered === 0) continue;
    const precision = answered === 0 ? 0 : both / answered;
    const recall = actual === 0 ? 0 : both / actual;
    scores.push(both === 0 ? 0 : (2 * precision * recall) / (precision + recall));
  }
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
