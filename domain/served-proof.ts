import { policyOf, type Evidence } from './evidence.js';
import type { RecordedDecision } from './decision.js';
import type { ServedVersion } from './live-state.js';
import { shortDigest } from './names.js';
import { policyFaults } from './signing/policy.js';
import type { AboutDecision } from './signing/statement.js';
import { keysOf, leastOf, type Trust } from './signing/trust.js';
import { verifyDecision } from './signing/verify-decision.js';
import { isVerified } from './signing/verify-statement.js';

/** As far as its approvals need it. */
type Approved = Pick<ServedVersion, 'digest' | 'artifact' | 'evidence' | 'decisions'>;

/**
 * Why a version's evidence and decisions do not allow it to serve, in sentences; none where they do. The same rule holds where
 * `live.json` is written; here it is asked again of what was written.
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
  return [
    ...(evidence.manifest === served.digest
      ? []
      : [`the evidence of ${name} is about ${shortDigest(evidence.manifest)}`]),
    ...(evidence.artifact === served.artifact
      ? []
      : [`${name} serves the file ${served.artifact}, its evidence approves ${evidence.artifact}`]),
    ...approvalFaults(served, evidence, trust).map((fault) => `${name} is not approved: ${fault}`),
  ];
}

/** Why the approvals of a version do not satisfy the policy of its evidence, and what the trust file asks at least. */
export function approvalFaults(
  served: Approved,
  evidence: Evidence,
  trust: Trust | null,
): readonly string[] {
  const { model, lifecycle: run, baseline, nonce } = evidence;
  const about = { model, run, baseline, nonce };
  const { approvals, refused } = approvalsOf(served, about, trust);
  const faults = [
    ...policyFaults(policyOf(evidence), approvals),
    ...(trust === null ? [] : leastFaults(trust, model, approvals)),
  ];
  return faults.length === 0 ? [] : [...faults, ...refused];
}

/**
 * The same, as far as it can be known from `live.json` and the trust file alone: whoever reaches the bucket can write there what he
 * likes, but can sign nothing.
 */
export function signedFaults(served: Approved, model: string, trust: Trust): readonly string[] {
  const { approvals, refused } = approvalsOf(served, { model }, trust);
  const faults = leastFaults(trust, model, approvals);
  return faults.length === 0 ? [] : [...faults, ...refused];
}

interface Approvals {
  readonly approvals: readonly RecordedDecision[];
  /** Why others do not count. */
  readonly refused: readonly string[];
}

/** The approvals of this very evidence that count: where there is trust, those that a trusted key signed. */
function approvalsOf(
  served: Approved,
  known: Partial<AboutDecision>,
  trust: Trust | null,
): Approvals {
  const on = served.decisions.filter(
    (each) => each.decision === 'approved' && each.evidence === served.evidence,
  );
  if (trust === null) return { approvals: on, refused: [] };
  const { digest: manifest, artifact, evidence } = served;
  const about = { ...known, manifest, artifact, evidence };
  const keys = keysOf(trust);
  const verified = on.map((decision) => ({
    decision,
    result: verifyDecision(decision, {
      ...{ environment: trust.environment, keys, about },
      acceptedMs: Date.parse(decision.at),
    }),
  }));
  return {
    approvals: verified.flatMap(({ decision, result }) => (isVerified(result) ? decision : [])),
    refused: verified.flatMap(({ decision, result }) =>
      isVerified(result) ? [] : `that of ${decision.by} does not count: ${result.sentence}`,
    ),
  };
}

function leastFaults(
  trust: Trust,
  model: string,
  approvals: readonly RecordedDecision[],
): string[] {
  const { quorum, roles } = leastOf(trust, model);
  const people = new Set(approvals.map(({ by }) => by)).size;
  const missing = roles.filter((role) => !approvals.some((each) => each.role === role));
  return [
    ...(people >= quorum
      ? []
      : [`${people} of the ${quorum} people approved it that the trust file asks for`]),
    ...missing.map((role) => `nobody approved it for ${role}, which the trust file asks for`),
  ];
}
