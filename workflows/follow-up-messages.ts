import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import {
  followUpSchema,
  followUpStateSchema,
  type Closed,
  type CloseOrder,
  type FollowUpState,
} from '../domain/follow-up.js';

/** The workflow's type name, as the web UI and `client/` start it. */
export const FOLLOW_UP_TYPE = 'followUp';

/** The id of a model's follow-up by its key. */
export function followUpWorkflowId(model: string, key: string): string {
  return `follow-up/${model}/${key}`;
}

/** The owner's word that it is done with; any other role is refused. */
export const close = defineUpdate<Closed, [CloseOrder]>('close');
/** All that is known of it. */
export const state = defineQuery<FollowUpState>('state');

export const followUpInputSchema = z.strictObject({
  followUp: followUpSchema,
  /** Carried from run to run; left out at the first start. What a newer build adds, an older one leaves out. */
  carried: followUpStateSchema.pick({ openedAt: true, told: true }).strip().optional(),
});
export type FollowUpInput = z.infer<typeof followUpInputSchema>;
