import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';
import { z } from 'zod';
import { canonicalJson } from '../digest.js';

/** The longest statement that is looked at, in characters. */
export const LONGEST_JWS = 8_192;
/** The one algorithm (RFC 9864); no other is ever looked at, `none` least of all. */
export const ALGORITHM = 'Ed25519';

/** A public key as JWK spells it: 32 bytes in base64url. */
export const publicKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'x is 43 of base64url');
/** A key's name: the thumbprint of its JWK (RFC 7638), so that no key can be called as another. */
export const keyIdSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a kid is 43 of base64url');

/** Its fields in this order, as `canonicalJson` writes them. */
const headerSchema = z.strictObject({
  alg: z.literal(ALGORITHM),
  kid: keyIdSchema,
  typ: z.string().max(100),
});

/** A compact JWS (RFC 7515), taken apart. Nothing in it is verified. */
export interface Jws {
  readonly header: z.infer<typeof headerSchema>;
  readonly payload: unknown;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** All of it, as it was read. */
  readonly text: string;
}

/** The last answer: a validator asks, and the handler after it asks the same. */
// eslint-disable-next-line no-restricted-syntax -- whoever wrote it, the same question has the same answer
let last: { readonly text: string; readonly x: string; readonly answer: boolean } | null = null;

/**
 * Takes a compact JWS apart, or says in one sentence why it is none. Stricter than the RFC: header and payload must be canonical
 * JSON, so that a name that stands twice, or bytes that two parsers read in two ways, are refused.
 */
export function readJws(text: string): Jws | string {
  if (text.length > LONGEST_JWS) return `it is longer than ${LONGEST_JWS} characters`;
  const [head, body, tail, ...others] = text.split('.');
  if (head === undefined || body === undefined || tail === undefined || others.length > 0) {
    return 'it is not three parts with a dot between';
  }
  const [headJson, payload] = [jsonOf(head), jsonOf(body)];
  const signature = bytesOf(tail);
  if (headJson === undefined || payload === undefined || signature === null) {
    return 'a part of it is not canonical JSON in base64url';
  }
  if (signature.length !== 64) return 'its signature has not 64 bytes';
  const header = headerSchema.safeParse(headJson);
  if (!header.success) return `its header is not {"alg":"${ALGORITHM}","kid","typ"}`;
  const signed = utf8ToBytes(`${head}.${body}`);
  return { header: header.data, payload, signature, signed, text };
}

/**
 * Whether this key signed it; pure JavaScript and synchronous, so that a workflow's validator can ask. By RFC 8032 alone: points of
 * small order and encodings that are not canonical are refused.
 */
export function isSignedBy({ signature, signed, text }: Jws, x: string): boolean {
  if (last?.text === text && last.x === x) return last.answer;
  const key = bytesOf(x);
  const answer = key?.length === 32 && ed25519.verify(signature, signed, key, { zip215: false });
  last = { text, x, answer };
  return answer;
}

/** A public key's name (RFC 7638). */
export function keyIdOf(x: string): string {
  const jwk = canonicalJson({ crv: 'Ed25519', kty: 'OKP', x });
  return base64urlnopad.encode(sha256(utf8ToBytes(jwk)));
}

function bytesOf(part: string): Uint8Array | null {
  try {
    return base64urlnopad.decode(part);
  } catch {
    return null; // not base64url, or bits that nobody wrote
  }
}

/** Undefined where it is not canonical JSON. */
function jsonOf(part: string): unknown {
  const bytes = bytesOf(part);
  if (bytes === null) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined; // neither UTF-8 nor JSON
  }
}
