import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { Switchyard } from '../../client/switchyard.js';
import { until } from '../../testing/until.js';
import type { Kind } from './fixtures/kinds.js';
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
  /** Two versions went live, and a person falls back to the first. */
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
      await until(
        `the follow-up of ${model} has told its owner`,
        () => {
          const told = world.notices.some(
            (notice) => notice.model === model && notice.kind === 'follow-up',
          );
          return Promise.resolve(told ? true : undefined);
        },
        PATIENCE_MS,
      );
    },
  },
} as const satisfies Record<string, Course>;

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
    signal,
  );
}

/** Tries again whatever it ends in, until its patience is over. */
export async function persistently<Result>(
  what: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
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
  const found = await until(what, look, PATIENCE_MS).catch((error: unknown) => {
    throw new Error(`${messageOf(error)}; last: ${messageOf(last)}`);
  });
  return found.result;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
