import { z } from 'zod';
import { cronProblem } from './cron.js';
import { durationMs } from './duration.js';
import { isDrift, type MonitorSpec } from './monitor/spec.js';
import { durationSchema } from './names.js';

/** A schedule never starts more often than this. */
const SHORTEST_EVERY_MS = 1_000;

/** When a model is trained again without anybody asking. */
export const retrainSpecSchema = z.strictObject({
  /** At every such interval; a Temporal Schedule. Not together with `cron`. */
  every: durationSchema.optional(),
  /** Five to seven cron fields in UTC; a Temporal Schedule. */
  cron: z.string().trim().min(1).max(200).optional(),
  /** When the data source has new rows; looked at by the monitor. */
  onNewData: z
    .strictObject({
      check: durationSchema.default('1 hour'),
      /** New rows that are worth a training. */
      minRows: z.int().min(1).default(100),
    })
    .optional(),
  /** When a drift check of the monitor fails that says nothing else. */
  onDrift: z.boolean().default(false),
  /** What a due start does while the one before it still runs; as Temporal Schedules have it. The monitor's own starts always skip. */
  overlap: z
    .enum(['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'allow-all'])
    .default('skip'),
  /** Starts that were missed while the server was down are made up for, if they are not older. */
  catchUp: durationSchema.default('1 hour'),
});
export type RetrainSpec = z.infer<typeof retrainSpecSchema>;

/** What is wrong with it, beyond its shape. `monitor` is the same model's, which looks at drift. */
export function retrainProblems(
  { every, cron, onNewData, onDrift }: RetrainSpec,
  monitor?: MonitorSpec,
): readonly string[] {
  const problems: string[] = [];
  if (every !== undefined && cron !== undefined) {
    problems.push('retrain has both every and cron: choose one');
  }
  if (every !== undefined && durationMs(every) < SHORTEST_EVERY_MS) {
    problems.push(`retrain.every is ${every}, at least 1 second is possible`);
  }
  if (onNewData !== undefined && durationMs(onNewData.check) < SHORTEST_EVERY_MS) {
    problems.push(`retrain.onNewData.check is ${onNewData.check}, at least 1 second is possible`);
  }
  const wrongCron = cron === undefined ? null : cronProblem(cron);
  if (wrongCron !== null) problems.push(wrongCron);
  if (onDrift && monitor?.checks.some(({ metric }) => isDrift(metric)) !== true) {
    problems.push('retrain.onDrift needs a monitor with a check on class-drift or score-drift');
  }
  return problems;
}
