import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  newSigningKey,
  signDecision,
  signStart,
  type SigningKey,
} from '../../client/signing/signing-key.js';
import type { DecisionInput } from '../../domain/decision.js';
import { emptyTrust, withKey } from '../../domain/signing/trust-edits.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { installRuntime } from '../../testing/runtime.js';
import { until } from '../../testing/until.js';
import { runActivity } from '../activities/run-activity.js';
import type { ChaosGiven, ChaosResult } from '../chaos/chaos-run.js';
import type { LifecycleRequest } from '../../domain/lifecycle.js';
import { asking, ENVIRONMENT, toSign } from '../support/signers.js';
import { approvedBy, EFFECT_ATTACKS, sentenceOf } from './effects.js';
import {
  attackedTrust,
  FORGERIES,
  honest,
  GLASS,
  HAND_OFFS,
  SECOND_FORGERIES,
  type Attacked,
  type Forgery,
} from './forgeries.js';
import { openGate, type GateWorld } from './gate-world.js';
import { PREDICTOR_ATTACKS, servedUnder } from './predictors.js';

/** Honest decisions, by this many people of one role a lifecycle. */
const HONEST = 1_000;
const A_LIFECYCLE = 20;

interface Tally {
  attacks: number;
  readonly codes: Map<string, number>;
  readonly violations: string[];
}

/**
 * `npm run attack -- approvals`: forged, replayed, stale and misdirected decisions against lifecycles that wait, against the writer of
 * `live.json` and against an endpoint; then as many honest ones. None of the first may count, and none of the second be refused.
 */
export async function runApprovals({
  count,
  say,
}: Pick<ChaosGiven, 'count' | 'say'>): Promise<ChaosResult> {
  const metrics = `127.0.0.1:${await freePort()}`;
  installRuntime(metrics);
  const tally: Tally = { attacks: 0, codes: new Map(), violations: [] };
  const { keys, trust } = attackedTrust();
  {
    await using world = await openGate('attacked', {
      trust,
      handOffs: HAND_OFFS,
      breakGlass: GLASS,
    });
    await attackLifecycles(world, keys, tally, say);
    await attackStarts(world, keys, tally, say);
    await attackWriter(world, keys, tally, say);
    await compareCounts(metrics, tally);
  }
  await attackPredictors(tally, say);
  const accepted = await decideHonestly(count ?? HONEST, tally, say);
  const named = [...tally.codes].map(([code, times]) => `${code} ${times}`).sort();
  return {
    figures: [
      `${tally.attacks} attacks, ${tally.violations.length} violations`,
      `refused by name: ${named.join(', ')}`,
      `${accepted} of ${count ?? HONEST} honest decisions accepted`,
    ],
    violations: tally.violations,
  };
}

/** By update and by signal; then where a decision has come already, before there is evidence, and after the end. */
async function attackLifecycles(
  world: GateWorld,
  keys: Attacked['keys'],
  tally: Tally,
  say: ChaosGiven['say'],
): Promise<void> {
  const { switchyard } = world.rig;
  const [target, other] = [await world.waiting(keys.mary), await world.waiting()];
  const attacked: Attacked = { keys, about: target.about, other: other.about };
  for (const forgery of FORGERIES)
    await attackOnce(world, target.workflowId, forgery, attacked, tally);
  say(`${tally.attacks} forged decisions were refused`);
  for (const forgery of FORGERIES)
    await signalOnce(world, target.workflowId, forgery, attacked, tally);
  await expectNothing(world, target.workflowId, tally);
  say('and as signals');
  const answer = honest(keys.ada, target.about);
  await switchyard.decide(target.workflowId, answer);
  for (const forgery of SECOND_FORGERIES) {
    await attackOnce(world, target.workflowId, forgery, attacked, tally);
  }
  await switchyard.decide(target.workflowId, answer); // a retry is no second one
  const { decisions, waitingFor } = await switchyard.status(target.workflowId);
  if (decisions.length !== 1 || !waitingFor.includes('data-science')) {
    tally.violations.push(`one person counts as ${decisions.length}`);
  }
  await attackEdges(world, attacked, tally);
  await switchyard.decide(target.workflowId, honest(keys.grace, target.about));
  await switchyard.decide(
    target.workflowId,
    honest(keys.joan, target.about, { role: 'engineering' }),
  );
  const outcome = await switchyard.outcome(target.workflowId);
  if (outcome.outcome !== 'live') tally.violations.push(`the honest one ended ${outcome.outcome}`);
}

