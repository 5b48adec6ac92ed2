import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import type { DecisionInput } from '../domain/decision.js';
import type { LifecycleStatus } from '../domain/lifecycle.js';
import {
  liveChangeKindSchema,
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

/** Promotion or its undo, by a lifecycle; the update's id names the wish. */
export const change = defineUpdate<LiveChangeResult, [LiveChange]>('change');
/** The emergency way back. */
export const fallback = defineUpdate<LiveChangeResult, [FallbackOrder]>('fallback');
/** What `liveModel` last saw; null before its first change. */
export const live = defineQuery<LiveChangeResult | null>('live');

const answeredSchema = z.strictObject({
  id: z.string(),
  kind: liveChangeKindSchema,
  generation: z.int(),
  live: digestSchema.nullable(),
});

export const liveModelInputSchema = z.strictObject({
  model: nameSchema,
  /** Carried from run to run; left out at the first start. */
  carried: z
    .strictObject({
      answered: z.array(answeredSchema),
      known: answeredSchema.omit({ id: true }).nullable(),
    })
    .optional(),
});
export type LiveModelInput = z.infer<typeof liveModelInputSchema>;
export type AnsweredRequest = z.infer<typeof answeredSchema>;
