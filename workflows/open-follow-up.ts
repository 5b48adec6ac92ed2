import { ActivityFailure, CancellationScope, log } from '@temporalio/workflow';
import type { FollowUp } from '../domain/follow-up.js';
import { bookkeeping } from './activity-options.js';
import { count } from './measure.js';

/**
 * Opens a follow-up, also while the run is being cancelled. One that cannot be opened after a minute of tries is logged and counted
 * and stops nothing.
 */
export async function openFollowUp(followUp: FollowUp): Promise<void> {
  const { model, key, cause, owner, title } = followUp;
  const summary = `for ${owner}: ${title}`.slice(0, 200);
  try {
    const { opened } = await CancellationScope.nonCancellable(() =>
      bookkeeping(summary).openFollowUp({ followUp }),
    );
    count('switchyard_follow_ups', { model, cause, end: opened ? 'opened' : 'known' });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const why = error.cause?.message ?? error.message;
    log.warn('a follow-up could not be opened', { model, key, cause, owner, title, why });
    count('switchyard_follow_ups', { model, cause, end: 'failed' });
  }
}
