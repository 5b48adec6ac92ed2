import { z } from 'zod';
import { durationMs } from '../duration.js';
import { isDrift } from './spec.js';
import type { ModelSpec } from '../spec.js';
import { plannedCheckSchema } from './window.js';

const lengthMs = z.number().min(1);

/** What the monitor does for a model: its specification's two sections in milliseconds, every default settled. */
export const monitorPlanSchema = z.strictObject({
  /** Null: windows are not judged. */
  windows: z
    .strictObject({
      everyMs: lengthMs,
      delayMs: z.number().min(0),
      minSample: z.int().min(1),
      labelsWithinMs: z.number().min(0),
      alertAfterSilent: z.int().min(1),
      checks: z.array(plannedCheckSchema).max(20),
    })
    .nullable(),
  /** Null: the data source is not looked at. */
  newData: z.strictObject({ checkMs: lengthMs, minRows: z.int().min(1) }).nullable(),
});
export type MonitorPlan = z.infer<typeof monitorPlanSchema>;
export type WindowPlan = NonNullable<MonitorPlan['windows']>;

/** The plan of a specification; null where nothing of it is the monitor's. */
export function monitorPlanOf({ monitor, retrain }: ModelSpec): MonitorPlan | null {
  const { onNewData, onDrift } = retrain;
  if (monitor === undefined && onNewData === undefined) return null;
  return {
    windows:
      monitor === undefined
        ? null
        : {
            everyMs: durationMs(monitor.every),
            delayMs: durationMs(monitor.delay),
            minSample: monitor.minSample,
            labelsWithinMs: durationMs(monitor.labelsWithin),
            alertAfterSilent: monitor.alertAfterSilent,
            checks: monitor.checks.map(({ then, ...check }) => ({
              ...check,
              then: then ?? (onDrift && isDrift(check.metric) ? 'retrain' : 'ask'),
            })),
          },
    newData:
      onNewData === undefined
        ? null
        : { checkMs: durationMs(onNewData.check), minRows: onNewData.minRows },
  };
}
