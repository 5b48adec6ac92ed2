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
    }),
  ),
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

/** The roles that lack approvals, in the order of asking. */
export function openRoles(policy: ApprovalPolicy, decisions: readonly Deciding[]): string[] {
  return policy.handOffs
    .filter(({ role, quorum }) => approversOf(role, decisions).size < quorum)
    .map(({ role }) => role);
}

/** Why somebody may not decide for a role, or null. Whom roles must be distinct from holds whoever of the two comes first. */
export function refusalByPolicy(
  policy: ApprovalPolicy,
  { role, by }: Pick<Deciding, 'role' | 'by'>,
  decisions: readonly Deciding[],
): Refusal | null {
  const fromOf = (name: string) =>
    policy.handOffs.find((handOff) => handOff.role === name)?.distinctFrom ?? [];
  const from = fromOf(role);
  if (from.includes(STARTER) && policy.starter === by) {
    return refusalBecause('self', `${by} started this lifecycle, so somebody else decides`);
  }
  const other = decisions.find(
    (each) =>
      each.by === by &&
      each.role !== role &&
      (from.includes(each.role) || fromOf(each.role).includes(role)),
  );
  if (other === undefined) return null;
  return refusalBecause(
    'not-distinct',
    `${by} has decided for "${other.role}", so somebody else decides for "${role}"`,
  );
}

/** Why approvals do not satisfy a policy, in sentences; none where they do. Every approval counts once a person. */
export function policyFaults(policy: ApprovalPolicy, approvals: readonly Deciding[]): string[] {
  const lacking = policy.handOffs.flatMap(({ role, quorum }) => {
    const count = approversOf(role, approvals).size;
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

function approversOf(role: string, decisions: readonly Deciding[]): ReadonlySet<string> {
  const approved = decisions.filter((each) => each.role === role && each.decision === 'approved');
  return new Set(approved.map(({ by }) => by));
}
