import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 60_000;
const AT_ONCE = 16;

/** Temporal's value of an activity that a worker has. */
const STARTED = 2;

/** Something that a killed worker had in hand, and when a living one had it again. */
export interface Recovery {
  readonly what: string;
  /** From the kill to the start of the next attempt; null where there was none within a minute. */
  readonly ms: number | null;
  /** From the kill until the next attempt was offered to workers; null where it was not seen. The rest is waiting for a free one. */
  readonly offeredMs: number | null;
}

/** The identity under which a worker process polls. */
export const identityOf = (pid: number) => `${pid}@${hostname()}`;

/** An attempt that a worker has begun. */
interface InHand {
  readonly workflowId: string;
  readonly activityId: string;
  readonly what: string;
  readonly attempt: number;
}

/** What a worker that was just killed had in hand of some lifecycles: their activities, each as its next attempt begins. */
export async function watchRecovery(
  client: Client,
  given: {
    readonly workflowIds: readonly string[];
    readonly identity: string;
    readonly killedMs: number;
  },
): Promise<readonly Recovery[]> {
  const { killedMs } = given;
  return Promise.all(
    (await inHand(client, given)).map(async (each) => {
      const { startedMs, offeredMs } = await nextStart(client, each);
      const since = (ms: number | null) => (ms === null ? null : ms - killedMs);
      return { what: each.what, ms: since(startedMs), offeredMs: since(offeredMs) };
    }),
  );
}

/** What a worker has in hand of some lifecycles. */
export async function inHand(
  client: Client,
  { workflowIds, identity }: { readonly workflowIds: readonly string[]; readonly identity: string },
): Promise<readonly InHand[]> {
  const found: InHand[] = [];
  for (let from = 0; from < workflowIds.length; from += AT_ONCE) {
    const some = workflowIds.slice(from, from + AT_ONCE);
    const pending = await Promise.all(
      some.map((workflowId) => inHandOf(client, workflowId, identity)),
    );
    found.push(...pending.flat());
  }
  return found;
}

async function inHandOf(
  client: Client,
  workflowId: string,
  identity: string,
): Promise<readonly InHand[]> {
  return (await pendingOf(client, workflowId))
    .filter(
      ({ state, lastWorkerIdentity }) =>
        Number(state) === STARTED && lastWorkerIdentity === identity,
    )
    .map(({ activityId, activityType, attempt }) => ({
      workflowId,
      activityId: activityId ?? '',
      what: activityType?.name ?? '',
      attempt: attempt ?? 1,
    }));
}

async function pendingOf(client: Client, workflowId: string) {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return raw.pendingActivities ?? [];
}

/** When the attempt after the one in hand was offered, and when it began, by the server's clock. */
async function nextStart(
  client: Client,
  given: InHand,
): Promise<{ startedMs: number | null; offeredMs: number | null }> {
  const endMs = performance.now() + PATIENCE_MS;
  let offeredMs: number | null = null;
  while (performance.now() < endMs) {
    const pending = await pendingOf(client, given.workflowId);
    const now = pending.find(({ activityId }) => activityId === given.activityId);
    if (now === undefined) return { startedMs: await startInHistory(client, given), offeredMs };
    const { state, attempt, lastStartedTime, scheduledTime } = now;
    if ((attempt ?? 1) > given.attempt) offeredMs ??= millisecondsOf(scheduledTime);
    if ((attempt ?? 1) > given.attempt && Number(state) === STARTED) {
      return { startedMs: millisecondsOf(lastStartedTime), offeredMs };
    }
    await pause(LOOK_EVERY_MS);
  }
  return { startedMs: null, offeredMs };
}

/** It is done: its last attempt's start is in the history. */
async function startInHistory(client: Client, { workflowId, activityId }: InHand) {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityId === activityId,
  );
  const started = events?.find(
    ({ activityTaskStartedEventAttributes: attributes }) =>
      attributes != null && String(attributes.scheduledEventId) === String(scheduled?.eventId),
  );
  return millisecondsOf(started?.eventTime);
}

function millisecondsOf(
  time: { seconds?: unknown; nanos?: number | null } | null | undefined,
): number | null {
  return time == null ? null : Number(time.seconds ?? 0) * 1_000 + (time.nanos ?? 0) / 1e6;
}

/** The value below which a share of the others lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
