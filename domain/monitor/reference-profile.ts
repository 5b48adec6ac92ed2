import { z } from 'zod';
import { digestSchema, nameSchema } from '../names.js';
import type { Row } from '../ports/dataset-source.js';
import { answerOf, type Predictions } from '../predictions.js';

/** Into how many parts of equal size the reference's scores are cut. */
const PARTS = 10;

/** What a version answered to the held-out rows of its test: what windows of the prediction log are compared with. */
export const referenceProfileSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  manifest: digestSchema,
  /** Digest of the held-out snapshot. */
  heldOut: digestSchema,
  rows: z.int().min(1),
  /** Share of the rows whose label is right. */
  accuracy: z.number().min(0).max(1),
  /** How often each label of the contract was answered, in the contract's order. */
  classes: z
    .array(z.strictObject({ label: z.string().min(1).max(200), count: z.int().min(0) }))
    .min(2)
    .max(10_000),
  /** The answers' own probabilities in bins: `(-inf, e0]`, `(e0, e1]`, …, `(last, inf)`; one count more than edges. */
  scores: z.strictObject({
    edges: z.array(z.number()).max(PARTS - 1),
    counts: z.array(z.int().min(0)).min(1).max(PARTS),
  }),
});
export type ReferenceProfile = z.infer<typeof referenceProfileSchema>;

/**
 * A version's reference profile. A score that is not finite has no bin and is left out of the scores' counts.
 * Null where there are no rows.
 */
export function referenceProfileOf(given: {
  model: string;
  manifest: string;
  heldOut: string;
  rows: readonly Row[];
  predictions: Predictions;
}): ReferenceProfile | null {
  const { model, manifest, heldOut, rows, predictions } = given;
  if (rows.length === 0) return null;
  const answers = rows.map((_, row) => answerOf(predictions, row));
  const scores = answers.map(({ probability }) => probability).filter(Number.isFinite);
  const edges = decileEdges(scores);
  const right = answers.filter(({ label }, row) => label === rows[row]?.label).length;
  const perLabel = new Map<string, number>();
  for (const { label } of answers) perLabel.set(label, (perLabel.get(label) ?? 0) + 1);
  return {
    schemaVersion: 1,
    model,
    manifest,
    heldOut,
    rows: rows.length,
    accuracy: right / rows.length,
    classes: predictions.labels.map((label) => ({ label, count: perLabel.get(label) ?? 0 })),
    scores: { edges: [...edges], counts: [...binCounts(edges, scores)] },
  };
}

/**
 * The deciles by nearest rank, each once, without the largest value: scores that are equal lie in one bin, and no bin is empty in
 * the reference itself.
 */
export function decileEdges(scores: readonly number[]): readonly number[] {
  const sorted = Float64Array.from(scores).sort();
  const largest = sorted.at(-1);
  const edges = new Set<number>();
  for (let part = 1; part < PARTS; part += 1) {
    const edge = sorted[Math.ceil((part * sorted.length) / PARTS) - 1];
    if (edge !== undefined && edge !== largest) edges.add(edge);
  }
  return [...edges];
}

/** The bin of a score: how many edges lie below it. */
export function binOf(edges: readonly number[], score: number): number {
  let bin = 0;
  while (bin < edges.length && score > (edges[bin] ?? Number.POSITIVE_INFINITY)) bin += 1;
  return bin;
}

/** How many scores lie in each bin. */
export function binCounts(edges: readonly number[], scores: readonly number[]): readonly number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const score of scores) {
    const bin = binOf(edges, score);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
