import type { FollowUp } from '../follow-up.js';

/** Opens follow-ups: durable work for a role. */
export interface FollowUps {
  /**
   * Opens it, unless one of the same model and key is open or was closed before: `opened` is false then.
   * Throws `TemporalUnreachable` (retryable).
   */
  open(followUp: FollowUp): Promise<OpenedFollowUp>;
}

export interface OpenedFollowUp {
  readonly workflowId: string;
  readonly opened: boolean;
}
