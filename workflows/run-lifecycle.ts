import { isCancellation, setHandler } from '@temporalio/workflow';
import {
  lifecycleRequestSchema,
  type LifecycleOutcome,
  type LifecycleRequest,
} from '../domain/lifecycle.js';
import { parseEntry } from './door.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import { count } from './measure.js';
import { status } from './messages.js';
import { cleanUp } from './stages/clean-up.js';

/**
 * What every lifecycle has around its stages: a checked request, handlers for decisions and status, and undo of whatever it did
 * not finish, however it ends. Call it as the first thing of a workflow.
 * @param travel - The stages in their order; resolves to how the candidate ends, and throws only where trying again cannot help.
 */
export async function runLifecycle(
  request: LifecycleRequest,
  travel: (lifecycle: Lifecycle) => Promise<LifecycleOutcome>,
): Promise<LifecycleOutcome> {
  // handlers are registered before the first await, so that nothing sent early is lost
  const lifecycle = createLifecycle(
    parseEntry('lifecycle request', lifecycleRequestSchema, request),
  );
  setHandler(status, () => lifecycle.status(), {
    description: 'Stage, gates, evidence, who is waited for; no input',
  });
  try {
    const outcome = await travel(lifecycle);
    if (outcome.outcome === 'live') await cleanUp(lifecycle);
    else await undo(lifecycle);
    lifecycle.ended(outcome);
    countEnd(lifecycle, outcome.outcome);
    return { ...outcome, ledger: [...lifecycle.ledger.rows] };
  } catch (error) {
    await undo(lifecycle);
    countEnd(lifecycle, isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  }
}

async function undo(lifecycle: Lifecycle): Promise<void> {
  lifecycle.desk.close('the lifecycle is being undone');
  lifecycle.enter('undo');
  await lifecycle.ledger.undoAll();
}

function countEnd({ request, ledger }: Lifecycle, outcome: string): void {
  const { model } = request;
  count('switchyard_lifecycles', { model, outcome });
  for (const { end } of ledger.rows) count('switchyard_undos', { model, end });
}
