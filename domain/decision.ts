import { z } from 'zod';
import { digestSchema, instantSchema, nameSchema } from './names.js';

/** An answer to a hand-off, as an approver sends it. */
export const decisionSchema = z.strictObject({
  /** The hand-off: the role that was asked. */
  role: nameSchema,
  decision: z.enum(['approved', 'rejected', 'needs-more-data']),
  /** Who decides; a claim until decisions are signed. */
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  /** Digest of the evidence that was read. */
  evidence: digestSchema,
  /** A signed statement of all this (JWS); null until decisions are signed. */
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
  readonly roles: readonly string[];
  readonly decisions: readonly RecordedDecision[];
  /** Why no more decisions are taken; null while they are. */
  readonly closed: string | null;
}

/**
 * Why a decision cannot be taken, in one sentence, or null where it can.
 * An early one (before its role's turn, but on the current evidence) is taken and kept.
 */
export function refusalOf(decision: Decision, desk: DeskState): string | null {
  if (desk.closed !== null) return `the hand-off is closed: ${desk.closed}`;
  if (desk.evidence === null) {
    return 'there is no evidence yet to decide on; ask for the status and try again';
  }
  if (!desk.roles.includes(decision.role)) {
    return `the role "${decision.role}" is not asked; asked are ${desk.roles.join(', ') || 'none'}`;
  }
  if (decision.evidence !== desk.evidence) {
    return `the decision names evidence ${decision.evidence.slice(0, 12)}, but ${desk.evidence.slice(0, 12)} is on the table; read it and decide again`;
  }
  const earlier = desk.decisions.find((each) => each.role === decision.role);
  if (earlier && !sameDecision(earlier, decision)) {
    return `"${decision.role}" has already ${earlier.decision === 'needs-more-data' ? 'asked for more data' : earlier.decision} (${earlier.by}, ${earlier.at})`;
  }
  return null;
}

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

/** The roles that are asked now: all without an answer, or in order only the first of them. */
export function askedRoles(
  desk: Pick<DeskState, 'order' | 'roles' | 'decisions'>,
): readonly string[] {
  const open = desk.roles.filter((role) => !desk.decisions.some((each) => each.role === role));
  return desk.order === 'in-order' ? open.slice(0, 1) : open;
}
