import { answerOf, type Predictions } from '../predictions.js';
import { accuracy, macroF1 } from '../statistics.js';
import {
  BATCHES_SHOWN,
  CALIBRATION_BINS,
  LABELS_SHOWN,
  LATENCY_BINS,
  type QualityPlots,
  type SystemPlots,
} from './plot-data.js';

/** Times below this, in ms, are no times but a clock's step. */
const SHORTEST_MS = 0.001;
const OTHERS = 'all others';

/** How the answers to held-out rows are distributed; all null where there are no rows. */
export function measureQualityPlots(given: {
  readonly rows: readonly { readonly label: string }[];
  readonly candidate: Predictions;
  readonly baseline: Predictions | null;
}): QualityPlots {
  const { rows, candidate, baseline } = given;
  if (rows.length === 0) return { confusion: null, calibration: null, against: null };
  const labels = [...new Set([...candidate.labels, ...rows.map(({ label }) => label)])];
  const place = new Map(labels.map((label, at) => [label, at]));
  const truth = Int32Array.from(rows, ({ label }) => place.get(label) ?? -1);
  const answersOf = (predictions: Predictions) =>
    Int32Array.from(rows, (_, row) => place.get(answerOf(predictions, row).label) ?? -1);
  const answered = answersOf(candidate);
  return {
    confusion: confusionOf(labels, truth, answered),
    calibration: calibrationOf(rows, candidate),
    against:
      baseline === null ? null : againstOf({ truth, answered, other: answersOf(baseline), labels }),
  };
}

/** Labels with the most rows, in their order; the rest as one. Labels of no row are left out. */
function confusionOf(
  labels: readonly string[],
  truth: Int32Array,
  answered: Int32Array,
): QualityPlots['confusion'] {
  const rowsOf = new Map<number, number>();
  for (const label of [...truth, ...answered]) rowsOf.set(label, (rowsOf.get(label) ?? 0) + 1);
  const kept = [...rowsOf]
    .sort(([one, rows], [other, more]) => more - rows || one - other)
    .slice(0, LABELS_SHOWN)
    .map(([label]) => label)
    .sort((one, other) => one - other);
  const pooled = rowsOf.size - kept.length;
  const size = kept.length + (pooled > 0 ? 1 : 0);
  const place = new Map(kept.map((label, at) => [label, at]));
  const counts = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const [row, label] of truth.entries()) {
    const line = counts[place.get(label) ?? kept.length];
    const column = place.get(answered[row] ?? -1) ?? kept.length;
    if (line !== undefined) line[column] = (line[column] ?? 0) + 1;
  }
  const names = kept.map((label) => (labels[label] ?? '').slice(0, 200).toWellFormed());
  return { labels: pooled > 0 ? [...names, OTHERS] : names, pooled, counts };
}

/** Null where a probability is no number: then no bin is the right one. */
function calibrationOf(
  rows: readonly { readonly label: string }[],
  candidate: Predictions,
): QualityPlots['calibration'] {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ rows: 0, right: 0, sum: 0 }));
  for (const [row, { label: truth }] of rows.entries()) {
    const { label, probability } = answerOf(candidate, row);
    if (!Number.isFinite(probability)) return null;
    const place = Math.ceil(probability * CALIBRATION_BINS) - 1;
    const bin = bins[Math.min(Math.max(place, 0), CALIBRATION_BINS - 1)];
    if (bin === undefined) continue;
    bin.rows += 1;
    bin.sum += probability;
    if (label === truth) bin.right += 1;
  }
  return bins.map(({ rows: count, right, sum }) => ({
    ...{ rows: count, right, confidence: count === 0 ? null : sum / count },
  }));
}

function againstOf(given: {
  truth: Int32Array;
  answered: Int32Array;
  other: Int32Array;
  labels: readonly string[];
}): QualityPlots['against'] {
  const { truth, answered, other, labels } = given;
  const rows = { bothRight: 0, onlyCandidate: 0, onlyBaseline: 0, bothWrong: 0 };
  for (const [row, label] of truth.entries()) {
    const [isRight, wasRight] = [answered[row] === label, other[row] === label];
    if (isRight) rows[wasRight ? 'bothRight' : 'onlyCandidate'] += 1;
    else rows[wasRight ? 'onlyBaseline' : 'bothWrong'] += 1;
  }
  return {
    ...rows,
    accuracy: accuracy(truth, other),
    macroF1: macroF1(truth, other, labels.length),
  };
}

/** Times of single rows in bins of equal width on a logarithmic scale; null where there are none. */
export function latencyHistogram(timesMs: ArrayLike<number>): SystemPlots['latency'] {
  const times = Array.from(timesMs, (time) => Math.max(time, SHORTEST_MS)).filter(Number.isFinite);
  if (times.length === 0) return null;
  const lowest = times.reduce((least, time) => Math.min(least, time));
  const highest = times.reduce((most, time) => Math.max(most, time));
  const bins = highest > lowest ? LATENCY_BINS : 1;
  const step = Math.log(highest / lowest) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const time of times) {
    const bin = step === 0 ? 0 : Math.min(Math.floor(Math.log(time / lowest) / step), bins - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const edgesMs = Array.from({ length: bins + 1 }, (_, edge) =>
    Number((lowest * Math.exp(step * edge)).toPrecision(4)),
  );
  return { edgesMs, counts };
}

/** As many batches as are kept, the longest rows always among them. */
export function keptBatches(batches: SystemPlots['memory']): SystemPlots['memory'] {
  const every = Math.ceil(batches.length / BATCHES_SHOWN);
  return batches.filter((_, batch) => (batches.length - 1 - batch) % every === 0);
}
