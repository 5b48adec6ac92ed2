import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import type { DecisionInput } from '../domain/decision.js';
import type { LifecycleStatus } from '../domain/lifecycle.js';
import { followUpSchema } from '../domain/follow-up.js';
import { carriedLiveSchema, type KnownLive } from '../domain/live-carried.js';
import type { LiveChange, LiveChangeResult } from '../domain/live-state.js';
import { digestSchema, nameSchema } from '../domain/names.js';
import type { AcceptUndo, RetryUndo, UndoRow } from '../domain/undo.js';

/** Workflow type names, as the web UI and `client/` start them. */
export const WORKFLOW_TYPES = { lifecycle: 'modelLifecycle', live: 'liveModel' } as const;

/** An answer to a hand-off, refused with a reason where it cannot be taken; resolves to who is waited for then. */
export const decide = defineUpdate<{ waitingFor: readonly string[] }, [DecisionInput]>('decide');
/** The same answer as a signal; one that cannot be taken shows in the status as a refusal. */
export const approve = defineSignal<[DecisionInput]>('approve');
/** Has undos that failed tried again; resolves when they have ended, to the ledger then. */
export const retryUndo = defineUpdate<{ ledger: readonly UndoRow[] }, [RetryUndo]>('retryUndo');
/** Closes an undo that failed as it is. */
export const acceptUndo = defineUpdate<{ ledger: readonly UndoRow[] }, [AcceptUndo]>('acceptUndo');
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
  /** The role that mends what it leaves: its follow-up is for it; `engineering` where left out. */
  owner: nameSchema.optional(),
  /** All this, signed by whoever orders it (compact JWS), where the trust file asks for it: `signOrder` makes it. */
  signature: z.string().max(8_192).optional(),
  /** The inputs that show why, for the follow-up. */
  inputs: followUpSchema.shape.inputs.optional(),
});
export type FallbackOrder = z.infer<typeof fallbackOrderSchema>;

/** An order to stop promotions, or to let them through again. */
export const freezeOrderSchema = fallbackOrderSchema.pick({ by: true, reason: true });
export type FreezeOrder = z.infer<typeof freezeOrderSchema>;

/** Why a long-lived workflow is to continue as new. */
export const moveOrderSchema = z.strictObject({
  because: z.string().trim().min(1).max(300),
});
export type MoveOrder = z.infer<typeof moveOrderSchema>;

/**
 * Promotion or its undo, by a lifecycle; the update's id names the wish. Temporal answers an id whose update has failed with that
 * failure for ever, so a wish is asked again as `<id>~<8 digits>`.
 */
export const change = defineUpdate<LiveChangeResult, [LiveChange]>('change');
/** The wish that an update's id names, whichever time it is asked. */
export function requestOf(updateId: string): string {
  return updateId.replace(/~[0-9a-f]{8}$/, '');
}

/** The emergency way back. */
export const fallback = defineUpdate<LiveChangeResult, [FallbackOrder]>('fallback');
/** Stops promotions; whoever waits for one is told when a thaw comes. */
export const freeze = defineUpdate<LiveChangeResult, [FreezeOrder]>('freeze');
/** Lets promotions through again. */
export const thaw = defineUpdate<LiveChangeResult, [FreezeOrder]>('thaw');
/** Makes what lives as long as a model continue as new on the build that is released; answered at once. */
export const moveOn = defineUpdate<unknown, [MoveOrder]>('moveOn');
/** Reads `live.json`, and takes in what was written there past `liveModel`. Input: `{}`. */
export const adopt = defineUpdate<LiveChangeResult, [object]>('adopt');
/** What `liveModel` last saw; null before its first change. */
export const live = defineQuery<KnownLive | null>('live');

export const liveModelInputSchema = z.strictObject({
  model: nameSchema,
  /** Carried from run to run; left out at the first start. */
  carried: carriedLiveSchema.optional(),
});
export type LiveModelInput = z.input<typeof liveModelInputSchema>;
