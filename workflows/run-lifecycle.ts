import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  setHandler,
  TemporalFailure,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { FollowUp } from '../domain/follow-up.js';
import { followUpOfUndos, followUpsOfRejection } from '../domain/lifecycle-follow-ups.js';
import {
  lifecycleRequestSchema,
  type LifecycleOutcome,
  type LifecycleRequest,
} from '../domain/lifecycle.js';
import type { UndoRow } from '../domain/undo.js';
import { parseEntry } from './door.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import { count } from './measure.js';
import { status } from './messages.js';
import { openFollowUp } from './open-follow-up.js';
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
  lifecycle.journal.begin({ kind: 'started', request: lifecycle.request });
  setHandler(status, () => lifecycle.status(), {
    description: 'Stage, gates, evidence, who is waited for; no input',
  });
  const end = await reachEnd(lifecycle, travel);
  if (end.kind === 'broken') {
    await undo(lifecycle, null);
    const isCancelled = isCancellation(end.failure);
    await lifecycle.broke(isCancelled ? null : innermost(end.failure).message);
    countEnd(lifecycle, isCancelled ? 'cancelled' : 'failed');
    throw withLedger(end.failure, lifecycle.ledger.rows);
  }
  const { outcome } = end;
  if (outcome.outcome === 'live') {
    await Promise.all([cleanUp(lifecycle), lifecycle.ended(outcome)]);
  } else {
    await undo(lifecycle, outcome);
    await lifecycle.ended(outcome);
  }
  countEnd(lifecycle, outcome.outcome);
  return { ...outcome, ledger: [...lifecycle.ledger.rows] };
}

type End =
  | { readonly kind: 'ended'; readonly outcome: LifecycleOutcome }
  | { readonly kind: 'broken'; readonly failure: TemporalFailure };

async function reachEnd(
  lifecycle: Lifecycle,
  travel: (lifecycle: Lifecycle) => Promise<LifecycleOutcome>,
): Promise<End> {
  try {
    return { kind: 'ended', outcome: await travel(lifecycle) };
  } catch (error) {
    // our bug, or that of a workflow of one's own: the workflow task stalls visibly, with nothing undone, until it is mended
    if (!(error instanceof TemporalFailure)) throw error;
    return { kind: 'broken', failure: asCancelled(error) };
  }
}

/** Who was cancelled ends so, also where the activity that was told of it fell silent and timed out, as with a dead worker. */
function asCancelled(failure: TemporalFailure): TemporalFailure {
  const isTold = CancellationScope.current().consideredCancelled;
  const isTimeout = failure instanceof ActivityFailure && failure.cause instanceof TimeoutFailure;
  return isTold && isTimeout ? new CancelledFailure(failure.message, [], failure) : failure;
}

/** Undoes what it did, newest first; where an undo fails it waits for a person, also while it is being cancelled. */
async function undo(lifecycle: Lifecycle, outcome: LifecycleOutcome | null): Promise<void> {
  lifecycle.desk.close('the lifecycle is being undone');
  lifecycle.enter('undo');
  await lifecycle.ledger.undoAll();
  for (const followUp of followUpsOf(lifecycle, outcome)) await openFollowUp(followUp);
  await lifecycle.ledger.settled();
}

/** What it leaves to people, opened before a failed undo is waited for. */
function followUpsOf(lifecycle: Lifecycle, outcome: LifecycleOutcome | null): readonly FollowUp[] {
  const { model, version, digest } = lifecycle.status();
  const { workflowId } = workflowInfo();
  const { run, heldOut } = lifecycle;
  const from = { model, version, digest, workflowId, run, heldOut };
  const undos = followUpOfUndos(from, lifecycle.ledger.rows);
  return [
    ...(undos === null ? [] : [undos]),
    ...(outcome?.outcome === 'rejected' ? followUpsOfRejection(from, outcome) : []),
  ];
}

/**
 * What a run that did not come to an outcome ends with: the first failure, with the ledger in its details. Temporal's cancelled end
 * carries nothing, so there the ledger is in the memo only.
 */
function withLedger(failure: TemporalFailure, ledger: readonly UndoRow[]): TemporalFailure {
  if (isCancellation(failure)) return failure;
  const happened = innermost(failure);
  return ApplicationFailure.create({
    message: happened.message,
    type: happened instanceof ApplicationFailure ? (happened.type ?? 'Error') : 'ActivityFailed',
    nonRetryable: true,
    details: [{ ledger }],
    cause: failure,
  });
}

/** What happened: Temporal wraps it into a failure that says only which activity it was. */
function innermost(failure: TemporalFailure): TemporalFailure {
  const { cause } = failure;
  return failure instanceof ActivityFailure && cause instanceof TemporalFailure ? cause : failure;
}

function countEnd({ request }: Lifecycle, outcome: string): void {
  count('switchyard_lifecycles', { model: request.model, outcome });
}
