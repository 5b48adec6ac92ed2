import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromProbabilities } from '../../../domain/predictions.js';
import {
  keptBatches,
  latencyHistogram,
  measureQualityPlots,
} from '../../../domain/report/measure-plots.js';
import {
  LABELS_SHOWN,
  qualityPlotsSchema,
  systemPlotsSchema,
} from '../../../domain/report/plot-data.js';

/** Answers to rows by label, each with one probability. */
function answers(labels: readonly string[], given: readonly (readonly [string, number])[]) {
  const probabilities = given.flatMap(([label, top]) =>
    labels.map((each) => (each === label ? top : (1 - top) / (labels.length - 1))),
  );
  return fromProbabilities(Float64Array.from(probabilities), labels);
}

describe('measureQualityPlots', () => {
  const rows = ['a', 'a', 'b', 'c'].map((label) => ({ label }));
  const labels = ['a', 'b', 'never'];
  const candidate = answers(labels, [
    ['a', 0.95],
    ['b', 0.55],
    ['b', 0.9],
    ['a', 0.6],
  ]);

  it('counts answers by label, also by one that the model does not know, and leaves out labels of no row', () => {
    const { confusion } = measureQualityPlots({ rows, candidate, baseline: null });
    assert.deepEqual(confusion, {
      labels: ['a', 'b', 'c'],
      pooled: 0,
      counts: [
        [1, 1, 0],
        [0, 1, 0],
        [1, 0, 0],
      ],
    });
  });

  it('counts right answers by their own probability, the upper end in its bin', () => {
    const { calibration } = measureQualityPlots({ rows, candidate, baseline: null });
    assert.equal(calibration?.length, 10);
    assert.deepEqual(
      calibration.map(({ rows: count, right }) => [count, right]),
      [...Array.from({ length: 5 }, () => [0, 0]), [2, 0], [0, 0], [0, 0], [1, 1], [1, 1]],
    );
    assert.equal(calibration[0]?.confidence, null);
    assert.ok(Math.abs((calibration[5]?.confidence ?? 0) - 0.575) < 1e-9);
  });

  it('says of each row which of candidate and baseline is right', () => {
    const baseline = answers(labels, [
      ['a', 0.9],
      ['a', 0.9],
      ['a', 0.9],
      ['b', 0.9],
    ]);
    const { against } = measureQualityPlots({ rows, candidate, baseline });
    assert.deepEqual(against && { ...against, macroF1: 0 }, {
      ...{ bothRight: 1, onlyCandidate: 1, onlyBaseline: 1, bothWrong: 1 },
      ...{ accuracy: 0.5, macroF1: 0 },
    });
  });

  it('pools what is beyond fifty labels into one, and says of how many', () => {
    const many = Array.from({ length: 70 }, (_, at) => `label-${at}`);
    const each = many.flatMap((label, at) =>
      Array.from({ length: at < 60 ? 2 : 1 }, () => ({ label })),
    );
    const all = answers(
      many,
      each.map(({ label }) => [label, 0.9]),
    );
    const { confusion } = measureQualityPlots({ rows: each, candidate: all, baseline: null });
    assert.equal(confusion?.labels.length, LABELS_SHOWN + 1);
    assert.deepEqual([confusion.pooled, confusion.labels.at(-1)], [20, 'all others']);
    assert.equal(confusion.counts.at(-1)?.at(-1), 30);
    assert.equal(
      confusion.counts.flat().reduce((sum, count) => sum + count),
      each.length,
    );
  });

  it('has no plots without rows, and no calibration where a probability is no number', () => {
    const none = { confusion: null, calibration: null, against: null };
    assert.deepEqual(measureQualityPlots({ rows: [], candidate, baseline: null }), none);
    const odd = fromProbabilities(Float64Array.of(Number.NaN, Number.NaN), ['a', 'b']);
    const plots = measureQualityPlots({ rows: [{ label: 'a' }], candidate: odd, baseline: null });
    assert.equal(plots.calibration, null);
    assert.ok(qualityPlotsSchema.safeParse(plots).success);
  });
});

describe('latencyHistogram', () => {
  it('has every time in one bin, whatever the times are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }),
        (times) => {
          const latency = latencyHistogram(times);
          assert.equal(
            latency?.counts.reduce((sum, count) => sum + count),
            times.length,
          );
          assert.equal(latency.edgesMs.length, latency.counts.length + 1);
          assert.ok(systemPlotsSchema.safeParse({ latency, memory: [] }).success);
        },
      ),
    );
    assert.equal(latencyHistogram([]), null);
  });
});

describe('keptBatches', () => {
  it('keeps some of many batches, the one with the longest rows always', () => {
    const batches = Array.from({ length: 102 }, (_, at) => ({
      ...{ rows: 64, longestBytes: at, peakRssBytes: at },
    }));
    const kept = keptBatches(batches);
    assert.deepEqual([kept.length, kept.at(-1)?.longestBytes], [26, 101]);
    assert.equal(keptBatches(batches.slice(0, 7)).length, 7);
  });
});
