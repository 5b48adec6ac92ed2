import { definitionOf } from '../domain/gate.js';
import type { LifecycleOutcome, LifecycleRequest, Tested } from '../domain/lifecycle.js';
import type { Lifecycle } from './lifecycle.js';
import { convertedNot, endedAs, rejectedByGates } from './outcomes.js';
import { runLifecycle } from './run-lifecycle.js';
import { approve } from './stages/approve.js';
import { convert } from './stages/convert.js';
import { deploy } from './stages/deploy.js';
import { gatherOnce, testUntilSettled, type Settled } from './stages/test.js';
import { resolveSpec, retrain } from './stages/retrain.js';

/**
 * One candidate, from retrain to live. A business "no" (rejected, refused, expired, superseded) is a returned outcome; only a
 * terminal technical error fails the run. However it ends, what it did not finish is undone first.
 */
export function modelLifecycle(request: LifecycleRequest): Promise<LifecycleOutcome> {
  return runLifecycle(request, travel);
}

async function travel(lifecycle: Lifecycle): Promise<LifecycleOutcome> {
  const spec = await resolveSpec(lifecycle);
  const trained = await retrain(lifecycle, spec);
  const converted = await convert(lifecycle, spec, trained);
  if (converted.kind === 'parity-missed') return convertedNot(lifecycle, converted.finding);
  const { candidate } = converted;
  let heldOut = trained.snapshots.heldOut;
  let before: Settled | undefined; // its baseline moved: only what depends on that is measured anew
  for (let round = 1; ; round += 1) {
    const system = before?.verdict === 'passed' ? before.system : undefined;
    const given = { spec, trained, candidate, heldOut, round, system };
    const tested = await testUntilSettled(lifecycle, given);
    heldOut = tested.heldOut;
    if (tested.pointless !== null) return endedAs('superseded', lifecycle, tested.pointless);
    if (tested.verdict === 'failed' && before !== undefined && isOutdone(tested)) {
      return endedAs('superseded', lifecycle, OUTDONE);
    }
    if (tested.verdict === 'failed') return rejectedByGates(lifecycle);
    const approval = await approve(lifecycle, spec, tested);
    if (approval.kind === 'ended') return endedAs(approval.outcome, lifecycle, approval.reason);
    if (approval.kind === 'needs-more-data') {
      heldOut = await gatherOnce(lifecycle, spec, trained);
      before = undefined;
      continue;
    }
    const { decisions } = approval;
    const deployed = await deploy(lifecycle, { spec, candidate, tested, decisions });
    if (deployed.kind === 'ended') return deployed.outcome;
    before = tested;
  }
}

const OUTDONE = 'a newer version went live, and this one is no match for it';

/** Whether a gate failed that compares with what is live, as opposed to one that it would miss in any case. */
function isOutdone({ table }: Tested): boolean {
  return table.some(
    ({ gate, verdict }) => verdict === 'failed' && definitionOf(gate)?.relative === true,
  );
}
