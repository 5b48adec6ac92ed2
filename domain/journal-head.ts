import { z } from 'zod';
import { digestSchema, runIdSchema } from './names.js';

/** A line's place in its chain, from 1. */
export const lineNumberSchema = z.int().min(1).max(1_000_000);

export const journalHeadSchema = z.strictObject({
  run: runIdSchema,
  line: lineNumberSchema,
  /** Of the line's bytes. */
  digest: digestSchema,
});
/** The newest line of a run's journal: it vouches for all before it. */
export type JournalHead = z.infer<typeof journalHeadSchema>;
