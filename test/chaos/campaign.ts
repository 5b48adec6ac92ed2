import { setTimeout as pause } from 'node:timers/promises';
import { Lifecycles } from '../../client/lifecycles.js';
import { isPortError } from '../../domain/failures.js';
import type { LifecycleOutcome } from '../../domain/lifecycle.js';
import type { Random } from '../../domain/random.js';
import { until } from '../../testing/until.js';
import { lostDecisions, startDeciding, type Deciding } from './deciding.js';
import { violationsOf } from './invariants.js';
import type { World } from './world.js';

/** How long a start that was not acknowledged is tried again. */
const START_PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** Lifecycles that are started one after another and decided on, whatever is killed meanwhile. */
export interface Campaign {
  /** Workflow ids of acknowledged starts. */
  readonly started: readonly string[];
  /** Calls that failed before their start was acknowledged. */
  readonly startsAgain: () => number;
  readonly deciding: Deciding;
  /** Those that have not ended, by visibility. */
  open(): Promise<readonly string[]>;
  /** Resolves when all were started and have ended; rejects after the patience. */
  ended(patienceMs: number): Promise<void>;
}

/** Models of a campaign, one a lifecycle, so that each must go live. */
export function campaignModels(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

/** Starts a lifecycle of each model, `everyMs` apart and not while `mostOpen` have not ended, and people who answer them. */
export function startCampaign(
  world: World,
  given: {
    readonly models: readonly string[];
    readonly random: Random;
    readonly everyMs: number;
    readonly mostOpen?: number;
  },
): Campaign {
  const { mostOpen = Number.POSITIVE_INFINITY } = given;
  const started: string[] = [];
  let again = 0;
  const start = async (model: string): Promise<void> => {
    const workflowId = `lifecycle/${model}/${world.taskQueue}`;
    const endMs = performance.now() + START_PATIENCE_MS;
    for (;;) {
      try {
        await world.switchyard.start({ model }, { workflowId });
        started.push(workflowId);
        return;
      } catch (error) {
        again += 1;
        if (!isPortError(error) || performance.now() > endMs) throw error;
        await pause(LOOK_EVERY_MS);
      }
    }
  };
  const lifecycles = new Lifecycles(world);
  const open = async () => {
    const rows = await lifecycles.newest({ limit: given.models.length + 1, open: true });
    return rows.map(({ workflowId }) => workflowId);
  };
  /** Resolves when there is room for one more; a server that does not answer has none. */
  const room = async () => {
    while (mostOpen !== Number.POSITIVE_INFINITY) {
      const count = await open().then(
        (ids) => ids.length,
        () => mostOpen,
      );
      if (count < mostOpen) return;
      await pause(LOOK_EVERY_MS);
    }
  };
  const starting = (async () => {
    const calls: Promise<void>[] = [];
    for (const model of given.models) {
      await room();
      calls.push(start(model));
      await pause(given.everyMs);
    }
    await Promise.all(calls);
  })();
  starting.catch(() => undefined); // `ended` tells
  return {
    ...{ started, open, startsAgain: () => again },
    deciding: startDeciding(world, given),
    ended: async (patienceMs) => {
      await starting;
      await until(
        'all lifecycles end',
        async () => {
          const left = await open().catch(() => null);
          if (left?.length === 0) return true;
          await pause(LOOK_EVERY_MS);
          return undefined;
        },
        patienceMs,
      );
    },
  };
}

/** What a campaign left: outcomes by workflow id, and everything that is not as it must be. */
export async function campaignViolations(
  world: World,
  { started, deciding }: Pick<Campaign, 'started' | 'deciding'>,
  models: readonly string[],
): Promise<{ readonly ends: ReadonlyMap<string, number>; readonly violations: readonly string[] }> {
  const { store, client, mark, pids, registry, switchyard } = world;
  const outcomes = new Map<string, LifecycleOutcome>();
  const violations: string[] = [];
  const ends = new Map<string, number>();
  for (const workflowId of started) {
    const outcome = await within(20_000, switchyard.outcome(workflowId)).catch((error: unknown) => {
      violations.push(`${workflowId} has no outcome: ${String(error)}`);
      return null;
    });
    const end = outcome?.outcome ?? 'no outcome';
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (outcome === null) continue;
    outcomes.set(workflowId, outcome);
    if (end !== 'live') violations.push(`${workflowId} ended ${end}, not live`);
  }
  for (const model of models) {
    const claims = (await store.list(`models/${model}/versions/`)).objects.filter(({ key }) =>
      key.endsWith('/claim.json'),
    );
    if (claims.length > 1) violations.push(`${model} has ${claims.length} versions, not 1`);
    const generation = (await registry.live(model))?.state.generation ?? 0;
    if (generation > 1) violations.push(`live.json of ${model} was written ${generation} times`);
  }
  violations.push(
    ...lostDecisions(deciding.acknowledged, outcomes),
    ...(await violationsOf({ store, client, models, started, mark, pids })),
  );
  return { ends, violations };
}

async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      pause(ms, undefined, { signal: late.signal }).then(() => {
        throw new Error(`not within ${ms} ms`);
      }),
    ]);
  } finally {
    late.abort();
  }
}

/** Counts by name, as text. */
export function tell(ends: ReadonlyMap<string, number>): string {
  return [...ends].map(([end, times]) => `${end} ${times}`).join(', ');
}
