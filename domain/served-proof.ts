import type { Evidence } from './evidence.js';
import type { ServedVersion } from './live-state.js';
import { shortDigest } from './names.js';

/**
 * Why a version's evidence and decisions do not allow it to serve, in sentences; none where they do. The same rule holds where
 * `live.json` is written; here it is asked again of what was written.
 */
export function proofFaults(served: ServedVersion, evidence: Evidence | null): readonly string[] {
  const name = `version ${served.version}`;
  if (evidence === null) {
    return [`the evidence ${shortDigest(served.evidence)} of ${name} is not in the bucket`];
  }
  const missing = rolesWithoutApproval(evidence.roles, served);
  return [
    ...(evidence.manifest === served.digest
      ? []
      : [`the evidence of ${name} is about ${shortDigest(evidence.manifest)}`]),
    ...(evidence.artifact === served.artifact
      ? []
      : [`${name} serves the file ${served.artifact}, its evidence approves ${evidence.artifact}`]),
    ...(missing.length === 0
      ? []
      : [`live.json has no approval of ${name} by ${missing.join(', ')} on its evidence`]),
  ];
}

/** The roles that have not approved this very evidence. */
export function rolesWithoutApproval(
  roles: readonly string[],
  { decisions, evidence }: Pick<ServedVersion, 'decisions' | 'evidence'>,
): readonly string[] {
  const approved = decisions.filter(
    (each) => each.decision === 'approved' && each.evidence === evidence,
  );
  return roles.filter((role) => !approved.some((each) => each.role === role));
}
