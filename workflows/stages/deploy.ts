import { durationMs } from '../../domain/duration.js';
import type { RecordedDecision } from '../../domain/decision.js';
import type { Candidate, LifecycleOutcome, Tested } from '../../domain/lifecycle.js';
import { shortDigest } from '../../domain/names.js';
import type { ModelSpec } from '../../domain/spec.js';
import { waiting } from '../activity-options.js';
import type { Undone } from '../ledger.js';
import type { Lifecycle } from '../lifecycle.js';
import { endedAs, wentLive } from '../outcomes.js';

export type Deployed =
  | { readonly kind: 'ended'; readonly outcome: LifecycleOutcome }
  /** Another version than the evidence's baseline is live now. */
  | { readonly kind: 'moved' };

/** Points live at the candidate and waits until every replica serves it. */
export async function deploy(
  lifecycle: Lifecycle,
  given: {
    spec: ModelSpec;
    candidate: Candidate;
    tested: Tested;
    decisions: readonly RecordedDecision[];
  },
): Promise<Deployed> {
  lifecycle.enter('deploy');
  const { spec, candidate, decisions } = given;
  const { run } = lifecycle;
  const { evidence, baseline } = given.tested;
  const { model } = spec;
  const { digest } = candidate;
  lifecycle.ledger.register(`promotion of version ${candidate.version}`, () =>
    undoPromotion({
      model,
      promoted: digest,
      before: baseline,
      requestId: `${run}/undo-promotion/${shortDigest(evidence)}`,
    }),
  );
  const promotion = await waiting('5 minutes').promoteVersion({
    model,
    candidate,
    evidence,
    decisions: [...decisions],
    baseline,
    requestId: `${run}/promote/${shortDigest(evidence)}`,
  });
  if (promotion.kind === 'moved') return { kind: 'moved' };
  if (promotion.kind === 'withdrawn') {
    const reason = 'a fallback has withdrawn this very version; it never serves again';
    return { kind: 'ended', outcome: endedAs('superseded', lifecycle, reason) };
  }
  const { target, minReplicas, deadline } = spec.deploy;
  const patience = `${Math.ceil(durationMs(deadline) / 1_000) + 60} seconds`;
  await waiting(patience).awaitServing({
    ...{ model, digest, generation: promotion.generation },
    ...{ target, minReplicas, deadline },
  });
  lifecycle.ledger.commit();
  return { kind: 'ended', outcome: wentLive(lifecycle, promotion.generation) };
}

async function undoPromotion(
  input: Parameters<ReturnType<typeof waiting>['undoPromotion']>[0],
): Promise<Undone> {
  const { kind, live } = await waiting('5 minutes').undoPromotion(input);
  const shown = live === null ? 'nothing' : shortDigest(live);
  if (kind === 'restored') return { end: 'restored', note: `${shown} is live again` };
  if (kind === 'conflicted') return { end: 'conflicted', note: `${shown} is newer and stays live` };
  return { end: 'already-clean', note: `${shown} is live, as before` };
}
