import type { z } from 'zod';
import { canonicalJson, digestOfBytes } from '../../domain/digest.js';
import { isPortError, PortError } from '../../domain/failures.js';

/** The bytes that are stored of a value: its canonical JSON in UTF-8. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/**
 * Parses what the store holds under a key; nothing unparsed enters.
 * @throws PortError `StoreRefused` that names the key, where the bytes are not JSON of that shape.
 */
export function parseStored<T>(key: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(key, bytes));
  if (parsed.success) return parsed.data;
  throw unreadable(key, problemsOf(parsed.error), parsed.error);
}

/** A document, and the fields of it that this build does not know. */
export interface ReadAhead<T> {
  readonly value: T;
  readonly unknown: readonly string[];
}

/**
 * As `parseStored`, for what a newer build may have written: a field that this one does not know is left out, and named. A field
 * that every reader must heed comes with another `schemaVersion`, which is refused.
 */
export function readAhead<T>(key: string, bytes: Uint8Array, schema: z.ZodType<T>): ReadAhead<T> {
  const json = parseJson(key, bytes);
  const first = schema.safeParse(json);
  if (first.success) return { value: first.data, unknown: [] };
  const unknown = first.error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [];
    return issue.keys.map((field) => leaveOut(json, [...issue.path, field]));
  });
  const second = schema.safeParse(json);
  if (!second.success) throw unreadable(key, problemsOf(second.error), second.error);
  return { value: second.data, unknown };
}

/** Deletes what lies at a path, and says where that was. */
function leaveOut(json: unknown, path: readonly PropertyKey[]): string {
  let at = json;
  for (const step of path.slice(0, -1)) {
    at = typeof at === 'object' && at !== null ? Reflect.get(at, step) : null;
  }
  const [field] = path.slice(-1);
  if (typeof at === 'object' && at !== null && field !== undefined)
    Reflect.deleteProperty(at, field);
  return path.map(String).join('.');
}

function problemsOf({ issues }: z.ZodError): string {
  return issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`)
    .join('; ');
}

function parseJson(key: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw unreadable(key, 'it is not JSON', error);
  }
}

function unreadable(key: string, problem: string, cause: unknown): PortError {
  return new PortError(
    'StoreRefused',
    `the object ${key} is not what the registry writes there (${problem}); restore it or remove it`,
    { details: { key, unreadable: true }, cause },
  );
}

/** True for the failure of `parseStored`, apart from a store that refused to answer. */
export function isUnreadable(error: unknown): boolean {
  return isPortError(error) && error.details.unreadable === true;
}

/**
 * Holds bytes against the digest they must have.
 * @throws PortError `DigestMismatch` that names the key and both digests.
 */
export function verifyBytes(key: string, bytes: Uint8Array, expected: string): void {
  const actual = digestOfBytes(bytes);
  if (actual !== expected) throw digestMismatch(key, expected, actual);
}

/** The failure of bytes that are not those of their digest. */
export function digestMismatch(what: string, expected: string, actual: string): PortError {
  return new PortError(
    'DigestMismatch',
    `${what} has sha256 ${actual.slice(0, 12)}, expected ${expected.slice(0, 12)}; its bytes were changed or are incomplete`,
    { details: { key: what, expected, actual } },
  );
}

/** The failure of an object that must be there. */
export function missingObject(key: string, hint: string): PortError {
  return new PortError('StoreRefused', `the object ${key} is not in the store; ${hint}`, {
    details: { key },
  });
}
