import { setTimeout as pause } from 'node:timers/promises';
import type { LifecycleOutcome } from '../../../domain/lifecycle.js';
import { liveVersionOf } from '../../../domain/live-state.js';
import { shortDigest } from '../../../domain/names.js';
import { randomInt, seededRandom, type Random } from '../../../domain/random.js';
import { until } from '../../../testing/until.js';
import type { ChaosGiven, ChaosResult } from '../chaos-run.js';
import { violationsOf } from '../invariants.js';
import { openWorld, type World } from '../world.js';

const WORKERS = 2;
/** Pairs that race at the same time. */
const AT_ONCE = 5;
/** After both are approved, one of some pairs is cancelled within this. */
const CANCEL_WITHIN_MS = 300;
const PATIENCE_MS = 240_000;
const ROLE = 'data-science';

/** Different versions; the same version twice; and one of two is cancelled while both deploy. */
const KINDS = ['two versions', 'twins', 'one cancelled'] as const;
type PairKind = (typeof KINDS)[number];

interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

interface Ended extends Run {
  /** Null: it was cancelled, or failed. */
  readonly outcome: LifecycleOutcome | null;
}

/** Pairs of lifecycles on one model each, approved at the same moment: one goes live, and the other touches nothing but its own. */
export async function racePairs(
  given: Pick<ChaosGiven, 'seed' | 'say'> & { readonly pairs: number },
): Promise<ChaosResult> {
  const { seed, say, pairs } = given;
  const random = seededRandom(seed);
  const startedMs = performance.now();
  const models = Array.from({ length: pairs }, (_, index) => `pair-${index + 1}`);
  const world = await openWorld({
    models: Object.fromEntries(models.map((model) => [model, 'gathered' as const])),
  });
  const ends = new Map<string, number>();
  const violations: string[] = [];
  const started: string[] = [];
  try {
    await Promise.all(Array.from({ length: WORKERS }, () => world.startWorker()));
    for (let from = 0; from < pairs; from += AT_ONCE) {
      const some = models.slice(from, from + AT_ONCE).map((model, index) => {
        const kind = KINDS[(from + index) % KINDS.length] ?? 'two versions';
        return { model, kind, random: seededRandom(randomInt(random, 2 ** 31)) };
      });
      const raced = await Promise.all(some.map((each) => racePair(world, each)));
      for (const { runs, end, violations: found } of raced) {
        started.push(...runs.map(({ workflowId }) => workflowId));
        ends.set(end, (ends.get(end) ?? 0) + 1);
        violations.push(...found);
      }
      say(`pairs: ${Math.min(from + AT_ONCE, pairs)} of ${pairs}`);
    }
    const { store, client, mark, pids } = world;
    await world.stopProcesses();
    violations.push(...(await violationsOf({ store, client, models, started, mark, pids })));
  } finally {
    await world[Symbol.asyncDispose]();
  }
  const told = [...ends].map(([end, times]) => `${end} ${times}`).sort();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  return {
    figures: [`pairs: ${pairs} of lifecycles on one model each, ${seconds} s: ${told.join('; ')}`],
    violations,
  };
}

async function racePair(
  world: World,
  { model, kind, random }: { model: string; kind: PairKind; random: Random },
): Promise<{ runs: readonly Run[]; end: string; violations: readonly string[] }> {
  const { switchyard } = world;
  const seeds = kind === 'twins' ? [1, 1] : [1, 2];
  const runs = await Promise.all(seeds.map((seed) => switchyard.start({ model, seed })));
  const evidence = await Promise.all(runs.map((run) => askedFor(world, run, null)));
  const approvals = runs.map((run, index) => decide(world, run, evidence[index] ?? '', 'approved'));
  if (kind === 'one cancelled') {
    await pause(randomInt(random, CANCEL_WITHIN_MS));
    const { workflowId } = runs[randomInt(random, 2)] ?? { workflowId: '' };
    await switchyard.cancel(workflowId).catch(() => undefined); // it may have ended already
  }
  await Promise.allSettled(approvals);
  const ended = await Promise.all(
    runs.map((run, index) =>
      seeToTheEnd(world, run, runs[1 - index] ?? run, evidence[index] ?? ''),
    ),
  );
  return {
    runs,
    end: `${kind}: ${ended
      .map(({ outcome }) => outcome?.outcome ?? 'cancelled')
      .sort()
      .join(' and ')}`,
    violations: await winnerViolations(world, model, kind, ended),
  };
}

