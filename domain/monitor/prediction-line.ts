import { z } from 'zod';
import { digestSchema, instantSchema } from '../names.js';

/** One row of an answered or failed request, as far as the monitor reads it of the prediction log. */
export const predictionLineSchema = z.object({
  requestId: z.string().min(1).max(1_000),
  row: z.int().min(0),
  at: instantSchema,
  version: z.int().min(1),
  digest: digestSchema,
  /** Null where the request failed, or where the model has no such output. */
  label: z.string().nullable(),
  /** Of the answered label; null too where it was no number. */
  probability: z.number().nullable(),
  /** Of the whole request. */
  latencyMs: z.number().min(0),
  /** The failure's type, or null. */
  error: z.string().nullable(),
});
export type PredictionLine = z.infer<typeof predictionLineSchema>;
