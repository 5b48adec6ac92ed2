import { z } from 'zod';
import { ownMetricSchema, type OwnMetric } from './gate.js';
import { durationSchema } from './names.js';
import type { Row } from './ports/dataset-source.js';

/** A model's answer to one row. */
export interface PredictedRow {
  readonly label: string;
  readonly probability: number;
  /** Of every label, in the order of `labels`. */
  readonly probabilities: Float64Array;
}

/** What a project's metric is measured from. */
export interface MetricGiven {
  /** The held-out rows. */
  readonly rows: readonly Row[];
  /** The candidate's answers, one a row. */
  readonly predictions: readonly PredictedRow[];
  readonly labels: readonly string[];
  /** The live version's answers to the same rows; null while nothing is live. */
  readonly baseline: readonly PredictedRow[] | null;
}

/** A value with what it rests on. */
export interface MetricMeasured {
  readonly value: number;
  /** Rows that it was counted on; all of them where left out. */
  readonly sample?: number;
  /** The rows that count most against the candidate, worst first; `value` where the metric has one for each row. */
  readonly inputs?: readonly {
    readonly row: Pick<Row, 'id' | 'text'>;
    readonly detail: string;
    readonly value?: number;
  }[];
}

type Measured = number | MetricMeasured;
export type MeasureMetric = (given: MetricGiven) => Measured | Promise<Measured>;

/** A metric of the project's own, which gates may name as they name a built-in one. */
export const projectMetricSchema = z.strictObject({
  /** `statistical`: how right it is, the business of data science; `system`: how it runs, that of engineering. */
  kind: ownMetricSchema.shape.kind,
  /** Whether a gate on it sets `min` (more is better) or `max` (less is better). */
  limit: ownMetricSchema.shape.limit,
  unit: ownMetricSchema.shape.unit.default(''),
  /** Smallest and largest value that it can take; another one counts as not measured. */
  range: ownMetricSchema.shape.range,
  meaning: ownMetricSchema.shape.meaning,
  deadline: durationSchema.default('5 minutes'),
  /** A throw, a number that is not finite and a missed deadline end in the verdict `error`, never in a failed gate. */
  measure: z.custom<MeasureMetric>(
    (value) => typeof value === 'function',
    'a metric has a function measure({ rows, predictions, labels, baseline })',
  ),
});
export type ProjectMetric = z.output<typeof projectMetricSchema>;

/** What a gate on it carries. */
export function ownMetricOf({ kind, limit, unit, range, meaning }: ProjectMetric): OwnMetric {
  return { kind, limit, unit, meaning, ...(range !== undefined && { range }) };
}
