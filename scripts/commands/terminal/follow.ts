import { setTimeout as pause } from 'node:timers/promises';
import type { LifecycleRow } from '../../../client/lifecycles.js';
import { PortError } from '../../../domain/failures.js';
import type { LifecycleStatus } from '../../../domain/lifecycle.js';
import { answered, type Session } from './session.js';
import type { Terminal } from './terminal.js';
import { typed } from './words.js';

const POLL_MS = 250;

/**
 * Follows a run until it has ended, or `until` holds of its status; says each new stage. Ctrl-C leaves the run as it is.
 * @param given - `atMostMs`: then it is enough, whatever the status.
 */
export async function follow(
  session: Session,
  terminal: Terminal,
  workflowId: string,
  given: { until: (status: LifecycleStatus) => boolean; atMostMs?: number },
): Promise<LifecycleRow> {
  const startedMs = performance.now();
  terminal.ifInterrupted(`interrupted; ${workflowId} goes on: ${typed('status', workflowId)}`);
  let told = '';
  for (;;) {
    const row = await session.lifecycles.find(workflowId);
    if (row === null) throw new PortError('InvalidRequest', `${workflowId} is not there any more`);
    if (row.end !== 'open') return row;
    const status = await answered(
      terminal,
      `asking ${workflowId}`,
      session.switchyard.status(workflowId),
    );
    const passedMs = performance.now() - startedMs;
    if (given.until(status) || passedMs > (given.atMostMs ?? Infinity)) return row;
    if (given.atMostMs === undefined && status.stage !== told) {
      told = status.stage;
      terminal.say(`${(passedMs / 1_000).toFixed(1).padStart(6)} s  ${told}`);
    }
    await pause(POLL_MS);
  }
}

/** True where a person is asked, so that a run goes no further by itself. */
export const waitsForSomebody = (status: LifecycleStatus): boolean => status.waitingFor.length > 0;