/** Resolves to the evidence on the table once the role is asked about other evidence than `before`; to null where it ended. */
async function askedFor(
  { switchyard, client }: World,
  { workflowId }: Run,
  before: string | null,
): Promise<string | null> {
  const found = await until(
    `${workflowId} asks or ends`,
    async () => {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      if (status.name !== 'RUNNING') return { evidence: null };
      const { waitingFor, evidence } = await switchyard.status(workflowId);
      const asks = waitingFor.includes(ROLE) && evidence !== null && evidence !== before;
      if (asks) return { evidence };
      await pause(LOOK_EVERY_MS);
      return undefined;
    },
    PATIENCE_MS,
  );
  return found.evidence;
}

const LOOK_EVERY_MS = 100;

async function decide(
  { switchyard }: World,
  { workflowId }: Run,
  evidence: string,
  decision: 'approved' | 'rejected',
): Promise<void> {
  const by = 'ada@example.com';
  await switchyard.decide(workflowId, { role: ROLE, decision, by, reason: 'the race', evidence });
}

/** A loser that asks again is refused where the other is live, and approved where nobody is. */
async function seeToTheEnd(world: World, run: Run, other: Run, approved: string): Promise<Ended> {
  let last = approved;
  for (;;) {
    const evidence = await askedFor(world, run, last);
    if (evidence === null) return { ...run, outcome: await outcomeOf(world, run) };
    last = evidence;
    await untilEnded(world, other);
    const otherOutcome = await outcomeOf(world, other);
    const isLost = otherOutcome?.outcome === 'live';
    await decide(world, run, evidence, isLost ? 'rejected' : 'approved');
  }
}

async function untilEnded({ client }: World, { workflowId }: Run): Promise<void> {
  await until(
    `${workflowId} ends`,
    async () => {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      if (status.name !== 'RUNNING') return true;
      await pause(LOOK_EVERY_MS);
      return undefined;
    },
    PATIENCE_MS,
  );
}

function outcomeOf({ switchyard }: World, { workflowId }: Run): Promise<LifecycleOutcome | null> {
  return switchyard.outcome(workflowId).catch(() => null);
}

/** One is live, it is what `live.json` names, by its own promotion, and nothing was rolled back that was not its own. */
async function winnerViolations(
  world: World,
  model: string,
  kind: PairKind,
  ended: readonly Ended[],
): Promise<string[]> {
  const winners = ended.filter(({ outcome }) => outcome?.outcome === 'live');
  const [winner] = winners;
  const told = ended.map(({ outcome }) => outcome?.outcome ?? 'no outcome').join(' and ');
  if (winner?.outcome?.outcome !== 'live' || winners.length !== 1) {
    return [`${model} (${kind}) has ${winners.length} winners: ${told}`];
  }
  const state = (await world.registry.live(model))?.state ?? null;
  const live = state === null ? null : liveVersionOf(state);
  const violations: string[] = [];
  if (live?.digest !== winner.outcome.digest) {
    violations.push(
      `${model} (${kind}): ${shortDigest(winner.outcome.digest)} won, and ${live === null ? 'nothing' : shortDigest(live.digest)} is live`,
    );
  }
  if (live?.promotion?.startsWith(`${winner.runId}/`) !== true) {
    violations.push(`${model} (${kind}): what is live was not put there by its winner`);
  }
  // a promotion; where one was cancelled perhaps its own promotion and its undo before, or the undo of a promotion that nobody answered
  const most = kind === 'one cancelled' ? 3 : 1;
  const { generation = 0, served = [], withdrawn = [] } = state ?? {};
  if (served.length > 1 || withdrawn.length > 0) {
    violations.push(`${model} (${kind}): something of who did not win is left in live.json`);
  }
  if (generation > most) {
    violations.push(
      `${model} (${kind}) is at generation ${generation}; somebody rolled back what was not his`,
    );
  }
  return violations;
}
