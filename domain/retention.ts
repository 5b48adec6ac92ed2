import { z } from 'zod';
import { durationSchema } from './names.js';

/** How long a model's objects are kept; what is live, previous or remembered by `live.json` is always kept. */
export const retentionSpecSchema = z.strictObject({
  /** Newest versions that are kept besides. */
  versions: z.int().min(1).max(10_000).default(50),
  /** What runs that have ended left in staging. */
  staging: durationSchema.default('7 days'),
  /** Reports and evidence of versions that are gone. */
  reports: durationSchema.default('365 days'),
  predictions: durationSchema.default('90 days'),
});
export type RetentionSpec = z.infer<typeof retentionSpecSchema>;
