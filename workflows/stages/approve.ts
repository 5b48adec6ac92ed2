import {
  ActivityFailure,
  condition,
  isCancellation,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import type { RecordedDecision } from '../../domain/decision.js';
import { durationMs } from '../../domain/duration.js';
import { artifactOf, type Signing, type Tested } from '../../domain/lifecycle.js';
import {
  isGlassBroken,
  openRoles,
  policyOfRoles,
  withoutSpares,
  type ApprovalPolicy,
} from '../../domain/signing/policy.js';
import type { AboutDecision } from '../../domain/signing/statement.js';
import type { ModelSpec } from '../../domain/spec.js';
import { bookkeeping } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import { count } from '../measure.js';

export type Approval =
  | { readonly kind: 'approved'; readonly decisions: readonly RecordedDecision[] }
  | { readonly kind: 'needs-more-data' }
  | { readonly kind: 'ended'; readonly outcome: 'refused' | 'expired'; readonly reason: string };

/** Characters of a notice. */
const TEXT_KEPT = 4_000;

/** When a role that is asked must answer, and when it is told again. */
interface Asked {
  readonly role: string;
  readonly expiresAt: number;
  readonly reminderMs: number;
  remindAt: number;
  /** When another role is asked besides. */
  escalateAt: number;
}

/** Puts the evidence before the roles and waits for their decisions, each with a deadline and reminders. */
export async function approve(
  lifecycle: Lifecycle,
  spec: ModelSpec,
  tested: Tested,
): Promise<Approval> {
  const { desk } = lifecycle;
  const { evidence, signing } = tested;
  const table = { evidence, policy: policyFor(tested), order: spec.approve.order };
  desk.open(
    table,
    signing === undefined ? null : { signing, about: aboutOf(lifecycle, tested, signing) },
  );
  lifecycle.enter('approve');
  const approval = await waitForDecisions(lifecycle, spec);
  desk.close(approval.kind === 'ended' ? approval.outcome : approval.kind);
  lifecycle.journal.decided(desk.decisions);
  const isApproved = approval.kind === 'approved';
  if (isApproved && isGlassBroken(desk.policy, desk.decisions)) await tellOfBrokenGlass(lifecycle);
  else if (!isApproved) await lifecycle.journal.written();
  return approval; // approved: written beside the promotion, which holds the decisions itself
}

async function waitForDecisions(lifecycle: Lifecycle, spec: ModelSpec): Promise<Approval> {
  const { desk } = lifecycle;
  const asked = new Map<string, Asked>();
  for (;;) {
    const settled = settledBy(desk.decisions, desk.policy);
    if (settled) return settled;
    const seen = desk.decisions.length;
    for (const role of desk.waitingFor().filter((each) => !asked.has(each))) {
      const handOff = askedNow(spec, role, asked);
      asked.set(role, handOff);
      lifecycle.asks(role, handOff.expiresAt);
      lifecycle.show();
      await tell(lifecycle, 'hand-off', role);
    }
    if (desk.decisions.length !== seen) continue; // one came while a role was told
    const waiting = [...asked.values()].filter(({ role }) => desk.waitingFor().includes(role));
    const wakeAt = Math.min(
      ...waiting.map((each) => Math.min(each.expiresAt, each.remindAt, each.escalateAt)),
    );
    const answered = await condition(
      () => desk.decisions.length !== seen,
      Math.max(1, wakeAt - Date.now()),
      { summary: `deadline or reminder of ${desk.waitingFor().join(', ')}` },
    );
    if (answered) continue;
    const late = waiting.find(({ expiresAt }) => expiresAt <= Date.now());
    if (late)
      return { kind: 'ended', outcome: 'expired', reason: `"${late.role}" did not answer in time` };
    for (const each of waiting.filter(({ escalateAt }) => escalateAt <= Date.now())) {
      each.escalateAt = Number.POSITIVE_INFINITY;
      desk.escalate(each.role);
    }
    for (const each of waiting.filter(({ remindAt }) => remindAt <= Date.now())) {
      each.remindAt = Date.now() + each.reminderMs;
      await tell(lifecycle, 'reminder', each.role);
    }
  }
}

/** The evidence's policy, and one person of each role that a workflow of one's own asks besides. */
function policyFor({ policy = policyOfRoles([]), roles }: Tested): ApprovalPolicy {
  const others = roles.filter((role) => !policy.handOffs.some((each) => each.role === role));
  const handOffs = [...policy.handOffs, ...policyOfRoles(others).handOffs];
  return withoutSpares({ ...policy, handOffs }, (role) => !others.includes(role));
}

/** What a signed decision must be about. */
function aboutOf(
  { candidate, request, run }: Lifecycle,
  tested: Tested,
  { nonce }: Signing,
): AboutDecision {
  if (candidate === null) throw new Error('nobody is asked about no candidate');
  const { workflowId: wid } = workflowInfo();
  const { evidence, baseline } = tested;
  const { digest: manifest } = candidate;
  const artifact = artifactOf(candidate, tested);
  return { wid, run, model: request.model, manifest, artifact, baseline, evidence, nonce };
}

function settledBy(
  decisions: readonly RecordedDecision[],
  policy: ApprovalPolicy,
): Approval | null {
  const other = decisions.find(({ decision }) => decision !== 'approved');
  if (other?.decision === 'needs-more-data') return { kind: 'needs-more-data' };
  if (other) {
    const reason = `${other.by} (${other.role}): ${other.reason}`;
    return { kind: 'ended', outcome: 'refused', reason };
  }
  return openRoles(policy, decisions).length === 0 ? { kind: 'approved', decisions } : null;
}

function askedNow(spec: ModelSpec, role: string, asked: ReadonlyMap<string, Asked>): Asked {
  const never = Number.POSITIVE_INFINITY;
  const { handOffs } = spec.approve;
  const instead = handOffs.find(({ escalation }) => escalation?.to === role);
  const before = instead && asked.get(instead.role);
  if (before) {
    const { expiresAt } = before;
    return { role, expiresAt, reminderMs: never, remindAt: never, escalateAt: never };
  }
  const handOff = handOffs.find((each) => each.role === role);
  const deadline = handOff?.deadline ?? spec.gather.deadline; // an owner who is asked about an open gate
  const reminderMs = handOff?.reminder === undefined ? never : durationMs(handOff.reminder);
  const escalation = handOff?.escalation;
  return {
    role,
    expiresAt: Date.now() + durationMs(deadline),
    reminderMs,
    remindAt: Date.now() + reminderMs,
    escalateAt: escalation === undefined ? never : Date.now() + durationMs(escalation.after),
  };
}

/** Those who were not waited for hear of it, from whom it was and why. */
async function tellOfBrokenGlass(lifecycle: Lifecycle): Promise<void> {
  const { candidate, desk, request } = lifecycle;
  const { breakGlass, handOffs } = desk.policy;
  const broke = desk.decisions.filter(({ role }) => role === breakGlass?.role);
  const version = candidate?.version ?? 0;
  const roles = handOffs.map(({ role }) => role);
  const people = [...new Set(broke.map(({ by }) => by))];
  await lifecycle.journal.glassBroken(people, roles);
  count('switchyard_broken_glass', { model: request.model });
  log.warn('the glass was broken', { version, by: people });
  const why = broke.map(({ by, reason }) => `${by}: ${reason}`).join('; ');
  await notify(lifecycle, {
    ...{ kind: 'break-glass', roles },
    text: `version ${version} of "${request.model}" is approved by broken glass, without your decision on evidence ${desk.evidence ?? ''}: ${why}`,
  });
}

async function tell(
  lifecycle: Lifecycle,
  kind: 'hand-off' | 'reminder',
  role: string,
): Promise<void> {
  const { candidate, desk, request } = lifecycle;
  await notify(lifecycle, {
    ...{ kind, roles: [role] },
    text: `${role}: version ${candidate?.version ?? 0} of "${request.model}" waits for your decision on evidence ${desk.evidence ?? ''}`,
  });
}

/** A notice that cannot be delivered is logged; it never stops a lifecycle. */
async function notify(
  lifecycle: Lifecycle,
  given: {
    readonly kind: 'hand-off' | 'reminder' | 'break-glass';
    readonly roles: string[];
    readonly text: string;
  },
): Promise<void> {
  const { workflowId } = workflowInfo();
  const { model } = lifecycle.request;
  const text = given.text.slice(0, TEXT_KEPT);
  try {
    await bookkeeping(`${given.kind} to ${given.roles.join(', ')}: ${lifecycle.name}`).notify({
      ...{ ...given, model, workflowId, text },
    });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { kind, roles } = given;
    log.warn('a notice was not delivered', { kind, roles, cause: error.cause?.message });
  }
}
