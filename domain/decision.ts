import { z } from 'zod';
import { digestSchema, instantSchema, nameSchema, shortDigest } from './names.js';
import {
  handOffOf,
  isGlassBroken,
  openRoles,
  refusalByPolicy,
  type ApprovalPolicy,
} from './signing/policy.js';
import { refusalBecause, type Refusal } from './signing/refusal.js';

/** An answer to a hand-off, as an approver sends it. */
export const decisionSchema = z.strictObject({
  /** The hand-off: the role that was asked. */
  role: nameSchema,
  decision: z.enum(['approved', 'rejected', 'needs-more-data']),
  /** Who decides; where decisions are not signed it is a claim. */
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  /** Digest of the evidence that was read. */
  evidence: digestSchema,
  /** A signed statement of all this (compact JWS); null where decisions are not signed. */
  signature: z.string().max(8_192).nullable().default(null),
});
export type Decision = z.infer<typeof decisionSchema>;
/** What an approver writes; the signature may be left out. */
export type DecisionInput = z.input<typeof decisionSchema>;

/** A decision that was accepted, with the server's time. */
export const recordedDecisionSchema = decisionSchema.extend({ at: instantSchema });
export type RecordedDecision = z.infer<typeof recordedDecisionSchema>;

/** Where an open question stands. */
export interface DeskState {
  /** Digest of the evidence that is on the table; null while there is none. */
  readonly evidence: string | null;
  readonly order: 'in-order' | 'in-parallel';
  /** Who must approve it. */
  readonly policy: ApprovalPolicy;
  readonly decisions: readonly RecordedDecision[];
  /** Roles of hand-offs that were escalated: another role is asked besides. */
  readonly escalated: readonly string[];
  /** Why no more decisions are taken; null while they are. */
  readonly closed: string | null;
}

/**
 * Why a decision cannot be taken, or null where it can; whether it is signed as it must be is another question.
 * An early one (before its role's turn, but on the current evidence) is taken and kept.
 */
export function refusalOf(decision: Decision, desk: DeskState): Refusal | null {
  if (desk.closed !== null)
    return refusalBecause('closed', `the hand-off is closed: ${desk.closed}`);
  if (desk.evidence === null) {
    return refusalBecause(
      'no-evidence',
      'there is no evidence yet to decide on; ask for the status and try again',
    );
  }
  const notAsked = refusalOfRole(decision, desk);
  if (notAsked !== null) return notAsked;
  if (decision.evidence !== desk.evidence) {
    return refusalBecause(
      'stale',
      `the decision names evidence ${shortDigest(decision.evidence)}, but ${shortDigest(desk.evidence)} is on the table; read it and decide again`,
    );
  }
  return refusalOfSecond(decision, desk) ?? refusalByPolicy(desk.policy, decision, desk.decisions);
}

/** Where the role has no say in it. */
function refusalOfRole({ role, decision }: Decision, desk: DeskState): Refusal | null {
  const { handOffs, breakGlass } = desk.policy;
  if (breakGlass?.role === role) {
    if (decision === 'approved') return null;
    return refusalBecause('not-asked', `"${role}" may break the glass, which is to approve`);
  }
  const handOff = handOffOf(desk.policy, role);
  const roles = handOffs.map((each) => each.role);
  if (handOff === undefined) {
    const sentence = `the role "${role}" is not asked; asked are ${roles.join(', ') || 'none'}`;
    return refusalBecause('not-asked', sentence);
  }
  if (handOff.role === role || desk.escalated.includes(handOff.role)) return null;
  return refusalBecause(
    'not-asked',
    `"${role}" is asked once "${handOff.role}" has not answered in time`,
  );
}

/** Where the role has decided already, or this person for it. */
function refusalOfSecond(decision: Decision, desk: DeskState): Refusal | null {
  const handOff = (role: string) => handOffOf(desk.policy, role)?.role ?? role;
  const earlier = desk.decisions.filter((each) => handOff(each.role) === handOff(decision.role));
  if (earlier.some((each) => sameDecision(each, decision))) return null;
  const own = earlier.find(({ by }) => by === decision.by);
  const last = own ?? (isOpen(desk, decision.role) ? undefined : earlier.at(-1));
  if (last === undefined) return null;
  const did = last.decision === 'needs-more-data' ? 'asked for more data' : last.decision;
  return refusalBecause(
    'already',
    `"${decision.role}" has already ${did} (${last.by}, ${last.at})`,
  );
}

const isOpen = ({ policy, decisions }: DeskState, role: string) =>
  policy.breakGlass?.role === role
    ? !isGlassBroken(policy, decisions)
    : openRoles(policy, decisions).includes(handOffOf(policy, role)?.role ?? role);

/** True for the very same answer, which may come twice (a retry, or update and signal). */
export function sameDecision(left: Decision, right: Decision): boolean {
  return (
    left.role === right.role &&
    left.decision === right.decision &&
    left.by === right.by &&
    left.reason === right.reason &&
    left.evidence === right.evidence
  );
}

/** The roles that are asked now: all without enough answers, or in order only the first of them. */
export function askedRoles(
  desk: Pick<DeskState, 'order' | 'policy' | 'decisions' | 'escalated'>,
): readonly string[] {
  // who said no, or wants more data, is asked no more; a second person of a role is
  const answered = desk.decisions.filter(({ decision }) => decision !== 'approved');
  const open = openRoles(desk.policy, desk.decisions).filter(
    (role) => !answered.some((each) => each.role === role),
  );
  const asked = desk.order === 'in-order' ? open.slice(0, 1) : open;
  return asked.flatMap((role) => {
    const escalation = handOffOf(desk.policy, role)?.escalation;
    return escalation !== undefined && desk.escalated.includes(role) ? [role, escalation] : [role];
  });
}
