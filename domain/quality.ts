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

/** Answers as label indices, so that statistics are counted on typed arrays. */
interface Indexed {
  readonly truth: Int32Array;
  readonly predicted: Int32Array;
  readonly classes: number;
}

/** Every statistical metric of a candidate on held-out rows, and the rows that show most against it. */
export function measureQuality(given: QualityInput): readonly Measurement[] {
  const { rows, candidate, baseline } = given;
  const labels = [...new Set([...candidate.labels, ...rows.map(({ label }) => label)])];
  const truth = indices(
    rows.map(({ label }) => label),
    labels,
  );
  const predicted = predictedIndices(candidate, labels);
  const indexed = { truth, predicted, classes: labels.length };
  const absolute = absoluteMetrics(given, indexed);
  if (baseline === null) return absolute;
  return [...absolute, ...relativeMetrics(given, indexed, predictedIndices(baseline, labels))];
}

function absoluteMetrics(given: QualityInput, indexed: Indexed): readonly Measurement[] {
  const { rows, candidate } = given;
  const { truth, predicted, classes } = indexed;
  const wrong = mistakes(rows, candidate);
  const right = Float64Array.from(truth, (label, row) => (label === predicted[row] ? 1 : 0));
  const confidences = Float64Array.from(rows, (_, row) => answerOf(candidate, row).probability);
  const shared = { sample: rows.length, inputs: [...wrong] };
  return [
    {
      metric: 'accuracy',
      value: accuracy(truth, predicted),
      interval: bootstrap(indexed, 'accuracy', given),
      ...shared,
    },
    {
      metric: 'macro-f1',
      value: macroF1(truth, predicted, classes),
      interval: bootstrap(indexed, 'macro-f1', given),
      ...shared,
    },
    sliceAccuracy(rows, right, wrong),
    {
      metric: 'calibration-error',
      value: expectedCalibrationError(confidences, right),
      ...shared,
    },
  ];
}

function relativeMetrics(
  given: QualityInput,
  { truth, predicted, classes }: Indexed,
  baseline: Int32Array,
): readonly Measurement[] {
  const regressions = mistakes(given.rows, given.candidate, { baseline: given.baseline });
  return (['accuracy', 'macro-f1'] as const).map((statistic) => {
    const compared = { truth, candidate: predicted, baseline, classes };
    const { difference, interval } = pairedBootstrap(compared, statistic, given);
    return {
      metric: `${statistic}-difference`,
      value: difference,
      sample: given.rows.length,
      interval,
      inputs: [...regressions],
    };
  });
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
/** Rows whose label is not the answer, the surest first; with a baseline those alone that it had right. */
export function mistakes(
  rows: readonly Row[],
  candidate: Predictions,
  {
    baseline = null,
    atMost = SHOWN,
  }: { readonly baseline?: Predictions | null; readonly atMost?: number } = {},
): readonly ShownInput[] {
  return rows
    .map((row, index) => ({
      row,
      lost: baseline === null || answerOf(baseline, index).label === row.label,
      ...answerOf(candidate, index),
    }))
    .filter(({ row, label, lost }) => lost && row.label !== label)
    .sort((left, right) => right.probability - left.probability)
    .slice(0, atMost)
    .map(({ row, label, probability }) =>
      shownInput(
        row,
        `"${row.label}" was answered "${label}" (probability ${probability.toFixed(2)})`,
      ),
    );
}
