import { setTimeout as pause } from 'node:timers/promises';
import { Lifecycles, type LifecycleRow } from '../../client/lifecycles.js';
import type { DecisionInput } from '../../domain/decision.js';
import { isPortError } from '../../domain/failures.js';
import { randomInt, type Random } from '../../domain/random.js';
import type { World } from './world.js';

const LOOK_EVERY_MS = 100;
/** Calls that are made at the same time: one that waits for a dead worker must not keep the others. */
const AT_ONCE = 12;
/** As many as a command starts. */
const LISTED = 1_000;

/** A decision that was accepted. */
export interface Acknowledged {
  readonly workflowId: string;
  readonly role: string;
  readonly evidence: string;
  /** Unique, so that it can be found again. */
  readonly by: string;
  readonly sentAs: 'update' | 'signal';
}

/** People who answer whoever asks, again and again, whatever dies meanwhile. */
export interface Deciding {
  readonly acknowledged: readonly Acknowledged[];
  /** Calls that failed and were made again later. */
  readonly failed: number;
  stop(): Promise<void>;
}

/**
 * Answers every hand-off of a world's lifecycles, half of them by update and half by signal. A call that fails is made again; one
 * that was accepted is not.
 * @param given - `decide`: what to answer; default: approved.
 */
export function startDeciding(
  world: Pick<World, 'client' | 'switchyard' | 'taskQueue'>,
  given: {
    readonly random: Random;
    readonly decide?: (row: LifecycleRow) => Promise<DecisionInput['decision']>;
  },
): Deciding {
  const acknowledged: Acknowledged[] = [];
  const underWay = new Map<string, Promise<void>>();
  const done = new Set<string>();
  const stopped = new AbortController();
  let failed = 0;
  let people = 0;
  const answer = async (row: LifecycleRow, role: string): Promise<void> => {
    const { workflowId } = row;
    const { switchyard } = world;
    const { waitingFor, evidence } = await switchyard.status(workflowId);
    const question = `${workflowId} ${role} ${evidence ?? ''}`;
    if (evidence === null || !waitingFor.includes(role) || done.has(question)) return;
    const decision = (await given.decide?.(row)) ?? 'approved';
    people += 1;
    const by = `person-${people}@example.com`;
    const input = { role, decision, by, reason: 'chaos', evidence } as const;
    const sentAs = randomInt(given.random, 2) === 0 ? 'update' : 'signal';
    if (sentAs === 'update') await switchyard.decide(workflowId, input);
    else await switchyard.signalDecision(workflowId, input);
    done.add(question);
    acknowledged.push({ workflowId, role, evidence, by, sentAs });
  };
  const begin = (row: LifecycleRow, role: string) => {
    const key = `${row.workflowId} ${role}`;
    if (underWay.size >= AT_ONCE || underWay.has(key)) return;
    const answering = answer(row, role)
      .catch((error: unknown) => {
        // refused: somebody else's answer came first, or the run has ended meanwhile
        if (!isPortError(error) || error.type !== 'InvalidRequest') failed += 1;
      })
      .finally(() => underWay.delete(key));
    underWay.set(key, answering);
  };
  const lifecycles = new Lifecycles(world);
  const deciding = (async () => {
    while (!stopped.signal.aborted) {
      const rows = await lifecycles.newest({ limit: LISTED, open: true }).catch(() => []);
      for (const row of rows) for (const role of row.waitingFor) begin(row, role);
      await pause(LOOK_EVERY_MS);
    }
  })();
  return {
    acknowledged,
    get failed() {
      return failed;
    },
    stop: async () => {
      stopped.abort();
      await deciding;
      await Promise.all(underWay.values()); // one that is left would outlive its connection
    },
  };
}

/** Acknowledged decisions that their lifecycle's outcome does not know, a sentence each. */
export function lostDecisions(
  acknowledged: readonly Acknowledged[],
  outcomes: ReadonlyMap<string, { readonly decisions: readonly { readonly by: string }[] }>,
): readonly string[] {
  return acknowledged.flatMap(({ workflowId, role, by, sentAs }) => {
    const outcome = outcomes.get(workflowId);
    if (outcome === undefined || outcome.decisions.some((each) => each.by === by)) return [];
    return [
      `the ${sentAs} of ${by} as ${role} to ${workflowId} was acknowledged, and is not in its outcome`,
    ];
  });
}
