import { policyOf, type Evidence } from './evidence.js';
import type { RecordedDecision } from './decision.js';
import type { ServedVersion } from './live-state.js';
import { shortDigest } from './names.js';
import { policyFaults, rolesOf, STARTER, type ApprovalPolicy } from './signing/policy.js';
import type { Refusal, RefusalCode } from './signing/refusal.js';
import type { DecisionStatement } from './signing/statement.js';
import { keysOf, leastOf, type Least, type Trust } from './signing/trust.js';
import { verifyDecision } from './signing/verify-decision.js';
import { verifyStart } from './signing/verify-start.js';
import { isVerified } from './signing/verify-statement.js';

/** As far as its approvals need it. */
type Approved = Pick<ServedVersion, 'digest' | 'artifact' | 'evidence' | 'decisions'>;

/** By what approvals are judged. */
export interface ProofGiven {
  readonly evidence: Evidence;
  /** Null where decisions are not signed. */
  readonly trust: Trust | null;
  /** When they took effect, or would now: ms since the epoch. */
  readonly effectiveMs: number;
}

/**
 * Why a version's evidence and decisions do not allow it to serve, in sentences; none where they do. The same rule holds where
 * `live.json` is written and where a version is opened: whoever reaches the bucket can write there what he likes, but can sign nothing.
 * @param trust - Null where decisions are not signed.
 */
export function proofFaults(
  served: ServedVersion,
  evidence: Evidence | null,
  trust: Trust | null,
): readonly string[] {
  const name = `version ${served.version}`;
  if (evidence === null) {
    return [`the evidence ${shortDigest(served.evidence)} of ${name} is not in the bucket`];
  }
  const given = { evidence, trust, effectiveMs: Date.parse(served.since) };
  return [
    ...(evidence.manifest === served.digest
      ? []
      : [`the evidence of ${name} is about ${shortDigest(evidence.manifest)}`]),
    ...(evidence.artifact === served.artifact
      ? []
      : [`${name} serves the file ${served.artifact}, its evidence approves ${evidence.artifact}`]),
    ...approvalFaults(served, given).map((fault) => `${name} is not approved: ${fault}`),
  ];
}

/**
 * As `proofFaults`, for what was promoted long ago: by its own evidence and by signatures alone. What the trust file asks today, and who has
 * which role today, says nothing about it; nor does evidence that was swept with its version.
 */
export function pastFaults(
  served: ServedVersion,
  evidence: Evidence | null,
  trust: Trust | null,
): readonly string[] {
  if (evidence === null) return [];
  const isUnsigned = served.decisions.every(({ signature }) => signature === null);
  if (trust === null || isUnsigned) return proofFaults(served, evidence, null);
  const people = trust.people.map((each) => ({
    ...each,
    roles: [...each.roles, ...rolesOf(policyOf(evidence))],
  }));
  return proofFaults(served, evidence, { ...trust, people, models: {} });
}

/** Why the approvals of a version do not satisfy the policy of its evidence, and what the trust file asks at least. */
export function approvalFaults(served: Approved, given: ProofGiven): readonly string[] {
  const { evidence, trust } = given;
  const { approvals, refused, wid } = approvalsOf(served, given);
  const faults = [
    ...policyFaults(policyOf(evidence), approvals),
    ...(trust === null
      ? []
      : [
          ...leastFaults(leastOf(trust, evidence.model), evidence, approvals),
          ...starterFaults(evidence, trust, wid),
        ]),
  ];
  if (faults.length === 0) return [];
  const others = refused.map(({ by, why }) => `that of ${by} does not count: ${why.sentence}`);
  return [...faults, ...others];
}

/** What a key's state says against a signature that was good when it was accepted. */
const LAPSES: ReadonlySet<RefusalCode> = new Set([
  ...(['retired-key', 'compromised-key', 'unknown-key', 'not-in-role'] as const),
]);

/**
 * Whether approvals that were enough when they were accepted are not any more: the trust file has changed since, so people must be asked
 * again. False where nothing of the kind is wrong with them, or something else too.
 */
