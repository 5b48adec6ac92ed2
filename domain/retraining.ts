import { z } from 'zod';
import { durationSchema } from './names.js';

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
  /** What a due start does while the one before it still runs; as Temporal Schedules have it. */
  overlap: z
    .enum(['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'allow-all'])
    .default('skip'),
  /** Starts that were missed while the server was down are made up for, if they are not older. */
  catchUp: durationSchema.default('1 hour'),
});
export type RetrainSpec = z.infer<typeof retrainSpecSchema>;

/** What is wrong with it, beyond its shape. */
export function retrainProblems({ every, cron }: RetrainSpec): readonly string[] {
  return every !== undefined && cron !== undefined
    ? ['retrain has both every and cron: choose one']
    : [];
}
