import { undoing } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';

/**
 * Registers the undo of whatever a run stages, checkpoints included; every stage that stages calls it first. It deletes nothing
 * of another run, since the run's id is in each key.
 */
export function registerStaging(lifecycle: Lifecycle): void {
  const { run } = lifecycle;
  lifecycle.ledger.register('staging', async () => {
    const swept = await undoing(`sweep what ${lifecycle.name} staged`).sweepStaging({ run });
    return swept === 0
      ? { end: 'already-clean', note: 'nothing was staged' }
      : { end: 'restored', note: `${swept} staged objects deleted` };
  });
}
