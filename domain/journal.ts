import { z } from 'zod';
import { recordedDecisionSchema } from './decision.js';
import { lineNumberSchema } from './journal-head.js';
import { lifecycleRequestSchema } from './lifecycle.js';
import {
  digestSchema,
  instantSchema,
  nameSchema,
  runIdSchema,
  versionNumberSchema,
} from './names.js';
import { trustSchema } from './signing/trust.js';
import { undoRowSchema } from './undo.js';

export const journalEntrySchema = z.discriminatedUnion('kind', [
  /** The request, with its signature where somebody signed it. */
  z.strictObject({ kind: z.literal('started'), request: lifecycleRequestSchema }),
  /** An answer that was accepted, whatever came of it. */
  z.strictObject({ kind: z.literal('decided'), decision: recordedDecisionSchema }),
  /** People approved in an emergency, in the place of the roles that were asked. */
  z.strictObject({
    kind: z.literal('glass-broken'),
    by: z.array(z.string().max(200)).max(20),
    insteadOf: z.array(nameSchema).max(20),
  }),
  z.strictObject({ kind: z.literal('undone'), row: undoRowSchema }),
  z.strictObject({
    kind: z.literal('ended'),
    outcome: z.enum([
      ...(['live', 'rejected', 'refused', 'expired', 'superseded'] as const),
      ...(['cancelled', 'failed'] as const),
    ]),
    reason: z.string().max(2_000).nullable(),
    version: versionNumberSchema.nullable(),
    digest: digestSchema.nullable(),
    /** The last evidence that was on the table. */
    evidence: digestSchema.nullable(),
  }),
]);
/** What happened in a lifecycle. */
export type JournalEntry = z.infer<typeof journalEntrySchema>;

const chained = {
  schemaVersion: z.literal(1),
  /** Its place in its chain, from 1. */
  line: lineNumberSchema,
  /** Digest of the line before it; null in the first. */
  previous: digestSchema.nullable(),
  /** When it was written, by its writer's clock. */
  at: instantSchema,
  /** Its writer's signature (compact JWS); null where the installation has no witness. */
  seal: z.string().max(8_192).nullable(),
};

export const journalLineSchema = z.strictObject({
  ...chained,
  model: nameSchema,
  workflowId: z.string().min(1).max(1_000),
  /** The run that wrote it, which only Temporal can say. A run that a reset began goes on after the line at which it was reset. */
  run: runIdSchema,
  /** Digest of the trust file at that time; null: decisions were not signed. */
  trust: digestSchema.nullable(),
  entry: journalEntrySchema,
});
/** One line of a lifecycle's journal. */
export type JournalLine = z.infer<typeof journalLineSchema>;

export const trustLineSchema = z.strictObject({
  ...chained,
  digest: digestSchema,
  trust: trustSchema,
});
/** What the trust file came to be: written by whoever writes a journal's line and finds it changed. */
export type TrustLine = z.infer<typeof trustLineSchema>;
