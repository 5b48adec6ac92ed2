import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { Switchyard } from '../../../client/switchyard.js';
import { SEARCH_ATTRIBUTES } from '../../../domain/search-attributes.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../../scripts/servers/child-process.js';
import { startTemporalServer } from '../../../scripts/servers/temporal-server.js';
import { aDigest } from '../../../testing/builders.js';
import { until } from '../../../testing/until.js';
import type { Say } from '../benchmark.js';

const PROGRAM = fileURLToPath(new URL('worker.ts', import.meta.url));
const ROLE = 'data-science';
/** What the fakes put on the table. */
const EVIDENCE = aDigest('evidence');
const AT_ONCE = 30;
const PATIENCE_MS = 400_000;
/**
 * The server shares the machine's cores with the worker, and collecting 2,000 parked lifecycles' garbage takes both of them for 100 ms, every
 * three seconds by default: it does so a quarter as often here, as a server on a machine of its own would disturb no worker.
 */
const SERVER_GOGC = '400';
/** After the last one is parked, before memory is read. */
const REST_MS = 3_000;

export interface SideGiven {
  /** How many are parked at once. */
  readonly lifecycles: number;
  readonly cached: number;
  /** How many decisions are timed. */
  readonly decisions: number;
  readonly say: Say;
}

/** What one number of parked lifecycles costs. */
export interface SideFigures {
  readonly workerMB: number;
  readonly serverMB: number;
  readonly workerAfterMB: number;
  readonly serverAfterMB: number;
  /** From sending a decision to the start of the activity that follows it, in milliseconds. */
  readonly decisionMs: readonly number[];
  /** Lifecycles that were approved and did not end live. */
  readonly lost: number;
}

/** Parks lifecycles on approval in a server and a worker of their own, times decisions on the oldest, approves all. */
export async function measureSide(given: SideGiven): Promise<SideFigures> {
  const { lifecycles, cached, decisions, say } = given;
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-parked-'));
  const taskQueue = 'parked';
  try {
    await using server = await startTemporalServer({
      directory,
      searchAttributes: SEARCH_ATTRIBUTES,
      environment: { GOGC: SERVER_GOGC },
    });
    await using worker = await startWorker({
      ...{ address: server.address, taskQueue, role: ROLE },
      maxCachedWorkflows: cached,
    });
    const connection = await Connection.connect({ address: server.address });
    try {
      const client = new Client({ connection });
      const switchyard = new Switchyard({ client, taskQueue });
      const ids = Array.from({ length: lifecycles }, (_, index) => `parked/${index + 1}`);
      await inBatches(ids, (workflowId) => switchyard.start({ model: 'parked' }, { workflowId }));
      await untilCounted(client, `WaitingFor = "${ROLE}"`, lifecycles);
      say(`${lifecycles} are parked`);
      await pause(REST_MS);
      const [workerMB, serverMB] = [await residentMB(worker.pid), await residentMB(server.pid)];
      const oldest = await oldestParked(client, ids.slice(0, 2 * decisions), decisions);
      const decisionMs: number[] = [];
      for (const workflowId of oldest)
        decisionMs.push(await timeDecision(client, switchyard, workflowId));
      say(`${decisions} decisions timed`);
      const left = ids.filter((id) => !oldest.includes(id));
      await inBatches(left, (workflowId) => approve(switchyard, workflowId));
      await untilCounted(client, 'ExecutionStatus = "Completed"', lifecycles);
      const ends = await inBatches(ids, (workflowId) => switchyard.outcome(workflowId));
      return {
        ...{ workerMB, serverMB, decisionMs },
        workerAfterMB: await residentMB(worker.pid),
        serverAfterMB: await residentMB(server.pid),
        lost: ends.filter(({ outcome }) => outcome !== 'live').length,
      };
    } finally {
      await connection.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function startWorker(given: object): Promise<ServerProcess> {
  const worker = await startServerProcess({
    name: 'the worker',
    binary: process.execPath,
    args: ['--import', 'tsx', PROGRAM],
    env: { SWITCHYARD_PARKED: JSON.stringify(given) },
  });
  await untilReady('the worker', worker, () =>
    Promise.resolve(worker.hasSaid('polling') ? 'ready' : 'not-yet'),
  );
  return worker;
}

/** Those whose last workflow task is longest ago: with more parked than cached, they were evicted. Nothing wakes them for it. */
async function oldestParked(
  client: Client,
  ids: readonly string[],
  count: number,
): Promise<readonly string[]> {
  const parked = await inBatches(ids, async (workflowId) => {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    return { workflowId, atMs: millisecondsOf(events?.at(-1)?.eventTime) };
  });
  return parked
    .sort((one, other) => one.atMs - other.atMs)
    .slice(0, count)
    .map(({ workflowId }) => workflowId);
}

async function approve(switchyard: Switchyard, workflowId: string): Promise<void> {
  const by = 'ada@example.com';
  const answer = { role: ROLE, decision: 'approved', by, reason: 'fine' } as const;
  await switchyard.decide(workflowId, { ...answer, evidence: EVIDENCE });
}

/** Decides, waits for the end, and reads when the promotion began. */
async function timeDecision(
  client: Client,
  switchyard: Switchyard,
  workflowId: string,
): Promise<number> {
  const sentMs = Date.now();
  await approve(switchyard, workflowId);
  await switchyard.outcome(workflowId);
  const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: attributes }) =>
      attributes?.activityType?.name === 'promoteVersion',
  );
  const started = events?.find(
    ({ activityTaskStartedEventAttributes: attributes }) =>
      attributes != null && String(attributes.scheduledEventId) === String(scheduled?.eventId),
  );
  return millisecondsOf(started?.eventTime) - sentMs;
}

async function untilCounted(client: Client, query: string, count: number): Promise<void> {
  await until(
    `${count} lifecycles: ${query}`,
    async () => {
      const found = await client.workflow.count(query);
      if (found.count === count) return true;
      await pause(200);
      return undefined;
    },
    PATIENCE_MS,
  );
}

/** What the system keeps of a process in memory, in MB; Linux only. */
async function residentMB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024);
}

function millisecondsOf(
  time: { seconds?: unknown; nanos?: number | null } | null | undefined,
): number {
  return time == null ? Number.NaN : Number(time.seconds ?? 0) * 1_000 + (time.nanos ?? 0) / 1e6;
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  }
  return results;
}
