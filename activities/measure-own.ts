import { setTimeout as delay } from 'node:timers/promises';
import { durationMs } from '../domain/duration.js';
import type { Measurement } from '../domain/gate.js';
import type { Row } from '../domain/ports/dataset-source.js';
import { answerOf, type Predictions } from '../domain/predictions.js';
import type {
  MetricGiven,
  MetricMeasured,
  PredictedRow,
  ProjectMetric,
} from '../domain/project-metric.js';
import { shownInput } from '../domain/shown-input.js';
import type { ModelSpec } from '../domain/spec.js';

const SHOWN = 20;
const LONGEST_ERROR = 1_000;

/** The project's metrics by name. */
export type ProjectMetrics = Readonly<Record<string, ProjectMetric>>;

/**
 * Measures those of the project's metrics that the specification's gates name. What cannot be measured becomes a measurement
 * without a value that says why; it never rejects.
 */
export async function measureOwn(
  metrics: ProjectMetrics,
  given: {
    spec: ModelSpec;
    rows: readonly Row[];
    candidate: Predictions;
    baseline: Predictions | null;
  },
): Promise<readonly Measurement[]> {
  const { spec, rows, candidate, baseline } = given;
  const named = spec.test.gates.filter(({ own }) => own !== undefined).map(({ metric }) => metric);
  if (named.length === 0) return [];
  const input: MetricGiven = {
    rows,
    predictions: predictedRows(candidate),
    labels: candidate.labels,
    baseline: baseline === null ? null : predictedRows(baseline),
  };
  const measurements: Measurement[] = [];
  for (const name of new Set(named)) {
    const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
    measurements.push(await measureOne(name, metric, input));
  }
  return measurements;
}

async function measureOne(
  name: string,
  metric: ProjectMetric | undefined,
  given: MetricGiven,
): Promise<Measurement> {
  try {
    if (metric === undefined) throw new Error('this worker’s configuration has no such metric');
    const measured = await withinDeadline(metric, given);
    const { value, sample = given.rows.length, inputs = [] } = measured;
    return {
      metric: name,
      value: checked(value, metric),
      sample,
      inputs: inputs
        .slice(0, SHOWN)
        .map(({ row, detail, value: own }) => shownInput(row, detail, own)),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { metric: name, value: null, error: why.slice(0, LONGEST_ERROR), sample: 0, inputs: [] };
  }
}

async function withinDeadline(metric: ProjectMetric, given: MetricGiven): Promise<MetricMeasured> {
  const measuring = new AbortController();
  const late = delay(durationMs(metric.deadline), null, { signal: measuring.signal });
  try {
    const measured = await Promise.race([metric.measure(given), late]);
    if (measured === null) throw new Error(`it was not measured within ${metric.deadline}`);
    return typeof measured === 'number' ? { value: measured } : measured;
  } finally {
    measuring.abort();
    late.catch(() => undefined); // ended by the line above
  }
}

/** @throws Error where it is not finite, or outside what the metric can take. */
function checked(value: number, { range }: ProjectMetric): number {
  if (!Number.isFinite(value)) throw new Error(`measure gave ${value}, which is no finite number`);
  const [lowest, highest] = range ?? [value, value];
  if (value >= lowest && value <= highest) return value;
  throw new Error(`measure gave ${value}, outside ${lowest} to ${highest}`);
}

function predictedRows(predictions: Predictions): readonly PredictedRow[] {
  const width = predictions.labels.length;
  return Array.from(predictions.predicted, (_, row) => ({
    ...answerOf(predictions, row),
    probabilities: predictions.probabilities.subarray(row * width, (row + 1) * width),
  }));
}
