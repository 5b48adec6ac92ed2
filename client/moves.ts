import { setTimeout as pause } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { FOLLOW_UP_TYPE } from '../workflows/follow-up-messages.js';
import { moveOn, WORKFLOW_TYPES } from '../workflows/messages.js';
import { MONITOR_TYPE } from '../workflows/monitor-messages.js';
import { fromTemporal } from './failure.js';

/** What became of one long-lived workflow. */
export interface Move {
  readonly workflowId: string;
  /** The build it was on; null: on none, since an unversioned worker ran it. */
  readonly from: string | null;
  readonly end: 'moved' | 'already-there' | 'not-moved';
  /** Why it has not moved; null where it has. */
  readonly reason: string | null;
}

/** As long-lived as a model or a team's memory; all the others end on the build they began on. */
const LONG_LIVED: readonly string[] = [WORKFLOW_TYPES.live, MONITOR_TYPE, FOLLOW_UP_TYPE];

/** How long one may take to continue as new; its worker may have to replay it first, and a judged window may take a while. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 100;
/** So many are told at once: each is a replay on the old build's workers, and a start on the new build's. */
const AT_ONCE = 8;

/**
 * Sends each open long-lived workflow that is on another build the update that makes it continue as new, and waits until it is
 * there. An idle workflow is not woken by a release, so it would stay on the old build for as long as nothing happens.
 */
export async function moveLongLived(
  client: Client,
  given: { readonly taskQueue: string; readonly build: string },
): Promise<readonly Move[]> {
  const waiting = [...(await openLongLived(client, given.taskQueue))].sort();
  const moves: Move[] = [];
  while (waiting.length > 0) {
    const told = waiting.splice(0, AT_ONCE);
    moves.push(...(await Promise.all(told.map((id) => moveOne(client, id, given.build)))));
  }
  return moves;
}

/** Whether a run took the update; a refusal in words. */
type Told = 'told' | 'silent' | { readonly refusal: string };

async function openLongLived(client: Client, taskQueue: string): Promise<readonly string[]> {
  const types = LONG_LIVED.map((type) => `"${type}"`).join(', ');
  const query = `WorkflowType IN (${types}) AND TaskQueue = "${taskQueue}" AND ExecutionStatus = "Running"`;
  const found = new Set<string>();
  try {
    for await (const { workflowId } of client.workflow.list({ query })) found.add(workflowId);
  } catch (error) {
    throw fromTemporal(error);
  }
  return [...found];
}

async function moveOne(client: Client, workflowId: string, build: string): Promise<Move> {
  const handle = client.workflow.getHandle(workflowId);
  const until = Date.now() + PATIENCE_MS;
  let from: string | null = null;
  let told: Told | null = null;
  try {
    const before = await standingOf(handle);
    from = before.build;
    for (let now = before; Date.now() < until; now = await standingOf(handle)) {
      if (now.build === build) {
        return { workflowId, from, end: told === null ? 'already-there' : 'moved', reason: null };
      }
      // a run that ends meanwhile takes the update with it: then the next one is told
      if (told !== 'told') told = await tell(handle, build, now.runId);
      await pause(LOOK_MS);
    }
  } catch (error) {
    told = { refusal: sentenceOf(error) };
  }
  return { workflowId, from, end: 'not-moved', reason: whyNotYet(from, told) };
}

/** What came of the update. Its id is one for each run that is told: typed twice, the run is told once. */
async function tell(handle: WorkflowHandle, build: string, runId: string): Promise<Told> {
  const order = { because: `build ${build} is released` };
  const stop = new AbortController();
  const late = pause(PATIENCE_MS, 'silent' as const, { signal: stop.signal });
  late.catch(() => undefined); // aborted: it was not late
  const updateId = `move-on/${build}/${runId}`;
  const told = handle.executeUpdate(moveOn, { args: [order], updateId }).then(
    () => 'told' as const,
    (error: unknown) => ({ refusal: sentenceOf(error) }),
  );
  try {
    return await Promise.race([told, late]);
  } finally {
    stop.abort();
  }
}

function sentenceOf(error: unknown): string {
  const known = fromTemporal(error);
  return known instanceof Error ? known.message : String(known);
}

function whyNotYet(from: string | null, told: Told | null): string {
  if (told === 'told') {
    return 'it is told, and moves when what it does now has ended, such as a window that is judged';
  }
  if (typeof told === 'object' && told !== null) return told.refusal;
  const whose = from === null ? 'a worker polls' : `a worker of build "${from}" polls`;
  return `it did not answer within ${PATIENCE_MS / 1_000} s: look whether ${whose}, and type the same again`;
}

/** Where a run is: its build is null until a versioned worker has done its first task. */
async function standingOf(handle: WorkflowHandle) {
  const { runId, raw } = await handle.describe();
  const version = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion;
  return { runId, build: version?.buildId ?? null };
}
