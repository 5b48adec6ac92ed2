import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** What JSON can say; payloads and stored objects are nothing else. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * One text for one value: keys sorted by code unit, no spaces, keys whose value is undefined left out.
 * After RFC 8785 (JSON Canonicalization Scheme), whose number and string forms are those of JSON.stringify.
 * @throws TypeError for what JSON cannot say: a number that is not finite, a function, a bigint.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`a ${typeof value} has no JSON form`);
}

/** sha256 of bytes, in hex. Pure JavaScript, so that it runs in workflow code too; adapters hash files with node:crypto. */
export function digestOfBytes(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** sha256 of a value's canonical JSON, in hex. */
export function digestOfJson(value: unknown): string {
  return digestOfBytes(utf8ToBytes(canonicalJson(value)));
}
