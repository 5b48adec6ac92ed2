import type { Interval } from './gate.js';
import { drawCounts } from './multinomial.js';
import { randomInt, seededRandom, type Random } from './random.js';

/**
 * Statistics of a classifier's answers. Labels are indices from 0 to `classes` - 1; an answer outside of them (-1) is wrong
 * and belongs to no label. A statistic of no rows is NaN: it could not be measured.
 */

/** Share of rows whose answer is the truth: (1/n) sum of [truth_i = predicted_i]. */
export function accuracy(truth: Int32Array, predicted: Int32Array): number {
  let right = 0;
  for (let row = 0; row < truth.length; row += 1) if (truth[row] === predicted[row]) right += 1;
  return right / truth.length;
}

/**
 * Mean of F1 over the labels that occur in the truth or in the answers, each with the same weight:
 * F1_k = 2 TP_k / (2 TP_k + FP_k + FN_k). The mean of F1 values, as scikit-learn has it, not the F1 of mean precision and
 * mean recall (Opitz and Burst 2019, "Macro F1 and Macro F1", compare the two).
 */
export function macroF1(truth: Int32Array, predicted: Int32Array, classes: number): number {
  return countedMacroF1({
    truth,
    predicted,
    classes,
    counts: new Int32Array(truth.length).fill(1),
  });
}

/** Row k, column j: how many rows of label k were answered j; row by row, `classes` wide. */
export function confusionMatrix(
  truth: Int32Array,
  predicted: Int32Array,
  classes: number,
): Int32Array {
  const matrix = new Int32Array(classes * classes);
  for (let row = 0; row < truth.length; row += 1) {
    const [label, answer] = [truth[row] ?? -1, predicted[row] ?? -1];
    if (label < 0 || answer < 0 || label >= classes || answer >= classes) continue;
    add(matrix, label * classes + answer, 1);
  }
  return matrix;
}

/** The number of bins of the calibration error. */
const BINS = 10;

/**
 * Expected calibration error: the sum over 10 bins of equal width ((m-1)/10, m/10] of |B_m|/n * |accuracy(B_m) - confidence(B_m)|
 * (Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", equation 3). 0 to 1, less is better.
 * @param confidences - The answer's own probability, 0 to 1.
 * @param right - 1 where the answer is right, else 0.
 */
