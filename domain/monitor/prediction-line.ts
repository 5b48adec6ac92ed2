import { z } from 'zod';
import { digestSchema, instantSchema } from '../names.js';

/** One row of an answered or failed request, as the prediction log holds it; what else a line says is left out. */
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

/** A line of the log, or null where it is none: torn, no JSON, or of another shape. */
export function parsePredictionLine(text: string): PredictionLine | null {
  try {
    const parsed = predictionLineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // not JSON
  }
}
