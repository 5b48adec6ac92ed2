import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { LabelFiles } from '../../adapters/monitoring/label-files.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Lifecycles } from '../../client/lifecycles.js';
import { Monitors } from '../../client/monitors.js';
import { Switchyard } from '../../client/switchyard.js';
import { FALLBACK_OWNER } from '../../domain/fallback-follow-up.js';
import { followUpKey } from '../../domain/follow-up.js';
import { liveVersionOf } from '../../domain/live-state.js';
import type { PredictionLine } from '../../domain/monitor/prediction-line.js';
import { NEW_MONITOR } from '../../domain/monitor/state.js';
import { reconcileOutcomeSchema } from '../../domain/reconcile/outcome.js';
import { until } from '../../testing/until.js';
import { followUpWorkflowId } from '../../workflows/follow-up-messages.js';
import {
  MONITOR_TYPE,
  monitorWorkflowId,
  type MonitorInput,
} from '../../workflows/monitor-messages.js';
import { RECONCILE_TYPE } from '../../workflows/reconcile-messages.js';
import type { Kind } from './fixtures/kinds.js';
import { logFile, loggedLine } from '../support/log-files.js';
import { decideAll, type World } from './world.js';

/** A world's workers on one queue. */
export interface Lane {
  readonly world: World;
  readonly taskQueue: string;
  readonly switchyard: Switchyard;
}

export function laneOf(world: World, taskQueue: string): Lane {
  return { world, taskQueue, switchyard: new Switchyard({ client: world.client, taskQueue }) };
}

/** What is done with a fresh model, from its first start to its rest. */
export interface Course {
  readonly kind: Kind;
  drive(lane: Lane, model: string): Promise<void>;
}

/** After something failed. */
const AGAIN_MS = 250;

/** Fills the time of an activity that is tried again after its start-to-close timeout of a minute, more than once. */
const PATIENCE_MS = 180_000;

