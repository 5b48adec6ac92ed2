import type { Decision } from '../decision.js';
import { shortDigest } from '../names.js';
import { refusalBecause, type Refusal } from './refusal.js';
import {
  DECISION_TYPE,
  decisionStatementSchema,
  type AboutDecision,
  type DecisionStatement,
} from './statement.js';
import { rolesAt } from './trust.js';
import { isVerified, verifyStatement, type Verified, type Verifying } from './verify-statement.js';

/** Where decisions are verified. */
export interface VerifyGiven extends Verifying {
  /** What it must be about; what is left out is not known here. */
  readonly about: Partial<AboutDecision>;
}

/**
 * What a signed decision says, once everything about it holds: its signature by a trusted key of that person, who has that role, about
 * exactly this; or why not. The message around it must say the same.
 */
export function verifyDecision(
  decision: Decision,
  given: VerifyGiven,
): Verified<DecisionStatement> | Refusal {
  if (decision.signature === null) {
    return refusalBecause(
      'unsigned',
      'decisions are signed here: type npx switchyard approve with --key, or paste what npx switchyard sign prints',
    );
  }
  const kind = { typ: DECISION_TYPE, schema: decisionStatementSchema };
  const verified = verifyStatement(decision.signature, kind, given);
  if (!isVerified(verified)) return verified;
  const { statement, key } = verified;
  const signedMs = statement.iat * 1_000;
  const acceptedMs = Math.max(given.acceptedMs ?? signedMs, given.effectiveMs ?? signedMs);
  if (!rolesAt(key, { signedMs, acceptedMs }).includes(statement.gate)) {
    const sentence = `${statement.sub} is not trusted to decide for "${statement.gate}"`;
    return refusalBecause('not-in-role', sentence);
  }
  return wrongScope(statement, given.about) ?? altered(statement, decision) ?? verified;
}

function wrongScope(statement: DecisionStatement, about: Partial<AboutDecision>): Refusal | null {
  const differs = (name: keyof AboutDecision) =>
    about[name] !== undefined && about[name] !== statement[name];
  if (differs('model')) return refusalBecause('wrong-model', `it is about "${statement.model}"`);
  if (differs('wid')) return refusalBecause('wrong-workflow', `it is about ${statement.wid}`);
  if (differs('run')) return refusalBecause('wrong-run', `it is about the run ${statement.run}`);
  if (differs('evidence')) {
    const read = shortDigest(statement.evidence);
    return refusalBecause('stale', `it approves evidence ${read}, not what is on the table`);
  }
  if (differs('manifest') || differs('artifact')) {
    return refusalBecause('wrong-candidate', 'it is about another candidate, or file of it');
  }
  if (differs('baseline')) {
    return refusalBecause('wrong-baseline', 'it compares with another version than is live');
  }
  if (differs('nonce'))
    return refusalBecause('wrong-nonce', 'its nonce is not that of the evidence');
  return null;
}

/** What is not signed must say what is. */
function altered(statement: DecisionStatement, decision: Decision): Refusal | null {
  const isSame =
    statement.gate === decision.role &&
    statement.sub === decision.by &&
    statement.decision === decision.decision &&
    statement.reason === decision.reason &&
    statement.evidence === decision.evidence;
  return isSame
    ? null
    : refusalBecause('altered', 'the message says something else than was signed');
}
