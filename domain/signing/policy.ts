import { z } from 'zod';
import { nameSchema } from '../names.js';
import { refusalBecause, type Refusal } from './refusal.js';

/** What `distinctFrom` calls whoever started the lifecycle. */
export const STARTER = 'starter';

export const approvalPolicySchema = z.strictObject({
  /** Each role that must approve, in the order of asking. */
  handOffs: z.array(
    z.strictObject({
      role: nameSchema,
      /** How many people of it must approve. */
      quorum: z.int().min(1).max(20),
      /** Nobody may decide here who started the lifecycle (`starter`), or decided for one of these roles. */
      distinctFrom: z.array(nameSchema).max(8),
      /** A role whose people may decide in its place, once it has not answered for too long. */
      escalation: nameSchema.optional(),
    }),
  ),
  /** So many people of this role, of nobody else's hand-off, may approve in the place of all: in an emergency, and it is told apart. */
  breakGlass: z.strictObject({ role: nameSchema, quorum: z.int().min(2).max(20) }).optional(),
  /** Who started it, by a verified signature; null: a schedule, the monitor, or nobody knows who, which is no person. */
  starter: z.string().nullable(),
});
/** What must be approved by whom before a candidate serves; it stands in the evidence, so that its digest covers it. */
export type ApprovalPolicy = z.infer<typeof approvalPolicySchema>;

/** As far as a policy looks at decisions. */
interface Deciding {
  readonly role: string;
  readonly by: string;
  readonly decision: string;
}

/** One person of each role, whoever it is. */
export function policyOfRoles(roles: readonly string[]): ApprovalPolicy {
  return {
    handOffs: roles.map((role) => ({ role, quorum: 1, distinctFrom: [] })),
    starter: null,
  };
}

/** Every role that has a say. */
export function rolesOf({ handOffs, breakGlass }: ApprovalPolicy): readonly string[] {
  const asked = handOffs.flatMap(({ role, escalation }) => [
    role,
    ...(escalation ? [escalation] : []),
  ]);
  return breakGlass === undefined ? asked : [...asked, breakGlass.role];
}

/** The roles that lack approvals, in the order of asking. */
export function openRoles(policy: ApprovalPolicy, decisions: readonly Deciding[]): string[] {
  if (isGlassBroken(policy, decisions)) return [];
  return policy.handOffs
    .filter((handOff) => approversOf(handOff, decisions).size < handOff.quorum)
    .map(({ role }) => role);
}

/** Whether enough people approved in the place of all. */
export function isGlassBroken(policy: ApprovalPolicy, decisions: readonly Deciding[]): boolean {
  const { breakGlass } = policy;
  return breakGlass !== undefined && approversOf(breakGlass, decisions).size >= breakGlass.quorum;
}

/** Somebody who is asked anyway decides in nobody's place: whose answer it is could not be told. */
export function withoutSpares(
  policy: ApprovalPolicy,
  isSpare: (role: string) => boolean,
): ApprovalPolicy {
  const { breakGlass, ...others } = policy;
  return {
    ...others,
    handOffs: policy.handOffs.map(({ escalation, ...handOff }) => ({
      ...handOff,
      ...(escalation !== undefined && isSpare(escalation) && { escalation }),
    })),
    ...(breakGlass !== undefined && isSpare(breakGlass.role) && { breakGlass }),
  };
}

/** The hand-off for which a role's people decide: its own, or the one that was escalated to it; undefined: none. */
export function handOffOf(
  policy: ApprovalPolicy,
  role: string,
): ApprovalPolicy['handOffs'][number] | undefined {
  return policy.handOffs.find((each) => each.role === role || each.escalation === role);
}

/** Why somebody may not decide for a role, or null. Whom roles must be distinct from holds whoever of the two comes first. */
export function refusalByPolicy(
  policy: ApprovalPolicy,
  { role, by }: Pick<Deciding, 'role' | 'by'>,
  decisions: readonly Deciding[],
): Refusal | null {
  const everyone = policy.handOffs.flatMap(({ distinctFrom }) => distinctFrom);
  const isGlass = (name: string) => policy.breakGlass?.role === name;
  const fromOf = (name: string) =>
    isGlass(name)
      ? everyone.filter((each) => each === STARTER)
      : (handOffOf(policy, name)?.distinctFrom ?? []);
  const handOffRole = (name: string) => handOffOf(policy, name)?.role ?? name;
  const from = fromOf(role);
  if (from.includes(STARTER) && policy.starter === by) {
    return refusalBecause('self', `${by} started this lifecycle, so somebody else decides`);
  }
  const other = decisions.find(
    (each) =>
      each.by === by &&
      each.role !== role &&
      (from.includes(handOffRole(each.role)) || fromOf(each.role).includes(handOffRole(role))),
  );
  if (other === undefined) return null;
  return refusalBecause(
    'not-distinct',
    `${by} has decided for "${other.role}", so somebody else decides for "${role}"`,
  );
}

/** Why approvals do not satisfy a policy, in sentences; none where they do. Every approval counts once a person. */
export function policyFaults(policy: ApprovalPolicy, approvals: readonly Deciding[]): string[] {
  if (isGlassBroken(policy, approvals)) {
    const broke = approvals.filter(({ role }) => role === policy.breakGlass?.role);
    return broke.flatMap((each) => refusalByPolicy(policy, each, [])?.sentence ?? []);
  }
  const lacking = policy.handOffs.flatMap((handOff) => {
    const { role, quorum } = handOff;
    const count = approversOf(handOff, approvals).size;
    if (count >= quorum) return [];
    return quorum === 1
      ? [`${role} did not approve this evidence`]
      : [`${count} of ${quorum} people approved this evidence for ${role}`];
  });
  const forbidden = approvals.flatMap((each, index) => {
    const others = approvals.filter((_, other) => other !== index);
    return refusalByPolicy(policy, each, others)?.sentence ?? [];
  });
  return [...lacking, ...new Set(forbidden)];
}

function approversOf(
  { role, escalation }: { readonly role: string; readonly escalation?: string | undefined },
  decisions: readonly Deciding[],
): ReadonlySet<string> {
  const approved = decisions.filter(
    (each) => (each.role === role || each.role === escalation) && each.decision === 'approved',
  );
  return new Set(approved.map(({ by }) => by));
}
