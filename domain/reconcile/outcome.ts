import { z } from 'zod';
import { nameSchema } from '../names.js';
import { suspectSchema } from './known.js';
import { problemKindSchema, problemSchema } from './problem.js';

/** Problems that one run does something about; the next run takes the others. */
export const PROBLEMS_AT_ONCE = 50;
const SUSPECTS_REMEMBERED = 100;

export const reconcileInputSchema = z.strictObject({
  /** Only this model; every model of the worker's configuration where left out. */
  model: nameSchema.optional(),
});
export type ReconcileInput = z.infer<typeof reconcileInputSchema>;

const lookedSchema = z.strictObject({
  models: z.int().min(0),
  versions: z.int().min(0),
  replicas: z.int().min(0),
  /** Runs that have something in staging. */
  staged: z.int().min(0),
});

export const foundSchema = z.strictObject({
  looked: lookedSchema,
  problems: z.array(problemSchema).max(PROBLEMS_AT_ONCE),
  /** Problems beyond these. */
  more: z.int().min(0),
  suspects: z.array(suspectSchema).max(SUSPECTS_REMEMBERED),
});
/** What a look found. */
export type Found = z.infer<typeof foundSchema>;

const rowSchema = z.strictObject({
  kind: problemKindSchema,
  model: nameSchema.nullable(),
  sentence: z.string().max(1_000),
  /** `already-clean`: somebody else mended it meanwhile; `failed`: it could not be mended, and is reported. */
  end: z.enum(['repaired', 'already-clean', 'reported', 'failed']),
  note: z.string().max(500),
});
/** A problem and what was done about it. */
export type ReconciledRow = z.infer<typeof rowSchema>;

export const reconcileOutcomeSchema = foundSchema
  .omit({ problems: true })
  .extend({ rows: z.array(rowSchema).max(PROBLEMS_AT_ONCE) });
/** How a run of the reconciler ended. */
export type ReconcileOutcome = z.infer<typeof reconcileOutcomeSchema>;

/** What a look found, in what one run takes. */
export function withinOneRun(found: Omit<Found, 'more'>): Found {
  return {
    ...found,
    problems: found.problems.slice(0, PROBLEMS_AT_ONCE),
    more: Math.max(0, found.problems.length - PROBLEMS_AT_ONCE),
    suspects: found.suspects.slice(0, SUSPECTS_REMEMBERED),
  };
}
