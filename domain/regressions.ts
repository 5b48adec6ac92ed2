import { z } from 'zod';
import type { Gate, Measurement } from './gate.js';
import { snapshotRefSchema } from './lifecycle.js';
import { instantSchema, nameSchema } from './names.js';
import type { Row } from './ports/dataset-source.js';
import type { Predictions } from './predictions.js';
import { mistakes } from './quality.js';

/** Measured where follow-ups have left rows. */
const METRIC = 'regressions';

export const regressionsSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  /** Of the follow-up that left them. */
  key: nameSchema,
  /** The rows, a snapshot of their own. */
  snapshot: snapshotRefSchema,
  by: z.string().max(200),
  reason: z.string().max(2_000),
  at: instantSchema,
});
/** Rows that a candidate once got wrong, and that every later one must answer right: they stay until somebody drops them. */
export type Regressions = z.infer<typeof regressionsSchema>;

/** How many of these rows a candidate gets wrong. */
export function measureRegressions(rows: readonly Row[], candidate: Predictions): Measurement {
  const wrong = mistakes(rows, candidate, { atMost: rows.length });
  return { metric: METRIC, value: wrong.length, sample: rows.length, inputs: wrong.slice(0, 20) };
}

/** What it says where they cannot be read. */
export function unreadRegressions(error: string): Measurement {
  return { metric: METRIC, value: null, error: error.slice(0, 1_000), sample: 0, inputs: [] };
}

/** The gates of a specification, and where there are such rows one on them: none may be wrong, unless the specification says otherwise. */
export function withRegressions(
  gates: readonly Gate[],
  measurements: readonly Measurement[],
): readonly Gate[] {
  const isMeasured = measurements.some(({ metric }) => metric === METRIC);
  const isAsked = gates.some(({ metric }) => metric === METRIC);
  return isMeasured && !isAsked ? [...gates, { metric: METRIC, max: 0, minSample: 1 }] : gates;
}
