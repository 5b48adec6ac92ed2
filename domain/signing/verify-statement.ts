import type { z } from 'zod';
import { isSignedBy, readJws } from './jws.js';
import { refusalBecause, type Refusal } from './refusal.js';
import { LONGEST_VALID_S } from './statement.js';
import type { KnownKey } from './trust.js';

/** How far clocks may differ. */
const CLOCKS_S = 60;

/** Where statements are verified. */
export interface Verifying {
  readonly environment: string;
  readonly keys: readonly KnownKey[];
  /** When it was accepted, in ms since the epoch: before it expired. Null: nobody noted it, so what it says itself stands. */
  readonly acceptedMs: number | null;
  /** When it took effect, such as by a promotion: a key that was retired by then counts no more. Left out: when it was accepted. */
  readonly effectiveMs?: number;
  /** Whether it may be accepted late too, as a start that waited for a worker. */
  readonly mayBeLate?: boolean;
}

interface Common {
  readonly aud: string;
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
}

/** A statement, and by whose key. */
export interface Verified<Statement> {
  readonly statement: Statement;
  readonly key: KnownKey;
}

/** Whether it holds, and is not why it does not. */
export function isVerified<Statement>(
  result: Verified<Statement> | Refusal,
): result is Verified<Statement> {
  return !('code' in result);
}

/**
 * What a compact JWS says, once its form, its kind, its signature, its signer, its times and its installation hold; or why not. What it
 * is about is another question.
 */
export function verifyStatement<Statement extends Common>(
  text: string,
  { typ, schema }: { readonly typ: string; readonly schema: z.ZodType<Statement> },
  given: Verifying,
): Verified<Statement> | Refusal {
  const jws = readJws(text);
  if (typeof jws === 'string') {
    return refusalBecause('malformed', `the signature is not a compact JWS of Ed25519: ${jws}`);
  }
  if (jws.header.typ !== typ) {
    return refusalBecause('wrong-type', `what is signed is something else than "${typ}"`);
  }
  const key = given.keys.find(({ kid }) => kid === jws.header.kid);
  if (key === undefined) {
    return refusalBecause('unknown-key', `the key ${jws.header.kid} is not one that is trusted`);
  }
  if (!isSignedBy(jws, key.x)) {
    return refusalBecause('bad-signature', `the key ${key.kid} did not sign this`);
  }
  const parsed = schema.safeParse(jws.payload);
  if (!parsed.success) {
    return refusalBecause('malformed', 'what is signed is not all that it must say');
  }
  const statement = parsed.data;
  const acceptedMs = given.acceptedMs ?? statement.iat * 1_000;
  const { effectiveMs = acceptedMs } = given;
  return (
    wrongSigner(statement, key, Math.max(acceptedMs, effectiveMs)) ??
    wrongTime(statement, acceptedMs, given.mayBeLate === true) ??
    wrongPlace(statement, given) ?? { statement, key }
  );
}

function wrongSigner({ sub, iat }: Common, key: KnownKey, effectiveMs: number): Refusal | null {
  if (sub !== key.person) {
    return refusalBecause('wrong-person', `the key ${key.kid} is not one of ${sub}`);
  }
  const signedMs = Math.max(iat * 1_000, effectiveMs);
  if (key.compromised !== undefined && signedMs >= Date.parse(key.compromised)) {
    return refusalBecause('compromised-key', `the key ${key.kid} is void since ${key.compromised}`);
  }
  if (key.retired !== undefined && effectiveMs >= Date.parse(key.retired)) {
    return refusalBecause('retired-key', `the key ${key.kid} is retired since ${key.retired}`);
  }
  return null;
}

function wrongTime({ iat, exp }: Common, acceptedMs: number, mayBeLate: boolean): Refusal | null {
  const acceptedS = acceptedMs / 1_000;
  if (exp - iat > LONGEST_VALID_S || exp < iat) {
    return refusalBecause('too-long', 'a statement is valid for 24 hours at most');
  }
  if (iat > acceptedS + CLOCKS_S) {
    return refusalBecause('not-yet', 'it was signed in the future: look at your clock');
  }
  if (!mayBeLate && exp <= acceptedS) {
    return refusalBecause('expired', 'it has expired: sign again');
  }
  return null;
}

function wrongPlace({ aud }: Common, { environment }: Verifying): Refusal | null {
  if (aud === environment) return null;
  return refusalBecause('wrong-environment', `it is for "${aud}", this is "${environment}"`);
}
