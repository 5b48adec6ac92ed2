import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { durationMs } from '../domain/duration.js';
import type { Activities } from '../activities/index.js';

/**
 * How long an attempt may be silent before another worker takes over: what a killed worker costs at the most, and a quarter of a second
 * more before the retry. Attempts beat twice a second.
 */
const HEARTBEAT_TIMEOUT = '2 seconds';

const RETRY = {
  initialInterval: '250 milliseconds',
  backoffCoefficient: 2,
  maximumInterval: '30 seconds',
};

/** A worker's death counts as an attempt, and the longer an attempt takes the more workers can die in it. */
const QUEUE_RETRIES = {
  train: { ...RETRY, maximumAttempts: 8 },
  // seconds of work that harm nothing when repeated: twenty killed workers are none of the version's fault
  test: { ...RETRY, backoffCoefficient: 1.3, maximumAttempts: 20 },
};

// Each takes a summary last: what is done, for which model, version or role, as the web UI's timeline shows it.

/** Bookkeeping: short calls to the store, on the workflow's own queue. */
export function bookkeeping(summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: { ...RETRY, maximumAttempts: 12 },
    summary,
  });
}

/** Calls that may wait for something outside, with heartbeats. */
export function waiting(startToCloseTimeout: string, summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: durationMs(startToCloseTimeout),
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    // undo begins when what it undoes has ended
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { ...RETRY, maximumAttempts: 20 },
    summary,
  });
}

/** The last lines of a journal: tried until the store takes them, since whatever they tell has happened. */
export function recording(summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: RETRY,
    summary,
  });
}

/** An undo: tried again for a minute, or until its time is over; then it waits for a person. */
export function undoing(summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '2 minutes',
    // one attempt at the pointer waits for `liveModel`, which tries for a minute itself, twice
    scheduleToCloseTimeout: '150 seconds',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: { ...RETRY, maximumAttempts: 9 },
    summary,
  });
}

/** Work on the queue of one resource (`<queue>-train`, `<queue>-test`), whose workers limit how much runs at once. */
export function onQueue(resource: 'train' | 'test', startToCloseTimeout: string, summary: string) {
  return proxyActivities<Activities>({
    taskQueue: `${workflowInfo().taskQueue}-${resource}`,
    startToCloseTimeout: durationMs(startToCloseTimeout),
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    // undo begins when what it undoes has ended
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: QUEUE_RETRIES[resource],
    summary,
  });
}

/** The pointer write of `liveModel`: tried again quickly, since a fallback waits for it. */
export function pointerWrite(summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '10 seconds',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '1 minute',
    retry: {
      initialInterval: '100 milliseconds',
      backoffCoefficient: 2,
      maximumInterval: '5 seconds',
    },
    summary,
  });
}
