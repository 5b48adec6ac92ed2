import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
} from '@temporalio/client';
import { durationMs } from '../domain/duration.js';
import type { ReconcileInput } from '../domain/reconcile/outcome.js';
import { RECONCILE_TYPE, reconcileScheduleId } from '../workflows/reconcile-messages.js';
import { fromTemporal } from './failure.js';
import { WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';

/** A run that nobody takes up, or that waits for a dead store, ends at last, so that the next one begins. */
const LONGEST_RUN = '15 minutes';
/** A tick that a dead server missed is not made up for: the next one sees the same. */
const CATCH_UP_MS = 60_000;

/** How often the reconciler looks; false: never, unless somebody starts it. */
export type ReconcileSpec = { readonly every: string } | false;

/**
 * Makes the Temporal Schedule of a task queue's reconciler what the configuration says; several workers may do it at the same
 * time. Whether it is paused is people's to say, and stays. Throws a `PortError` in one sentence.
 */
export async function putReconcileSchedule(
  given: { client: Client; taskQueue: string },
  spec: ReconcileSpec,
): Promise<'created' | 'updated' | 'deleted' | 'absent'> {
  const { client, taskQueue } = given;
  const scheduleId = reconcileScheduleId(taskQueue);
  const handle = client.schedule.getHandle(scheduleId);
  try {
    if (spec === false) {
      await handle.delete();
      return 'deleted';
    }
    const options = optionsOf(taskQueue, spec.every);
    try {
      await client.schedule.create({ ...options, scheduleId });
      return 'created';
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
    await handle.update(({ state }) => ({ ...options, state }));
    return 'updated';
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return 'absent';
    throw fromTemporal(error);
  }
}

function optionsOf(taskQueue: string, every: string) {
  return {
    spec: { intervals: [{ every: durationMs(every) }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: RECONCILE_TYPE,
      workflowId: reconcileScheduleId(taskQueue),
      taskQueue,
      args: [{} satisfies ReconcileInput],
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      workflowExecutionTimeout: LONGEST_RUN,
      staticSummary: 'looks for what is half done, mends it or tells its owner',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP_MS },
  };
}
