/** Workflows of this project's own, composed of the stages; in a project they come from 'switchyard/workflows'. */
import type { LifecycleOutcome, LifecycleRequest, Tested } from '../../domain/lifecycle.js';
import {
  approve,
  convert,
  convertedNot,
  deploy,
  endedAs,
  rejectedByGates,
  resolveSpec,
  retrain,
  runLifecycle,
  testUntilSettled,
  type Lifecycle,
} from '../../workflows/compose.js';

/** Who looks at a night's version that is not clearly as good as the one before. */
const MORNING_SHIFT = 'data-science';

/**
 * Retrains, converts and tests by night. A version that is measurably no worse than the live one goes live by itself; any other
 * that passed its gates, the very first one too, waits for people in the morning.
 */
export function nightlyRefresh(request: LifecycleRequest): Promise<LifecycleOutcome> {
  return runLifecycle(request, throughTheNight);
}

async function throughTheNight(lifecycle: Lifecycle): Promise<LifecycleOutcome> {
  const spec = await resolveSpec(lifecycle);
  const trained = await retrain(lifecycle, spec);
  const converted = await convert(lifecycle, spec, trained);
  if (converted.kind === 'parity-missed') return convertedNot(lifecycle, converted.finding);
  const { candidate } = converted;
  const { heldOut } = trained.snapshots;
  const given = { spec, trained, candidate, heldOut, round: 1 };
  const tested = await testUntilSettled(lifecycle, given);
  if (tested.verdict === 'failed') return rejectedByGates(lifecycle);
  const roles = isNoWorse(tested) ? tested.roles : [...tested.roles, MORNING_SHIFT];
  const approval = await approve(lifecycle, spec, { ...tested, roles });
  if (approval.kind === 'ended') return endedAs(approval.outcome, lifecycle, approval.reason);
  if (approval.kind === 'needs-more-data') {
    return endedAs('refused', lifecycle, 'more data was asked for: the next night brings it');
  }
  const { decisions } = approval;
  const deployed = await deploy(lifecycle, { spec, candidate, tested, decisions });
  if (deployed.kind === 'ended') return deployed.outcome;
  return endedAs('superseded', lifecycle, 'another version went live during the night');
}

/** Nothing to compare with is not "no worse". */
function isNoWorse({ verdict, table }: Tested): boolean {
  const difference = table.find(({ gate }) => gate.metric === 'accuracy-difference')?.value;
  return verdict === 'passed' && typeof difference === 'number' && difference >= 0;
}
