import { condition, workflowInfo } from '@temporalio/workflow';
import { durationMs } from '../../domain/duration.js';
import type { RecordedDecision } from '../../domain/decision.js';
import {
  artifactOf,
  type Candidate,
  type LifecycleOutcome,
  type Tested,
} from '../../domain/lifecycle.js';
import type { LiveChangeResult } from '../../domain/live-state.js';
import { shortDigest } from '../../domain/names.js';
import type { ModelSpec } from '../../domain/spec.js';
import { undoing, waiting } from '../activity-options.js';
import type { Undone } from '../ledger.js';
import type { Lifecycle } from '../lifecycle.js';
import { endedAs, wentLive } from '../outcomes.js';
import { WAS_WITHDRAWN, WENT_LIVE_ALREADY } from './test.js';

/** A frozen promotion is tried again after this, then after twice as long, up to the most; a thaw says so earlier. */
const FIRST_LOOK_MS = 60_000;
const MOST_MS = 3_600_000;

export type Deployed =
  | { readonly kind: 'ended'; readonly outcome: LifecycleOutcome }
  /** Another version than the evidence's baseline is live now, or a key of its approvals is not trusted any more: to be asked again. */
  | { readonly kind: 'ask-again' };

export interface DeployGiven {
  readonly spec: ModelSpec;
  readonly candidate: Candidate;
  readonly tested: Tested;
  readonly decisions: readonly RecordedDecision[];
}

/** Points live at the candidate, once nothing is frozen, and waits until its target serves it. */
export async function deploy(lifecycle: Lifecycle, given: DeployGiven): Promise<Deployed> {
  lifecycle.enter('deploy');
  const { spec, candidate, tested } = given;
  const { model } = spec;
  const { digest } = candidate;
  let unanswered = true;
  lifecycle.ledger.register(`promotion of version ${candidate.version}`, (attempt) => {
    // a try that a person orders has an id of its own, since a request that has failed is answered so again
    const request = `${lifecycle.run}/undo-promotion/${shortDigest(tested.evidence)}`;
    return undoPromotion(lifecycle, {
      model,
      promoted: digest,
      before: tested.baseline,
      promotion: promotionOf(lifecycle, tested),
      unanswered,
      requestId: tryOf(request, attempt),
    });
  });
  const promotion = await promoteOnceThawed(lifecycle, given);
  unanswered = false;
  await lifecycle.journal.written();
  if (promotion.kind === 'lapsed') return { kind: 'ask-again' };
  if (promotion.kind === 'moved' && promotion.live !== digest) return { kind: 'ask-again' };
  if (promotion.kind === 'moved') return superseded(lifecycle, WENT_LIVE_ALREADY);
  if (promotion.kind === 'withdrawn') return superseded(lifecycle, WAS_WITHDRAWN);
  const { target, minReplicas, deadline } = spec.deploy;
  const patience = `${Math.ceil(durationMs(deadline) / 1_000) + 60} seconds`;
  const served = await waiting(patience, `until ${target} serves ${lifecycle.name}`).awaitServing({
    ...{ model, digest, generation: promotion.generation },
    ...{ target, minReplicas, deadline },
  });
  if (served.kind === 'superseded') return superseded(lifecycle, served.note);
  lifecycle.ledger.commit();
  return { kind: 'ended', outcome: wentLive(lifecycle, promotion.generation) };
}

function superseded(lifecycle: Lifecycle, reason: string): Deployed {
  return { kind: 'ended', outcome: endedAs('superseded', lifecycle, reason) };
}

/** What names the promotion on this evidence, in `live.json` too. */
function promotionOf(lifecycle: Lifecycle, { evidence }: Tested): string {
  return `${lifecycle.run}/promote/${shortDigest(evidence)}`;
}

/** The id of a try. A run that began by a reset has tries of its own: what the run before it was answered has been undone since. */
function tryOf(request: string, attempt: number): string {
  const { runId, firstExecutionRunId } = workflowInfo();
  const own = runId === firstExecutionRunId ? 0 : Number.parseInt(runId.slice(-8), 16);
  const number = own + attempt;
  return number === 1 ? request : `${request}/${number}`;
}

/** Each try has an id of its own, since `liveModel` gives a request that it has seen its first answer. */
async function promoteOnceThawed(
  lifecycle: Lifecycle,
  { spec, candidate, tested, decisions }: DeployGiven,
): Promise<LiveChangeResult> {
  const { evidence, baseline } = tested;
  const served = { ...candidate, artifact: artifactOf(candidate, tested) };
  const request = promotionOf(lifecycle, tested);
  for (let attempt = 1; ; attempt += 1) {
    const { looks } = lifecycle; // before it asks, so that no thaw is missed
    const answer = await waiting('5 minutes', `promote ${lifecycle.name}`).promoteVersion({
      ...{ model: spec.model, candidate: served, evidence, decisions: [...decisions], baseline },
      requestId: tryOf(request, attempt),
      asker: workflowInfo().workflowId,
    });
    if (answer.kind !== 'frozen') {
      lifecycle.waitsForThaw(null);
      return answer;
    }
    lifecycle.waitsForThaw(answer.frozen ?? null);
    const patienceMs = Math.min(FIRST_LOOK_MS * 2 ** (attempt - 1), MOST_MS);
    await condition(() => lifecycle.looks !== looks, patienceMs, {
      summary: `until a thaw of ${spec.model}, at most`,
    });
  }
}

async function undoPromotion(
  lifecycle: Lifecycle,
  input: Parameters<ReturnType<typeof waiting>['undoPromotion']>[0],
): Promise<Undone> {
  const undo = undoing(`undo the promotion of ${lifecycle.name}`);
  const { kind, live } = await undo.undoPromotion(input);
  const shown = live === null ? 'nothing' : shortDigest(live);
  if (kind === 'restored') return { end: 'restored', note: `${shown} is live again` };
  if (kind === 'forgotten') {
    const note = `${shown} is newer and stays live; nothing goes back to this version`;
    return { end: 'conflicted', note };
  }
  if (kind === 'conflicted') return { end: 'conflicted', note: `${shown} is newer and stays live` };
  return { end: 'already-clean', note: `${shown} is live, as before` };
}
