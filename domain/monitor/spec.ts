import { z } from 'zod';
import { durationMs } from '../duration.js';
import type { Owner } from '../metrics.js';
import { durationSchema } from '../names.js';

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
export type MonitorMetric = (typeof MONITOR_METRICS)[number];

/** What the monitor can do about a check that fails, the gentlest first. */
export const MONITOR_ACTIONS = ['ask', 'retrain', 'fall-back'] as const;
export const monitorActionSchema = z.enum(MONITOR_ACTIONS);
export type MonitorAction = z.infer<typeof monitorActionSchema>;

const checkSchema = z.strictObject({
  metric: z.enum(MONITOR_METRICS),
  /** The smallest or largest value that is still healthy. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** Failed windows in a row before anything is done. */
  consecutive: z.int().min(1).max(100).default(1),
  /**
   * What is done then: back to the previous version, a retraining, or a question to people. Left out: a question, or for a drift
   * check a retraining where `retrain.onDrift` is set.
   */
  then: monitorActionSchema.optional(),
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

/** Whose business a failed check is. */
export function monitorOwnerOf(metric: MonitorMetric): Owner {
  return isDrift(metric) || metric === 'accuracy' ? 'data-science' : 'engineering';
}

/** Whether a metric compares a window with the version's reference profile. */
export function isDrift(metric: MonitorMetric): boolean {
  return metric === 'class-drift' || metric === 'score-drift';
}

/** What is wrong with it, beyond its shape. */
export function monitorProblems(spec: MonitorSpec | undefined): readonly string[] {
  if (spec === undefined) return [];
  const everyMs = durationMs(spec.every);
  const length =
    everyMs < 1_000 || everyMs % 1_000 !== 0
      ? [`monitor.every is ${spec.every}: a window is a whole number of seconds, at least 1`]
      : [];
  return [...length, ...spec.checks.flatMap(checkProblems)];
}

function checkProblems({ metric, min, max }: MonitorCheck): readonly string[] {
  if (min === undefined && max === undefined) {
    return [`the check on ${metric} has no limit: give it min or max`];
  }
  if (min !== undefined && max !== undefined && min > max) {
    return [`the check on ${metric} has min ${min} above max ${max}: nothing passes it`];
  }
  return [];
}
