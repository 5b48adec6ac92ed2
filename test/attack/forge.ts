import { createHmac, createPrivateKey, randomBytes, sign } from 'node:crypto';
import type { SigningKey } from '../../client/signing/signing-key.js';
import { canonicalJson } from '../../domain/digest.js';
import type { ToSign } from '../../domain/lifecycle.js';
import { DECISION_TYPE, type DecisionStatement } from '../../domain/signing/statement.js';

/** What a decision of this person says, and every way to say it wrongly. */
export function statementOf(
  key: SigningKey,
  { environment, ...about }: ToSign,
  given: Partial<DecisionStatement> & { gate: string },
): DecisionStatement {
  const iat = Math.floor(Date.now() / 1_000);
  return {
    ...{ ...about, aud: environment, sub: key.person, decision: 'approved', reason: 'reads well' },
    ...{ iat, exp: iat + 3_600, jti: randomBytes(16).toString('base64url') },
    ...given,
  };
}

export interface Forged {
  /** In place of `{alg, kid, typ}`, or besides. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** The payload's very text. */
  readonly text?: (canonical: string) => string;
  /** In place of the key's signature. */
  readonly signature?: (signed: string) => Buffer;
  /** What becomes of the three parts. */
  readonly parts?: (parts: readonly string[]) => readonly string[];
}

/** A compact JWS by a key, well or badly made. */
export function forge(key: SigningKey, statement: object, forged: Forged = {}): string {
  const header = { alg: 'Ed25519', kid: key.kid, typ: DECISION_TYPE, ...forged.header };
  const canonical = canonicalJson(statement);
  const text = forged.text?.(canonical) ?? canonical;
  const [head, body] = [encoded(canonicalJson(header)), encoded(text)];
  const signed = `${head}.${body}`;
  const signature = forged.signature?.(signed) ?? signatureOf(key, signed);
  const parts = [head, body, signature.toString('base64url')];
  return (forged.parts?.(parts) ?? parts).join('.');
}

export const encoded = (text: string) => Buffer.from(text).toString('base64url');

export function signatureOf({ x, d }: SigningKey, signed: string): Buffer {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x, d };
  return sign(null, Buffer.from(signed), createPrivateKey({ key: jwk, format: 'jwk' }));
}

/** As whoever takes the public key for a shared secret would verify it. */
export const hmacOf = ({ x }: SigningKey, signed: string) =>
  createHmac('sha256', Buffer.from(x, 'base64url')).update(signed).digest();
