import { CancellationScope, sleep } from '@temporalio/workflow';
import { durationMs } from '../../domain/duration.js';
import type { Candidate, SnapshotRef, Staged, Tested } from '../../domain/lifecycle.js';
import type { ModelSpec } from '../../domain/spec.js';
import { signedRequest } from '../../domain/signing/verify-start.js';
import { bookkeeping, onQueue, waiting } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import { count } from '../measure.js';
import type { Retrained } from './retrain.js';
import { registerStaging } from './staging.js';

/** Why a candidate is pointless that is live already, by another lifecycle's promotion. */
export const WENT_LIVE_ALREADY = 'this very version is live already';
/** Why a candidate is pointless that a fallback once left. */
export const WAS_WITHDRAWN = 'a fallback has withdrawn this very version; it never serves again';

export interface TestGiven {
  readonly spec: ModelSpec;
  readonly trained: Retrained;
  readonly candidate: Candidate;
  readonly heldOut: SnapshotRef;
  /** Which round of tests of this lifecycle it is, from 1. */
  readonly round: number;
  /** How it runs, where an earlier round has measured that: what is live now makes no difference to it. */
  readonly system?: Staged | undefined;
}

/** A result, the held-out rows it rests on, and how it runs. */
export interface Settled extends Tested {
  readonly heldOut: SnapshotRef;
  readonly system: Staged;
  /** Why nobody needs to be asked, whatever the gates say: the version is live, or withdrawn; null where it can go live. */
  readonly pointless: string | null;
}

/**
 * Measures and judges. While a gate is inconclusive, newer held-out rows are gathered, up to the budget of `gather`; what is
 * then still open (or could not be measured) goes to people: it never becomes a pass or a fail by itself.
 */
export async function testUntilSettled(lifecycle: Lifecycle, given: TestGiven): Promise<Settled> {
  const until = Date.now() + durationMs(given.spec.gather.deadline);
  let settled = await test(lifecycle, given, given.round * 100);
  for (let again = 1; isUnsettled(settled) && Date.now() < until; again += 1) {
    const heldOut = await gatherOnce(lifecycle, given.spec, given.trained);
    if (heldOut.digest === settled.heldOut.digest) continue; // no newer rows
    const newer = { ...given, heldOut, system: undefined };
    settled = await test(lifecycle, newer, given.round * 100 + again);
  }
  lifecycle.carry({ tested: settled, heldOut: settled.heldOut });
  return settled;
}

function isUnsettled({ verdict, pointless }: Settled): boolean {
  return verdict === 'inconclusive' && pointless === null;
}

/** Waits `gather.every`, then takes the held-out rows anew. */
export async function gatherOnce(
  lifecycle: Lifecycle,
  spec: ModelSpec,
  trained: Retrained,
): Promise<SnapshotRef> {
  lifecycle.enter('gather');
  await sleep(durationMs(spec.gather.every), { summary: `newer rows for ${lifecycle.name}` });
  return bookkeeping(`newer rows of ${spec.train.source} for ${lifecycle.name}`).takeHeldOut({
    spec,
    train: trained.snapshots.train,
  });
}

async function test(lifecycle: Lifecycle, given: TestGiven, round: number): Promise<Settled> {
  lifecycle.enter('test');
  registerStaging(lifecycle);
  const { spec, candidate, heldOut } = given;
  const input = { spec, candidate, heldOut, run: lifecycle.run, round };
  const [system, quality] = await together(
    async () => {
      if (given.system !== undefined) return given.system;
      return onQueue('test', '30 minutes', `how ${lifecycle.name} runs`).measureSystem(input);
    },
    () => onQueue('test', '30 minutes', `how right ${lifecycle.name} is`).measureQuality(input),
  );
  const { staged, baseline, isWithdrawn = false } = quality;
  const { starter, request } = lifecycle;
  const start = starter === null ? null : signedRequest(request);
  const measured = {
    ...input,
    system,
    quality: staged,
    baseline,
    ...(start !== null && { starter, start }),
  };
  // no undo: evidence is immutable, beside a version that stays, and lets nothing go live by itself
  const tested = await waiting('5 minutes', `judge ${lifecycle.name}`).assembleEvidence(measured);
  for (const { gate, verdict } of tested.table) {
    count('switchyard_gates', { model: spec.model, metric: gate.metric, verdict });
  }
  const isLive = baseline === candidate.digest;
  const pointless = isWithdrawn ? WAS_WITHDRAWN : isLive ? WENT_LIVE_ALREADY : null;
  return { ...tested, heldOut, system, pointless };
}

/** Two at once. Where one fails, or both are cancelled, both have ended before this does: undo begins when nothing writes any more. */
function together<One, Other>(
  one: () => Promise<One>,
  other: () => Promise<Other>,
): Promise<[One, Other]> {
  return CancellationScope.cancellable(async () => {
    const running = [one(), other()] as const;
    try {
      return await Promise.all(running);
    } catch (error) {
      CancellationScope.current().cancel();
      await Promise.allSettled(running);
      throw error;
    }
  });
}
