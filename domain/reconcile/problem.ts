import { z } from 'zod';
import { digestOfJson } from '../digest.js';
import { digestSchema, nameSchema, versionNumberSchema } from '../names.js';

/**
 * What can be half done, by kind. Repaired: `half-deploy` (what a run promoted that was terminated, timed out, or reset),
 * `orphaned-staging`, `unfinished-version` (a directory without a manifest), `live-model-behind` (`liveModel` does not know what
 * `live.json` says). Reported to people: the others, and a repair that could not be done.
 */
export const problemKindSchema = z.enum([
  'half-deploy',
  'orphaned-staging',
  'unfinished-version',
  'live-model-behind',
  'replica-behind',
  'live-incomplete',
  'live-unproven',
  'live-went-back',
  'unreadable',
]);
export type ProblemKind = z.infer<typeof problemKindSchema>;

/** How a problem is mended; `report`: only people can. */
export const remedySchema = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('undo-promotion'),
    promoted: digestSchema,
    before: digestSchema.nullable(),
    promotion: z.string().min(1).max(200),
    /** Of `live.json` when it was found. */
    generation: z.int().min(1),
  }),
  z.strictObject({ do: z.literal('sweep') }),
  z.strictObject({ do: z.literal('adopt') }),
  z.strictObject({ do: z.literal('report') }),
]);
export type Remedy = z.infer<typeof remedySchema>;

export const problemSchema = z.strictObject({
  kind: problemKindSchema,
  /** Null: of no model that is known, such as what a forgotten run staged. */
  model: nameSchema.nullable(),
  /** What tells it from others of its kind and model: a key, a replica, a run; the same as long as it is the same problem. */
  what: z.string().min(1).max(300),
  /** What is wrong, expected against found. */
  sentence: z.string().min(1).max(1_000),
  remedy: remedySchema,
  /** The role that is told where it is reported. */
  owner: nameSchema,
  subject: z.strictObject({
    version: versionNumberSchema.nullable(),
    digest: digestSchema.nullable(),
    generation: z.int().min(0).nullable(),
  }),
});
/** Something that is not as it must be, and what is done about it. */
export type Problem = z.infer<typeof problemSchema>;

/** The same name for the same problem at every look, within the grammar of names: `half-deploy-0123456789ab`. */
export function problemName({ kind, model, what }: Problem): string {
  return `${kind}-${digestOfJson({ kind, model, what }).slice(0, 12)}`;
}
