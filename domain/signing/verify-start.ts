import { digestOfJson } from '../digest.js';
import type { LifecycleRequest } from '../lifecycle.js';
import { refusalBecause, type Refusal } from './refusal.js';
import { START_TYPE, startStatementSchema } from './statement.js';
import { isVerified, verifyStatement, type Verifying } from './verify-statement.js';

/** A request that somebody signed. */
export type SignedRequest = LifecycleRequest & { readonly signature: string };

/** A request without its signature: what is signed of it. */
export function unsigned(request: LifecycleRequest): LifecycleRequest {
  const { signature, ...rest } = request;
  return signature === undefined ? request : rest;
}

/** The request, where it is signed. */
export function signedRequest(request: LifecycleRequest): SignedRequest | null {
  const { signature } = request;
  return signature === undefined ? null : { ...request, signature };
}

export function digestOfRequest(request: LifecycleRequest): string {
  return digestOfJson(unsigned(request));
}

/**
 * Who started a lifecycle, by the signature of its request, or why that says nothing. A start is of a workflow id and a request, and of
 * no run: whoever has it can begin the very same again.
 * @param given - `wid`: null where it is not known.
 */
export function verifyStart(
  request: SignedRequest,
  given: Verifying & { readonly wid: string | null },
): { readonly person: string } | Refusal {
  const kind = { typ: START_TYPE, schema: startStatementSchema };
  const verified = verifyStatement(request.signature, kind, given);
  if (!isVerified(verified)) return verified;
  const { wid, model, sub, request: signed } = verified.statement;
  if (given.wid !== null && wid !== given.wid)
    return refusalBecause('wrong-workflow', `it starts ${wid}`);
  if (model !== request.model) return refusalBecause('wrong-model', `it starts "${model}"`);
  if (sub !== request.startedBy || signed !== digestOfRequest(request)) {
    return refusalBecause('altered', 'the request says something else than was signed');
  }
  return { person: sub };
}
