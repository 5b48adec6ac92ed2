import { z } from 'zod';
import { followUpSchema } from '../domain/follow-up.js';
import type { FollowUps } from '../domain/ports/follow-ups.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';

export interface FollowUpPorts {
  readonly followUps: FollowUps;
}

/** Work that a failure leaves to people. */
export function createFollowUpActivities({ followUps }: FollowUpPorts) {
  return {
    /** Opens a follow-up, or finds the one of the same key. */
    openFollowUp: defineActivity(z.strictObject({ followUp: followUpSchema }), ({ followUp }) =>
      withHeartbeats(() => followUps.open(followUp)),
    ),
  };
}
