import { z } from 'zod';
import { instantSchema } from './names.js';
import { nearestName } from './nearest-name.js';

const whoSchema = z.string().trim().min(1).max(200);
const whySchema = z.string().trim().min(1).max(2_000);
const stepSchema = z.string().trim().min(1).max(200);

/** An order to try failed undos again: one step, or all of them where it is left out. */
export const retryUndoSchema = z.strictObject({
  by: whoSchema,
  reason: whySchema.optional(),
  step: stepSchema.optional(),
});
export type RetryUndo = z.infer<typeof retryUndoSchema>;

/** An order to close a failed undo as it is: a person has cleaned up, or lives with what is left. */
export const acceptUndoSchema = z.strictObject({
  step: stepSchema,
  by: whoSchema,
  reason: whySchema,
});
export type AcceptUndo = z.infer<typeof acceptUndoSchema>;

/** How an undo ended. */
export const undoRowSchema = z.strictObject({
  step: z.string(),
  end: z.enum(['restored', 'already-clean', 'conflicted', 'failed']),
  note: z.string(),
  /** Who had it tried again last. */
  retried: z.strictObject({ by: whoSchema, at: instantSchema }).optional(),
  /** Who closed it where it had failed, and why. */
  accepted: z.strictObject({ by: whoSchema, reason: whySchema, at: instantSchema }).optional(),
});
export type UndoRow = z.infer<typeof undoRowSchema>;

/** A failed undo that nobody has closed: it waits for a person. */
export function isOpenUndo({ end, accepted }: UndoRow): boolean {
  return end === 'failed' && accepted === undefined;
}

/** Undos as they stand: those that have ended, and the steps that run or are about to. */
export interface UndosNow {
  readonly rows: readonly UndoRow[];
  readonly running: readonly string[];
}

/** Why failed undos cannot be tried again, in one sentence, or null where they can. */
export function refusalOfRetry({ step }: RetryUndo, now: UndosNow): string | null {
  if (step !== undefined) return refusalOfStep(step, now);
  const open = now.rows.filter(isOpenUndo);
  if (open.length === 0) return `no undo waits for a person${whatRuns(now)}`;
  const idle = open.filter((row) => !now.running.includes(row.step));
  return idle.length === 0 ? 'what failed is being tried again just now; wait for its end' : null;
}

/** Why a failed undo cannot be closed as it is, in one sentence, or null where it can. */
export function refusalOfAccept({ step }: AcceptUndo, now: UndosNow): string | null {
  return refusalOfStep(step, now);
}

function refusalOfStep(step: string, now: UndosNow): string | null {
  if (now.running.includes(step)) {
    return `the undo of "${step}" runs just now; wait for its end`;
  }
  const row = now.rows.find((each) => each.step === step);
  if (row === undefined) return unknownStep(step, now);
  if (row.end !== 'failed') return `the undo of "${step}" has not failed: it ended ${row.end}`;
  if (row.accepted === undefined) return null;
  const { by, at } = row.accepted;
  return `the undo of "${step}" was accepted as it is by ${by} at ${at}`;
}

function unknownStep(step: string, now: UndosNow): string {
  const open = now.rows.filter(isOpenUndo).map((row) => row.step);
  if (open.length === 0) return `no undo waits for a person${whatRuns(now)}`;
  const nearest = nearestName(step, open);
  const hint =
    nearest === null
      ? `these failed: ${open.map((each) => `"${each}"`).join(', ')}`
      : `did you mean "${nearest}"?`;
  return `no step "${step}" was undone here; ${hint}`;
}

function whatRuns({ rows, running }: UndosNow): string {
  if (running.length > 0) return `; running is the undo of ${running.join(', ')}`;
  return rows.length === 0 ? ': nothing was undone' : '';
}