/** Before there is evidence; for a run whose id was used before; after a wish for more data. */
async function attackEdges(world: GateWorld, attacked: Attacked, tally: Tally) {
  const { keys, other } = attacked;
  const { client, switchyard, taskQueue } = world.rig;
  world.hold(true);
  const early = await switchyard.start({ model: world.model });
  const make = () => honest(keys.ada, other);
  await attackOnce(
    world,
    early.workflowId,
    { name: 'before there is evidence', code: 'no-evidence', make },
    attacked,
    tally,
  );
  world.hold(false);
  await switchyard.cancel(early.workflowId);
  // the id of a lifecycle that has ended, by signal with start: another run, with evidence of its own
  const ended = await world.waiting();
  await switchyard.cancel(ended.workflowId);
  await switchyard.outcome(ended.workflowId).catch(() => undefined);
  const again = await client.workflow.signalWithStart('modelLifecycle', {
    ...{ workflowId: ended.workflowId, taskQueue, args: [{ model: world.model }] },
    ...{ signal: 'approve', signalArgs: [honest(keys.ada, ended.about)] },
  });
  await until('the new run asks', async () => {
    const { toSign } = await switchyard.status(again.workflowId);
    return toSign ?? undefined;
  });
  const replayed = () => honest(keys.ada, ended.about);
  await attackOnce(
    world,
    again.workflowId,
    { name: 'an approval of the run before', code: 'stale', make: replayed },
    attacked,
    tally,
  );
  const { toSign: about, decisions } = await switchyard.status(again.workflowId);
  if (decisions.length > 0) tally.violations.push('a signal with a start brought a decision along');
  if (about === null) throw new Error('nobody is asked');
  const evidence = { ...ended.about, evidence: about.evidence };
  const mixed = () => honest(keys.ada, evidence);
  await attackOnce(
    world,
    again.workflowId,
    { name: 'its evidence, the run before', code: 'wrong-run', make: mixed },
    attacked,
    tally,
  );
  await switchyard.cancel(again.workflowId);
}

async function attackOnce(
  world: GateWorld,
  workflowId: string,
  forgery: Forgery,
  attacked: Attacked,
  tally: Tally,
): Promise<void> {
  tally.attacks += 1;
  const handle = world.rig.client.workflow.getHandle(workflowId);
  const message = forgery.make(attacked);
  const code = await handle
    .executeUpdate('decide', { args: [message] })
    .then(() => 'accepted', codeOf);
  note(tally, forgery, code);
}

function codeOf(error: unknown): string {
  if (!(error instanceof WorkflowUpdateFailedError)) throw error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return 'unnamed';
  const [detail]: readonly unknown[] = cause.details ?? [];
  const code: unknown = Reflect.get(Object(detail), 'code');
  return typeof code === 'string' ? code : (cause.type ?? 'unnamed');
}

function note(tally: Tally, { name, code: expected }: Forgery, code: string): void {
  tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
  if (code !== expected) tally.violations.push(`${name}: ${code}, expected ${expected}`);
}

/** A signal has no answer: what was refused shows in the status, and nothing counts. */
async function signalOnce(
  world: GateWorld,
  workflowId: string,
  forgery: Forgery,
  attacked: Attacked,
  tally: Tally,
): Promise<void> {
  tally.attacks += 1;
  await world.rig.client.workflow.getHandle(workflowId).signal('approve', forgery.make(attacked));
}

/** After signals, which are dealt with in their order: what came of them. */
async function expectNothing(world: GateWorld, workflowId: string, tally: Tally): Promise<void> {
  const { decisions, refusals } = await world.rig.switchyard.status(workflowId);
  if (decisions.length > 0) tally.violations.push(`${decisions.length} signals were taken`);
  if (refusals.length === 0) tally.violations.push('no signal shows as refused');
}

/** Starts in somebody's name: the lifecycle fails at its first look, before anything is done. */
async function attackStarts(
  world: GateWorld,
  keys: Attacked['keys'],
  tally: Tally,
  say: ChaosGiven['say'],
): Promise<void> {
  const { model, rig } = world;
  const id = (name: string) => `lifecycle/${model}/${name}`;
  const byMary = await signStart(keys.mary, id('honest'), { model });
  const starts: Readonly<Record<string, [string, LifecycleRequest]>> = {
    'under another id': [id('another'), byMary],
    'with other parameters': [id('honest'), { ...byMary, seed: 7 }],
    'in another name': [id('honest'), { ...byMary, startedBy: keys.ada.person }],
    'of another model': [id('honest'), await signStart(keys.mary, id('honest'), { model: 'ads' })],
    'by a stranger': [id('honest'), await signStart(keys.eve, id('honest'), { model })],
    'by a revoked key': [id('honest'), await signStart(keys.vera, id('honest'), { model })],
    'a decision for a start': [
      id('honest'),
      { ...byMary, signature: honest(keys.mary, toSign()).signature },
    ],
  };
  for (const [name, [workflowId, request]] of Object.entries(starts)) {
    tally.attacks += 1;
    await rig.switchyard.start({ ...request, model }, { workflowId });
    const sentence = await sentenceOf(() => rig.switchyard.outcome(workflowId));
    if (sentence === null || !/is not signed as it says/.test(sentence)) {
      tally.violations.push(`a start ${name}: ${sentence ?? 'it went on'}`);
    }
  }
  say(`${Object.keys(starts).length} starts in somebody's name failed at once`);
}

