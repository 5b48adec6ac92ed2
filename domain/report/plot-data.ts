import { z } from 'zod';
import { digestSchema, nameSchema } from '../names.js';

/** Labels of a confusion matrix, the one that pools the rest apart. */
export const LABELS_SHOWN = 50;
/** Bins of the calibration, of equal width. */
export const CALIBRATION_BINS = 10;
/** Bins of the latencies, of equal width on a logarithmic scale. */
export const LATENCY_BINS = 24;
/** Batches whose memory is kept. */
export const BATCHES_SHOWN = 32;

const countSchema = z.int().min(0);

/** How a version's answers to the held-out rows are distributed. */
export const qualityPlotsSchema = z.strictObject({
  /** Row k, column j: how many rows of label k were answered j. */
  confusion: z
    .strictObject({
      /** With more labels than can be shown the last one pools the rest. */
      labels: z.array(z.string().max(200)).max(LABELS_SHOWN + 1),
      /** How many labels the last one pools; 0: it is a label like the others. */
      pooled: countSchema,
      counts: z.array(z.array(countSchema).max(LABELS_SHOWN + 1)).max(LABELS_SHOWN + 1),
    })
    .nullable(),
  /** By the answer's own probability, in bins ((m-1)/10, m/10]: rows, how many are right, and their mean probability. */
  calibration: z
    .array(
      z.strictObject({ rows: countSchema, right: countSchema, confidence: z.number().nullable() }),
    )
    .length(CALIBRATION_BINS)
    .nullable(),
  /** Rows by who of candidate and baseline is right; null without a baseline. */
  against: z
    .strictObject({
      ...{ bothRight: countSchema, onlyCandidate: countSchema },
      ...{ onlyBaseline: countSchema, bothWrong: countSchema },
      /** The baseline's on the same rows. */
      accuracy: z.number(),
      macroF1: z.number(),
    })
    .nullable(),
});
export type QualityPlots = z.infer<typeof qualityPlotsSchema>;

/** How a version's runs are distributed. */
export const systemPlotsSchema = z.strictObject({
  /** Rows by the time of one row: one edge more than counts. */
  latency: z
    .strictObject({
      edgesMs: z.array(z.number()).max(LATENCY_BINS + 1),
      counts: z.array(countSchema).max(LATENCY_BINS),
    })
    .nullable(),
  /** The process's peak after each batch, from the shortest rows to the longest. */
  memory: z
    .array(
      z.strictObject({ rows: countSchema, longestBytes: countSchema, peakRssBytes: countSchema }),
    )
    .max(BATCHES_SHOWN),
});
export type SystemPlots = z.infer<typeof systemPlotsSchema>;

/** What a report's plots are drawn of; it lies beside the test report, which names its digest. Counts only, no rows. */
export const plotDataSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  manifest: digestSchema,
  quality: qualityPlotsSchema.nullable(),
  system: systemPlotsSchema.nullable(),
});
export type PlotData = z.infer<typeof plotDataSchema>;
