import { z } from 'zod';
import { closeFault, closeOrderSchema, followUpSchema } from '../domain/follow-up.js';
import type { FollowUps } from '../domain/ports/follow-ups.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';

export interface FollowUpPorts {
  readonly followUps: FollowUps;
  readonly trust: TrustSource;
}

const closeInputSchema = z.strictObject({
  workflowId: z.string().min(1).max(1_000),
  order: closeOrderSchema,
});

/** Work that a failure leaves to people. */
export function createFollowUpActivities({ followUps, trust }: FollowUpPorts) {
  return {
    /** Opens a follow-up, or finds the one of the same key. */
    openFollowUp: defineActivity(z.strictObject({ followUp: followUpSchema }), ({ followUp }) =>
      withHeartbeats(() => followUps.open(followUp)),
    ),
    /** Whether an order to close is signed as the trust file wants it now; `refused` says why not. */
    verifyClose: defineActivity(closeInputSchema, async ({ workflowId, order }) => {
      const given = { workflowId, trust: await trust.read(), nowMs: Date.now() };
      return { refused: closeFault(order, given) };
    }),
  };
}