/** The writer of `live.json`, asked by whoever reaches Temporal. */
async function attackWriter(
  world: GateWorld,
  keys: Attacked['keys'],
  tally: Tally,
  say: ChaosGiven['say'],
): Promise<void> {
  const { about, workflowId } = await world.waiting(keys.mary);
  const promotion = approvedBy(world, keys, about);
  const before = world.trust;
  for (const attack of EFFECT_ATTACKS) {
    tally.attacks += 1;
    const approved = { world, keys, about, promotion };
    const change = await attack.make(approved);
    world.trust = attack.trust?.(approved) ?? before;
    const input = { model: world.model, change, writeId: `attack ${attack.name}` };
    const answer = await answerOf(() => runActivity(world.writeLive, input));
    world.trust = before;
    if (!attack.says.test(answer)) tally.violations.push(`${attack.name}: ${answer}`);
  }
  const honestly = { model: world.model, change: promotion, writeId: 'honest' };
  const refused = await sentenceOf(() => runActivity(world.writeLive, honestly));
  if (refused !== null) tally.violations.push(`the honest promotion was refused: ${refused}`);
  await world.rig.switchyard.cancel(workflowId);
  say(`${EFFECT_ATTACKS.length} promotions without the approvals that they need were not written`);
}

/** The sentence with which a promotion was refused, or what became of it. */
async function answerOf(write: () => Promise<{ readonly kind: string }>): Promise<string> {
  let kind = '';
  const sentence = await sentenceOf(async () => {
    ({ kind } = await write());
  });
  return sentence ?? kind;
}

async function attackPredictors(tally: Tally, say: ChaosGiven['say']): Promise<void> {
  const { keys, trust } = attackedTrust();
  const least = asking(trust, 'tickets', { quorum: 2, roles: ['engineering'] });
  for (const attack of PREDICTOR_ATTACKS) {
    tally.attacks += 1;
    const { served, good, problem } = await servedUnder(least, attack, keys);
    const { says = /people approved it that the trust file asks for/ } = attack;
    if (served !== good || !says.test(problem ?? '')) {
      tally.violations.push(
        `${attack.name}: an endpoint serves it, or says ${problem ?? 'nothing'}`,
      );
    }
  }
  say(
    `${PREDICTOR_ATTACKS.length} versions that live.json named without approvals were not opened`,
  );
}

/** What the worker counted of refusals, by name, is what was refused. */
async function compareCounts(metrics: string, tally: Tally): Promise<void> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  const counted = new Map<string, number>();
  for (const [, code = '', value = ''] of text.matchAll(
    /^switchyard_refused_decisions(?:_total)?\{.*?code="([^"]+)".*?\} (\d+)$/gm,
  )) {
    counted.set(code, (counted.get(code) ?? 0) + Number(value));
  }
  for (const [code, times] of tally.codes) {
    if (code === 'InvalidRequest') continue; // no decision at all: the door refuses it
    const seen = counted.get(code) ?? 0;
    if (seen < times) tally.violations.push(`${code}: ${times} refused, ${seen} counted`);
  }
}

/** Honest people, many of one role, each of whom signs once a lifecycle; how many decisions were taken. */
async function decideHonestly(
  decisions: number,
  tally: Tally,
  say: ChaosGiven['say'],
): Promise<number> {
  const signers: SigningKey[] = [];
  let trust = emptyTrust(ENVIRONMENT);
  for (let index = 0; index < A_LIFECYCLE; index += 1) {
    const key = newSigningKey(`person-${index}@example.com`, ENVIRONMENT);
    signers.push(key);
    trust = withKey(trust, key, ['data-science']);
  }
  const handOffs = [{ role: 'data-science', quorum: A_LIFECYCLE, distinctFrom: [] }];
  await using world = await openGate('honest', { trust, handOffs });
  let accepted = 0;
  for (let made = 0; made < decisions; made += A_LIFECYCLE) {
    const { workflowId, about } = await world.waiting();
    for (const key of signers.slice(0, decisions - made)) {
      const answer = { role: 'data-science', decision: 'approved', reason: 'reads well' } as const;
      const decision: DecisionInput = await signDecision(key, about, answer);
      const refused = await sentenceOf(() => world.rig.switchyard.decide(workflowId, decision));
      if (refused === null) accepted += 1;
      else tally.violations.push(`an honest decision was refused: ${refused}`);
    }
    if (made + A_LIFECYCLE <= decisions) await world.rig.switchyard.outcome(workflowId);
    else await world.rig.switchyard.cancel(workflowId);
  }
  say(`${accepted} honest decisions were accepted`);
  return accepted;
}
