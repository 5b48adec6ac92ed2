import { ActivityFailure, CancellationScope, log } from '@temporalio/workflow';
import { bookkeeping } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';

/** Deletes what a lifecycle that went live left in staging. What cannot be deleted now is left to a sweep: the version serves. */
export async function cleanUp(lifecycle: Lifecycle): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      bookkeeping(`sweep what ${lifecycle.name} staged`).sweepStaging({ run: lifecycle.run }),
    );
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('staging was not swept', { run: lifecycle.run, cause: error.cause?.message });
  }
}
