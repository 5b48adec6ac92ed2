import { sleep } from '@temporalio/workflow';
import { durationMs } from '../../domain/duration.js';
import type { Candidate, SnapshotRef, Tested } from '../../domain/lifecycle.js';
import type { ModelSpec } from '../../domain/spec.js';
import { bookkeeping, onQueue, waiting } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import { count } from '../measure.js';
import type { Retrained } from './retrain.js';

export interface TestGiven {
  readonly spec: ModelSpec;
  readonly trained: Retrained;
  readonly candidate: Candidate;
  readonly heldOut: SnapshotRef;
  /** Which round of tests of this lifecycle it is, from 1. */
  readonly round: number;
}

/** A result, and the held-out rows it rests on. */
export type Settled = Tested & { readonly heldOut: SnapshotRef };

/**
 * Measures and judges. While a gate is inconclusive, newer held-out rows are gathered, up to the budget of `gather`; what is
 * then still open (or could not be measured) goes to people: it never becomes a pass or a fail by itself.
 */
export async function testUntilSettled(lifecycle: Lifecycle, given: TestGiven): Promise<Settled> {
  const until = Date.now() + durationMs(given.spec.gather.deadline);
  let { heldOut } = given;
  let tested = await test(lifecycle, { ...given, heldOut }, given.round * 100);
  for (let again = 1; tested.verdict === 'inconclusive' && Date.now() < until; again += 1) {
    const gathered = await gatherOnce(lifecycle, given.spec, given.trained);
    if (gathered.digest === heldOut.digest) continue; // no newer rows
    heldOut = gathered;
    tested = await test(lifecycle, { ...given, heldOut }, given.round * 100 + again);
  }
  lifecycle.carry({ tested });
  return { ...tested, heldOut };
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

async function test(lifecycle: Lifecycle, given: TestGiven, round: number): Promise<Tested> {
  lifecycle.enter('test');
  const { spec, candidate, heldOut } = given;
  const input = { spec, candidate, heldOut, run: lifecycle.run, round };
  const [system, quality] = await Promise.all([
    onQueue('test', '30 minutes', `how ${lifecycle.name} runs`).measureSystem(input),
    onQueue('test', '30 minutes', `how right ${lifecycle.name} is`).measureQuality(input),
  ]);
  const { staged, baseline } = quality;
  const measured = { ...input, system, quality: staged, baseline };
  const tested = await waiting('5 minutes', `judge ${lifecycle.name}`).assembleEvidence(measured);
  for (const { gate, verdict } of tested.table) {
    count('switchyard_gates', { model: spec.model, metric: gate.metric, verdict });
  }
  return tested;
}