export const COURSES = {
  /** One version, approved by two roles, goes live. */
  live: {
    kind: 'approved',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 1);
      await lane.switchyard.start({ model, seed: 1 }, { workflowId });
      await decided(lane, workflowId, 'approved');
      expectEnd(workflowId, await endOf(lane, workflowId), 'live');
    },
  },
  /** Newer rows are wanted first, then it is approved. */
  gathered: {
    kind: 'gathered',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 1);
      await lane.switchyard.start({ model, seed: 1 }, { workflowId });
      await decided(lane, workflowId, 'needs-more-data');
      await decided(lane, workflowId, 'approved');
      expectEnd(workflowId, await endOf(lane, workflowId), 'live');
    },
  },
  /** One version is live; the deploy of the second is never served, fails, and is undone. */
  undone: {
    kind: 'unserved',
    drive: async (lane, model) => {
      await carry(lane, model, 1, 'live');
      await carry(lane, model, 2, 'failed');
    },
  },
  /** Two versions went live, a person falls back to the first, and closes what that leaves. */
  'fallen-back': {
    kind: 'plain',
    drive: async (lane, model) => {
      await carry(lane, model, 1, 'live');
      await carry(lane, model, 2, 'live');
      const { world, switchyard } = lane;
      const live = (await world.registry.live(model))?.state.live ?? '';
      const order = { leaving: live, by: 'grace@example.com', reason: 'chaos' };
      const answer = await persistently(`fallback of ${model}`, () =>
        switchyard.fallback(model, order, { requestId: `fallback/${model}` }),
      );
      if (answer.kind !== 'fallen-back') throw new Error(`the fallback ended ${answer.kind}`);
      await told(lane, model, ['follow-up']);
      const followUp = followUpWorkflowId(model, followUpKey.fallback(answer.generation));
      const closing = { role: FALLBACK_OWNER, by: order.by, reason: 'mended' };
      await persistently(`the end of ${followUp}`, async () => {
        const { closed } = await switchyard.followUp(followUp);
        return closed ?? switchyard.closeFollowUp(followUp, closing);
      });
    },
  },
  /** The monitor finds errors in the hour before, and falls back; labels of that hour are joined. */
  watched: {
    kind: 'watched',
    drive: async (lane, model) => {
      await carry(lane, model, 1, 'live');
      await carry(lane, model, 2, 'live');
      const hourMs = 3_600_000;
      const fromMs = Math.floor(Date.now() / hourMs) * hourMs - hourMs;
      await logErrors(lane, model, new Date(fromMs + hourMs / 2));
      const carried = { ...NEW_MONITOR, cursorMs: fromMs };
      await lane.world.client.workflow.start(MONITOR_TYPE, {
        workflowId: monitorWorkflowId(model),
        taskQueue: lane.taskQueue,
        args: [{ model, carried } satisfies MonitorInput],
        // a worker's start has begun one that has nothing to judge before the hour is over
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        workflowTaskTimeout: '2 seconds',
      });
      await told(lane, model, ['follow-up', 'monitor']);
      const { store } = lane.world;
      await eventually(`labels of ${model} are joined`, async () => {
        const { objects } = await store.list(`models/${model}/windows/`);
        return objects.some(({ key }) => key.endsWith('-accuracy.json'));
      });
    },
  },
  /** The monitor finds rows that nothing was trained on, and starts a lifecycle. */
  renewed: {
    kind: 'renewed',
    drive: async (lane, model) => {
      await persistently(`the monitor of ${model}`, () =>
        new Monitors({ client: lane.world.client, taskQueue: lane.taskQueue }).start(model),
      );
      const workflowId = `lifecycle/${model}/monitor`;
      await eventually(`${workflowId} is started`, async () => {
        const row = await new Lifecycles({ client: lane.world.client }).find(workflowId);
        return row !== null;
      });
      expectEnd(workflowId, await endOf(lane, workflowId), 'live');
      const state = () => new Monitors({ ...lane, client: lane.world.client }).state(model);
      // the look is over when it is remembered for which rows it was
      await eventually(
        `the monitor of ${model} has looked`,
        async () => (await state()).dataSeen !== null,
      );
    },
  },
  /** A lifecycle is terminated between its promotion and its end; the reconciler puts back what served, and sweeps. */
  reconciled: {
    kind: 'orphaned',
    drive: async (lane, model) => {
      await carry(lane, model, 1, 'live');
      const workflowId = idOf(model, 2);
      const { runId } = await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await generationOf(lane, model, 2);
      await lane.world.client.workflow.getHandle(workflowId).terminate('chaos');
      await eventually(`what ${workflowId} staged is old enough`, async () => {
        const { objects, now } = await lane.world.store.list(`staging/${runId}/`);
        return objects.every(({ modifiedAt }) => now.getTime() - modifiedAt.getTime() > 1_500);
      });
      await reconcileOnce(lane, model, ['half-deploy repaired', 'orphaned-staging repaired']);
    },
  },
  /** Somebody wrote past `liveModel`; the reconciler lets it read again. */
  adopted: {
    kind: 'plain',
    drive: async (lane, model) => {
      await carry(lane, model, 1, 'live');
      const aWhileAgo = () => new Date(Date.now() - 60_000);
      const registry = new ObjectRegistry(lane.world.store, { now: aWhileAgo });
      const freeze = { kind: 'freeze', by: 'grace@example.com', reason: 'chaos' } as const;
      await registry.changeLive(model, freeze, `past/${model}`);
      await reconcileOnce(lane, model, ['live-model-behind repaired']);
      const known = await persistently(`live/${model}`, () => lane.switchyard.live(model));
      if (known?.generation !== 2) throw new Error(`live/${model} knows ${JSON.stringify(known)}`);
    },
  },
} as const satisfies Record<string, Course>;

/** Ten answers of the version that is live, half of them failed, and a label for each of the others. */
async function logErrors({ world }: Lane, model: string, at: Date): Promise<void> {
  const state = (await world.registry.live(model))?.state;
  const served = state === undefined ? null : liveVersionOf(state);
  if (served === null) throw new Error(`nothing is live of ${model}`);
  const { version, digest } = served;
  const lines = Array.from({ length: 10 }, (_, index): PredictionLine => {
    const failed = index % 2 === 0;
    return {
      ...{ requestId: `request-${index}`, row: 0, at: at.toISOString(), version, digest },
      label: failed ? null : 'billing',
      probability: failed ? null : 1,
      latencyMs: 1,
      error: failed ? 'RuntimeCrashed' : null,
    };
  });
  const file = logFile(model, lines.map(loggedLine));
  await world.registry.appendPredictions(model, at, 'chaos.parquet', file);
  const labels = lines.flatMap(({ requestId, label }) =>
    label === null ? [] : [{ requestId, row: 0, label }],
  );
  await new LabelFiles(world.store).add(model, labels);
}

