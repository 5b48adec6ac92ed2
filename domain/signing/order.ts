import { z } from 'zod';
import { nameSchema } from '../names.js';
import { refusalBecause, type Refusal } from './refusal.js';
import { commonStatement } from './statement.js';
import { rolesAt } from './trust.js';
import { isVerified, verifyStatement, type Verified, type Verifying } from './verify-statement.js';

/** The `typ` of a signed order's header. */
export const ORDER_TYPE = 'switchyard-order+jws';

export const orderStatementSchema = z.strictObject({
  ...commonStatement,
  order: z.enum(['fallback', 'close']),
  /** The digest that a fallback leaves, or the workflow id of the follow-up that is closed. */
  target: z.string().min(1).max(1_000),
  /** In which role it is closed; null for a fallback, which every role may order. */
  role: nameSchema.nullable(),
  reason: z.string().min(1).max(2_000),
});
/** What whoever orders something signs. */
export type OrderStatement = z.infer<typeof orderStatementSchema>;

/** An order as its message has it. */
export interface Ordered extends Pick<OrderStatement, 'order' | 'target' | 'role' | 'reason'> {
  readonly by: string;
  /** Compact JWS; left out or null: nobody signed it. */
  readonly signature?: string | null | undefined;
}

/** What a signed order says, where its signature is by a trusted key of whom it names, who has the role, about exactly this; or why not. */
export function verifyOrder(
  ordered: Ordered,
  given: Verifying,
): Verified<OrderStatement> | Refusal {
  const { signature, by, ...about } = ordered;
  if (signature == null) {
    const name = ordered.order === 'close' ? 'closing' : 'falling back';
    return refusalBecause('unsigned', `${name} is signed here: name your key with SWITCHYARD_KEY`);
  }
  const kind = { typ: ORDER_TYPE, schema: orderStatementSchema };
  const verified = verifyStatement(signature, kind, given);
  if (!isVerified(verified)) return verified;
  const { statement, key } = verified;
  const isSame =
    statement.sub === by &&
    statement.order === about.order &&
    statement.target === about.target &&
    statement.role === about.role &&
    statement.reason === about.reason;
  if (!isSame) return refusalBecause('altered', 'the order says something else than was signed');
  if (statement.role === null) return verified;
  const signedMs = statement.iat * 1_000;
  const roles = rolesAt(key, { signedMs, acceptedMs: given.acceptedMs ?? signedMs });
  if (roles.includes(statement.role)) return verified;
  return refusalBecause('not-in-role', `${by} is not trusted to act for "${statement.role}"`);
}