export function haveLapsed(served: Approved, given: ProofGiven): boolean {
  const { refused } = approvalsOf(served, given);
  return (
    refused.length > 0 &&
    refused.every(({ why }) => LAPSES.has(why.code)) &&
    approvalFaults(served, given).length > 0 &&
    approvalFaults(served, { ...given, trust: null }).length === 0
  );
}

interface Approvals {
  readonly approvals: readonly RecordedDecision[];
  /** Others do not count. */
  readonly refused: readonly { readonly by: string; readonly why: Refusal }[];
  /** The lifecycle that they were given for, as they say themselves; null where none is signed. */
  readonly wid: string | null;
}

/** The approvals of this very evidence that count: where there is trust, those that a trusted key signed, for one lifecycle. */
function approvalsOf(served: Approved, { evidence, trust, effectiveMs }: ProofGiven): Approvals {
  const on = served.decisions.filter(
    (each) => each.decision === 'approved' && each.evidence === served.evidence,
  );
  if (trust === null) return { approvals: on, refused: [], wid: null };
  const { model, lifecycle: run, baseline, nonce } = evidence;
  const { digest: manifest, artifact } = served;
  const about = { model, run, baseline, nonce, manifest, artifact, evidence: served.evidence };
  const given = { environment: trust.environment, keys: keysOf(trust), effectiveMs };
  const approvals: RecordedDecision[] = [];
  const refused: { by: string; why: Refusal }[] = [];
  let first: DecisionStatement | null = null;
  for (const decision of on) {
    const scope = first === null ? about : { ...about, wid: first.wid };
    const acceptedMs = Date.parse(decision.at);
    const result = verifyDecision(decision, { ...given, acceptedMs, about: scope });
    if (isVerified(result)) {
      first ??= result.statement;
      approvals.push(decision);
    } else refused.push({ by: decision.by, why: result });
  }
  return { approvals, refused, wid: first?.wid ?? null };
}

/** What the trust file asks at least, whatever a specification says: nothing in the bucket or in Temporal can weaken it. */
function leastFaults(
  least: Least,
  evidence: Evidence,
  approvals: readonly RecordedDecision[],
): string[] {
  const { starter } = policyOf(evidence);
  const counted = least.distinct ? approvals.filter(({ by }) => by !== starter) : approvals;
  const people = new Set(counted.map(({ by }) => by)).size;
  const missing = least.roles.filter((role) => !counted.some((each) => each.role === role));
  const twice = least.distinct ? policyFaults(apart(least.roles), counted) : [];
  return [
    ...(people >= least.quorum
      ? []
      : [`${people} of the ${least.quorum} people approved it that the trust file asks for`]),
    ...missing.map((role) => `nobody approved it for ${role}, which the trust file asks for`),
    ...(missing.length > 0 ? [] : twice),
    ...(least.start === 'signed' && evidence.start === undefined
      ? ['nobody signed its start, which the trust file asks for']
      : []),
  ];
}

/** Each of these roles by somebody else. */
function apart(roles: readonly string[]): ApprovalPolicy {
  return {
    handOffs: roles.map((role) => ({
      ...{ role, quorum: 1 },
      distinctFrom: [STARTER, ...roles.filter((other) => other !== role)],
    })),
    starter: null,
  };
}

/** Whether whoever started it, as its policy says, is who signed the start of that very lifecycle. */
function starterFaults(evidence: Evidence, trust: Trust, wid: string | null): string[] {
  const { starter } = policyOf(evidence);
  const { start } = evidence;
  if (start === undefined) {
    // evidence that is older than signed starts in it says so too
    const isAsked = leastOf(trust, evidence.model).distinct && starter !== null;
    return isAsked ? [`nobody signed that ${starter} started it`] : [];
  }
  const { environment } = trust;
  const when = { acceptedMs: null, mayBeLate: true };
  const result = verifyStart(start, { environment, keys: keysOf(trust), wid, ...when });
  if (!('person' in result)) return [`its start is not signed as it says: ${result.sentence}`];
  if (result.person === starter) return [];
  return [`${result.person} signed its start, its policy says ${starter ?? 'nobody'}`];
}
