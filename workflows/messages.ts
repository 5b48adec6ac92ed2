import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import type { DecisionInput } from '../domain/decision.js';
import type { LifecycleStatus } from '../domain/lifecycle.js';
import { liveNoteSchema, NOTES_KEPT } from '../domain/live-details.js';
import {
  liveChangeResultSchema,
  livePictureSchema,
  type LiveChange,
  type LiveChangeResult,
} from '../domain/live-state.js';
import { digestSchema, nameSchema } from '../domain/names.js';

/** Workflow type names, as the web UI and `client/` start them. */
export const WORKFLOW_TYPES = { lifecycle: 'modelLifecycle', live: 'liveModel' } as const;

/** An answer to a hand-off, refused with a reason where it cannot be taken; resolves to who is waited for then. */
export const decide = defineUpdate<{ waitingFor: readonly string[] }, [DecisionInput]>('decide');
/** The same answer as a signal; one that cannot be taken shows in the status as a refusal. */
export const approve = defineSignal<[DecisionInput]>('approve');
export const status = defineQuery<LifecycleStatus>('status');
/** Says that what a lifecycle waits for may have come, such as the end of a freeze: it tries at once instead of later. */
export const lookAgain = defineSignal<[{ because: string }]>('lookAgain');

/** The id of a model's `liveModel`. */
export function liveWorkflowId(model: string): string {
  return `live/${model}`;
}

/** An order to go back to the previous version. */
export const fallbackOrderSchema = z.strictObject({
  /** Digest of the version to leave; the order does nothing where that is not live any more. */
  leaving: digestSchema,
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
});
export type FallbackOrder = z.infer<typeof fallbackOrderSchema>;

/** An order to stop promotions, or to let them through again. */
export const freezeOrderSchema = fallbackOrderSchema.omit({ leaving: true });
export type FreezeOrder = z.infer<typeof freezeOrderSchema>;

/** Promotion or its undo, by a lifecycle; the update's id names the wish. */
export const change = defineUpdate<LiveChangeResult, [LiveChange]>('change');
/** The emergency way back. */
export const fallback = defineUpdate<LiveChangeResult, [FallbackOrder]>('fallback');
/** Stops promotions; whoever waits for one is told when a thaw comes. */
export const freeze = defineUpdate<LiveChangeResult, [FreezeOrder]>('freeze');
/** Lets promotions through again. */
export const thaw = defineUpdate<LiveChangeResult, [FreezeOrder]>('thaw');
/** What `liveModel` last saw; null before its first change. */
export const live = defineQuery<KnownLive | null>('live');

const answeredSchema = liveChangeResultSchema.extend({ id: z.string() });
const knownSchema = liveChangeResultSchema.extend({
  /** Null in what was carried before pictures existed. */
  picture: livePictureSchema.nullable().default(null),
});
/** The last answer, and what `live.json` held after it. */
export type KnownLive = z.infer<typeof knownSchema>;

export const liveModelInputSchema = z.strictObject({
  model: nameSchema,
  /** Carried from run to run; left out at the first start. */
  carried: z
    .strictObject({
      answered: z.array(answeredSchema),
      known: knownSchema.nullable(),
      notes: z.array(liveNoteSchema).max(NOTES_KEPT).default([]),
      /** Workflows whose promotion a freeze stopped, to be told of the thaw. */
      stopped: z.array(z.string()).default([]),
    })
    .optional(),
});
export type LiveModelInput = z.input<typeof liveModelInputSchema>;
export type CarriedLive = NonNullable<z.output<typeof liveModelInputSchema>['carried']>;
export type AnsweredRequest = z.infer<typeof answeredSchema>;
