import { z } from 'zod';
import { durationSchema } from './names.js';

/** How long a model's objects are kept; what is live, previous or remembered by `live.json` is always kept. */
export const retentionSpecSchema = z.strictObject({
  /** Newest versions that are kept besides. */
  versions: z.int().min(1).max(10_000).default(50),
  /** What runs that have ended left in staging, and snapshots that nothing names any more. */
  staging: durationSchema.default('7 days'),
  /** Reports and evidence of versions that are gone, and judged windows. */
  reports: durationSchema.default('365 days'),
  /** The prediction log, and labels. */
  predictions: durationSchema.default('90 days'),
  /** What becomes of a forgotten person's lines of the prediction log: deleted, or kept without person, inputs and request id. */
  forgotten: z.enum(['delete', 'anonymise']).default('delete'),
});
export type RetentionSpec = z.infer<typeof retentionSpecSchema>;
