import { z } from 'zod';
import { durationSchema } from './names.js';

/** What the monitor can measure of a window of the prediction log. */
export const MONITOR_METRICS = [
  'requests',
  'error-rate',
  'latency-p50-ms',
  'latency-p99-ms',
  'class-drift',
  'score-drift',
  'accuracy',
] as const;

const checkSchema = z.strictObject({
  metric: z.enum(MONITOR_METRICS),
  /** The smallest or largest value that is still healthy. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** Failed windows in a row before anything is done. */
  consecutive: z.int().min(1).max(100).default(1),
  /** What is done then: back to the previous version, a retraining, or a question to people. */
  then: z.enum(['fall-back', 'retrain', 'ask']).default('ask'),
});
export type MonitorCheck = z.infer<typeof checkSchema>;

/** How what serves is watched. */
export const monitorSpecSchema = z.strictObject({
  /** Length of a window. */
  every: durationSchema.default('1 hour'),
  /** How long after a window's end it is read, so that late lines are in it. */
  delay: durationSchema.default('1 minute'),
  /** Fewer rows than this in a window: inconclusive. */
  minSample: z.int().min(1).default(100),
  /** How long after a window its labels are waited for. */
  labelsWithin: durationSchema.default('7 days'),
  checks: z.array(checkSchema).max(20).default([]),
  /** Windows in a row without a verdict before people are told. */
  alertAfterSilent: z.int().min(1).max(1_000).default(4),
});
export type MonitorSpec = z.infer<typeof monitorSpecSchema>;

/** What is wrong with it, beyond its shape. */
export function monitorProblems(spec: MonitorSpec | undefined): readonly string[] {
  return (spec?.checks ?? [])
    .filter(({ min, max }) => min === undefined && max === undefined)
    .map(({ metric }) => `the check on ${metric} has no limit: give it min or max`);
}