/** One run of the reconciler over one model; it must come to exactly these ends. */
async function reconcileOnce(
  lane: Lane,
  model: string,
  expected: readonly string[],
): Promise<void> {
  const handle = await lane.world.client.workflow.start(RECONCILE_TYPE, {
    workflowId: `reconcile/${model}`,
    taskQueue: lane.taskQueue,
    args: [{ model }],
    workflowTaskTimeout: '2 seconds',
  });
  const { rows } = reconcileOutcomeSchema.parse(
    await persistently(`reconcile/${model}`, () => handle.result()),
  );
  const ends = rows.map(({ kind, end }) => `${kind} ${end}`).sort();
  if (ends.join() !== [...expected].sort().join()) {
    throw new Error(`the reconciler came to ${JSON.stringify(rows)}, expected ${expected.join()}`);
  }
}

/** Waits until `live.json` of a model has this generation. */
export async function generationOf(
  { world }: Lane,
  model: string,
  generation: number,
): Promise<void> {
  await eventually(`${model} has generation ${generation}`, async () => {
    return (await world.registry.live(model))?.state.generation === generation;
  });
}

/** Waits until a notice of each of these kinds about the model has come. */
async function told({ world }: Lane, model: string, kinds: readonly string[]): Promise<void> {
  await eventually(`${kinds.join(' and ')} of ${model} are told`, () => {
    const came = world.notices.filter((notice) => notice.model === model);
    return Promise.resolve(kinds.every((kind) => came.some((notice) => notice.kind === kind)));
  });
}

/** Waits until something is so; whatever a look ends in, there is another. */
export async function eventually(
  what: string,
  look: () => Promise<boolean>,
  patienceMs?: number,
): Promise<void> {
  const once = async () => {
    if (!(await look())) throw new Error('not yet');
  };
  await persistently(what, once, patienceMs === undefined ? {} : { patienceMs });
}

export type CourseName = keyof typeof COURSES;

/** The id of a model's nth lifecycle. */
export function idOf(model: string, nth: number): string {
  return `lifecycle/${model}/${nth}`;
}

/** Starts the nth candidate of a model where nobody is asked, and waits for its end. */
export async function carry(
  lane: Lane,
  model: string,
  nth: number,
  expected: string,
): Promise<void> {
  const workflowId = idOf(model, nth);
  await lane.switchyard.start({ model, seed: nth }, { workflowId });
  expectEnd(workflowId, await endOf(lane, workflowId), expected);
}

function expectEnd(workflowId: string, end: string, expected: string): void {
  if (end !== expected) throw new Error(`${workflowId} ended ${end}, expected ${expected}`);
}

/** An outcome, or `failed`, or `cancelled`. */
export async function endOf({ world }: Lane, workflowId: string): Promise<string> {
  const handle = world.client.workflow.getHandle(workflowId);
  const result = persistently(`the end of ${workflowId}`, async () => {
    try {
      const outcome: unknown = await handle.result();
      const named = typeof outcome === 'object' && outcome !== null && 'outcome' in outcome;
      return named ? String(outcome.outcome) : 'unknown';
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      return error.cause?.name === 'CancelledFailure' ? 'cancelled' : 'failed';
    }
  });
  return result;
}

/** Decides as often as it takes while workers die: a query or an update of a dead worker is asked again. */
export async function decided(
  { world, switchyard }: Lane,
  workflowId: string,
  decision: 'approved' | 'rejected' | 'needs-more-data',
  signal?: AbortSignal,
): Promise<void> {
  await persistently(
    `a decision on ${workflowId}`,
    () =>
      decideAll({ client: world.client, switchyard }, workflowId, {
        decision,
        ...(signal && { signal }),
      }),
    { signal },
  );
}

/** Tries again whatever it ends in, until its patience is over. */
export async function persistently<Result>(
  what: string,
  work: () => Promise<Result>,
  {
    signal,
    patienceMs = PATIENCE_MS,
  }: { signal?: AbortSignal | undefined; patienceMs?: number } = {},
): Promise<Result> {
  let last: unknown;
  const look = async () => {
    try {
      return { result: await work() };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      last = error;
      await pause(AGAIN_MS);
      return undefined;
    }
  };
  const found = await until(what, look, patienceMs).catch((error: unknown) => {
    throw new Error(`${messageOf(error)}; last: ${messageOf(last)}`);
  });
  return found.result;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
