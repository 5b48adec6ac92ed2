import type { Measurement, ShownInput } from './gate.js';
import type { Row } from './ports/dataset-source.js';
import { answerOf, type Predictions } from './predictions.js';
import { shownInput } from './shown-input.js';
import {
  accuracy,
  bootstrap,
  expectedCalibrationError,
  macroF1,
  pairedBootstrap,
  sliceAccuracies,
} from './statistics.js';

const SHOWN = 20;

export interface QualityInput {
  readonly rows: readonly Row[];
  readonly candidate: Predictions;
  /** The live version's answers to the same rows; null without a live version. */
  readonly baseline: Predictions | null;
  readonly resamples: number;
  readonly confidence: number;
  readonly seed: number;
}

/** Every statistical metric of a candidate on held-out rows, and the rows that show most against it. */
export function measureQuality(given: QualityInput): readonly Measurement[] {
  const { rows, candidate } = given;
  const labels = [...new Set([...candidate.labels, ...rows.map(({ label }) => label)])];
  const truth = indices(
    rows.map(({ label }) => label),
    labels,
  );
  const predicted = predictedIndices(candidate, labels);
  const wrong = mistakes(rows, candidate);
  const classes = labels.length;
  const options = { resamples: given.resamples, confidence: given.confidence, seed: given.seed };
  const right = Float64Array.from(truth, (label, row) => (label === predicted[row] ? 1 : 0));
  const confidences = Float64Array.from(rows, (_, row) => answerOf(candidate, row).probability);
  const absolute: readonly Measurement[] = [
    {
      metric: 'accuracy',
      value: accuracy(truth, predicted),
      sample: rows.length,
      interval: bootstrap({ truth, predicted, classes }, 'accuracy', options),
      inputs: [...wrong],
    },
    {
      metric: 'macro-f1',
      value: macroF1(truth, predicted, classes),
      sample: rows.length,
      interval: bootstrap({ truth, predicted, classes }, 'macro-f1', options),
      inputs: [...wrong],
    },
    sliceAccuracy(rows, right, wrong),
    {
      metric: 'calibration-error',
      value: expectedCalibrationError(confidences, right),
      sample: rows.length,
      inputs: [...wrong],
    },
  ];
  if (given.baseline === null) return absolute;
  const before = predictedIndices(given.baseline, labels);
  const regressions = mistakes(rows, candidate, given.baseline);
  const relative = (['accuracy', 'macro-f1'] as const).map((statistic): Measurement => {
    const { difference, interval } = pairedBootstrap(
      { truth, candidate: predicted, baseline: before, classes },
      statistic,
      options,
    );
    return {
      metric: `${statistic}-difference`,
      value: difference,
      sample: rows.length,
      interval,
      inputs: [...regressions],
    };
  });
  return [...absolute, ...relative];
}

function indices(names: readonly string[], labels: readonly string[]): Int32Array {
  const index = new Map(labels.map((label, at) => [label, at]));
  return Int32Array.from(names, (name) => index.get(name) ?? -1);
}

function predictedIndices(predictions: Predictions, labels: readonly string[]): Int32Array {
  const index = new Map(labels.map((label, at) => [label, at]));
  return Int32Array.from(
    predictions.predicted,
    (at) => index.get(predictions.labels[at] ?? '') ?? -1,
  );
}

function sliceAccuracy(
  rows: readonly Row[],
  right: Float64Array,
  wrong: readonly ShownInput[],
): Measurement {
  const slices = sliceAccuracies(
    rows.map(({ slice, label }) => slice ?? label),
    right,
  );
  return {
    metric: 'slice-accuracy',
    value: slices[0]?.value ?? null,
    sample: rows.length,
    slices,
    inputs: [...wrong],
  };
}

/** Wrong answers, the surest first; with a baseline, only where that one is right. */
function mistakes(
  rows: readonly Row[],
  candidate: Predictions,
  baseline: Predictions | null = null,
): readonly ShownInput[] {
  return rows
    .map((row, index) => ({
      row,
      lost: baseline === null || answerOf(baseline, index).label === row.label,
      ...answerOf(candidate, index),
    }))
    .filter(({ row, label, lost }) => lost && row.label !== label)
    .sort((left, right) => right.probability - left.probability)
    .slice(0, SHOWN)
    .map(({ row, label, probability }) =>
      shownInput(
        row,
        `"${row.label}" was answered "${label}" (probability ${probability.toFixed(2)})`,
      ),
    );
}