export function expectedCalibrationError(
  confidences: Float64Array,
  right: ArrayLike<number>,
): number {
  const gaps = new Float64Array(BINS);
  for (let row = 0; row < confidences.length; row += 1) {
    const confidence = confidences[row] ?? Number.NaN;
    if (Number.isNaN(confidence)) return Number.NaN;
    const bin = Math.min(Math.max(Math.ceil(confidence * BINS) - 1, 0), BINS - 1);
    add(gaps, bin, (right[row] ?? 0) - confidence);
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / confidences.length;
}

/** Accuracy within each slice, the worst first; slices of the same accuracy by name. */
export function sliceAccuracies(
  slices: readonly string[],
  right: ArrayLike<number>,
): { slice: string; value: number; sample: number }[] {
  const sums = new Map<string, { right: number; sample: number }>();
  for (const [row, slice] of slices.entries()) {
    const sum = sums.get(slice) ?? { right: 0, sample: 0 };
    sums.set(slice, { right: sum.right + (right[row] ?? 0), sample: sum.sample + 1 });
  }
  return [...sums]
    .map(([slice, sum]) => ({ slice, value: sum.right / sum.sample, sample: sum.sample }))
    .sort((left, other) => left.value - other.value || (left.slice < other.slice ? -1 : 1));
}

/**
 * The value below which a share of the values lies, with linear interpolation between neighbours: type 7 of Hyndman and Fan
 * 1996, "Sample Quantiles in Statistical Packages" (what R, NumPy and Excel do unless told otherwise).
 * @param share - 0 to 1.
 */
export function quantile(values: ArrayLike<number>, share: number): number {
  return sortedQuantile(Float64Array.from(values).sort(), share);
}

/** The middle value; the mean of the two middle ones where their number is even. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

function sortedQuantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (low === undefined || high === undefined) return Number.NaN;
  return low + (place - Math.floor(place)) * (high - low);
}

/** Rows by kind: `counts[i]` rows have this truth and this answer. What a statistic is computed of while resampling. */
interface CountedAnswers {
  readonly truth: Int32Array;
  readonly predicted: Int32Array;
  readonly counts: Int32Array;
  readonly classes: number;
}

/** A statistic by name, or any function of counted answers. */
export type Statistic = 'accuracy' | 'macro-f1' | ((answers: CountedAnswers) => number);

export interface BootstrapOptions {
  readonly resamples: number;
  /** Share of the resamples inside the interval, such as 0.95. */
  readonly confidence: number;
  readonly seed: number;
}

/**
 * Percentile interval of a statistic: rows are drawn with replacement, as many as there are, and the interval holds the
 * middle `confidence` of the resamples' values (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13).
 * The rows' order does not matter; the same seed gives the same interval.
 */
export function bootstrap(
  rows: { truth: Int32Array; predicted: Int32Array; classes: number },
  statistic: Statistic,
  options: BootstrapOptions,
): Interval {
  const { truth, predicted, classes } = rows;
  const kinds = kindsOf(classes, [truth, predicted]);
  const [kindTruth, kindPredicted] = [kinds.column(0), kinds.column(1)];
  const compute = functionOf(statistic);
  return percentileInterval(kinds, options, (counts) =>
    compute({ truth: kindTruth, predicted: kindPredicted, counts, classes }),
  );
}

/**
 * The candidate's statistic minus the baseline's on the same rows, with its percentile interval. Paired: each resample takes
 * whole rows, both answers with them, so that what is hard for both cancels out (Efron and Tibshirani 1993; for classifiers
 * Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation"). Equal answers give exactly [0, 0].
 */
export function pairedBootstrap(
  rows: { truth: Int32Array; candidate: Int32Array; baseline: Int32Array; classes: number },
  statistic: Statistic,
  options: BootstrapOptions,
): { difference: number; interval: Interval } {
  const { classes } = rows;
  const kinds = kindsOf(classes, [rows.truth, rows.candidate, rows.baseline]);
  const [truth, candidate, baseline] = [kinds.column(0), kinds.column(1), kinds.column(2)];
  const compute = functionOf(statistic);
  const difference = (counts: Int32Array): number =>
    compute({ truth, predicted: candidate, counts, classes }) -
    compute({ truth, predicted: baseline, counts, classes });
  return {
    difference: difference(kinds.counts),
    interval: percentileInterval(kinds, options, difference),
  };
}

/**
 * Distinct combinations of labels and how often each occurs. Few of them occur, however many rows there are, so that a
 * resample is counted by kind and its statistic costs as much as there are kinds.
 */
interface Kinds {
  /** Each row's kind, sorted: what a resample draws from, whatever the order of the rows was. */
  readonly rows: Int32Array;
  readonly counts: Int32Array;
  /** The label that each kind has in one of the given columns. */
  column(index: number): Int32Array;
}

function kindsOf(classes: number, columns: readonly Int32Array[]): Kinds {
  const width = classes + 1;
  const keys = Float64Array.from(columns[0] ?? [], (_, row) =>
    columns.reduce((key, column) => key * width + (column[row] ?? -1) + 1, 0),
  ).sort();
  const rows = new Int32Array(keys.length);
  const distinct: number[] = [];
  for (let row = 0; row < keys.length; row += 1) {
    const key = keys[row] ?? 0;
    if (key !== distinct.at(-1)) distinct.push(key);
    rows[row] = distinct.length - 1;
  }
  const counts = new Int32Array(distinct.length);
  for (const kind of rows) add(counts, kind, 1);
  const column = (index: number): Int32Array => {
    const place = width ** (columns.length - 1 - index);
    return Int32Array.from(distinct, (key) => (Math.floor(key / place) % width) - 1);
  };
  return { rows, counts, column };
}

function percentileInterval(
  kinds: Kinds,
  { resamples, confidence, seed }: BootstrapOptions,
  statistic: (counts: Int32Array) => number,
): Interval {
  const random = seededRandom(seed);
  const counts = new Int32Array(kinds.counts.length);
  const values = new Float64Array(resamples);
  for (let index = 0; index < resamples; index += 1) {
    drawRows(kinds, counts, random);
    values[index] = statistic(counts);
  }
  values.sort();
  const tail = (1 - confidence) / 2;
  return { low: sortedQuantile(values, tail), high: sortedQuantile(values, 1 - tail), confidence };
}

/** So many rows a kind that drawing counts is cheaper than drawing rows one by one. */
const MANY_ROWS = 20;

function drawRows({ rows, counts: sizes }: Kinds, counts: Int32Array, random: Random): void {
  if (rows.length > MANY_ROWS * sizes.length) {
    drawCounts(sizes, rows.length, counts, random);
    return;
  }
  counts.fill(0);
  for (let drawn = 0; drawn < rows.length; drawn += 1) {
    add(counts, rows[randomInt(random, rows.length)] ?? 0, 1);
  }
}

function functionOf(statistic: Statistic): (answers: CountedAnswers) => number {
  if (typeof statistic === 'function') return statistic;
  return statistic === 'accuracy' ? countedAccuracy : countedMacroF1;
}

function countedAccuracy({ truth, predicted, counts }: CountedAnswers): number {
  let [right, all] = [0, 0];
  for (let kind = 0; kind < counts.length; kind += 1) {
    const count = counts[kind] ?? 0;
    all += count;
    if (truth[kind] === predicted[kind]) right += count;
  }
  return right / all;
}

function countedMacroF1({ truth, predicted, counts, classes }: CountedAnswers): number {
  const hits = new Float64Array(classes);
  /** Rows of the truth plus rows of the answers: 2 TP + FP + FN. */
  const support = new Float64Array(classes);
  for (let kind = 0; kind < counts.length; kind += 1) {
    const [label, answer, count] = [truth[kind] ?? -1, predicted[kind] ?? -1, counts[kind] ?? 0];
    if (label >= 0) add(support, label, count);
    if (answer >= 0) add(support, answer, count);
    if (label === answer && label >= 0) add(hits, label, count);
  }
  let [sum, present] = [0, 0];
  for (let label = 0; label < classes; label += 1) {
    const rows = support[label] ?? 0;
    if (rows === 0) continue;
    present += 1;
    sum += (2 * (hits[label] ?? 0)) / rows;
  }
  return present === 0 ? Number.NaN : sum / present;
}

function add(into: Int32Array | Float64Array, index: number, amount: number): void {
  into[index] = (into[index] ?? 0) + amount;
}
