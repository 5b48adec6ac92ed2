import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson, digestOfBytes } from '../../../domain/digest.js';
import { isPortError } from '../../../domain/failures.js';
import { shortDigest } from '../../../domain/names.js';
import type { ListedObject, ObjectStore } from '../../../domain/ports/object-store.js';
import { isUnreadable, parseStored } from '../stored-json.js';

/**
 * What is wrong with an object: `changed` (its bytes are not those of its digest), `missing`, `foreign` (the registry did not write
 * it there), `unreadable`, `unfinished` (without what makes it whole, for over a day), `pointer` (what `live.json` says does not fit
 * the rest), `reference` (a document that does not fit what it names).
 */
export type AuditKind =
  'changed' | 'missing' | 'foreign' | 'unreadable' | 'unfinished' | 'pointer' | 'reference';

export interface AuditProblem {
  readonly kind: AuditKind;
  readonly key: string;
  /** Goes on after the key: what is expected and what is there. */
  readonly sentence: string;
}

/** What was read and held against its digest or its shape. */
export interface AuditCounts {
  models: number;
  versions: number;
  files: number;
  documents: number;
  snapshots: number;
  /** Pointers, replicas, windows, labels and records. */
  others: number;
  /** Runs that have something in staging; a bucket alone cannot say which of them still need it. */
  stagedRuns: number;
  bytes: number;
}

/** A directory without what makes it whole is somebody's upload for so long. */
const UNFINISHED_MS = 86_400_000;

/** One look at a bucket: reads objects, and keeps what is wrong with them. It writes nothing. */
export class Audit implements AsyncDisposable {
  readonly problems: AuditProblem[] = [];
  readonly counts: AuditCounts = {
    ...{ models: 0, versions: 0, files: 0, documents: 0, snapshots: 0, others: 0 },
    ...{ stagedRuns: 0, bytes: 0 },
  };
  readonly store: ObjectStore;
  readonly #folder: string;
  readonly #tell: (counts: AuditCounts) => void;

  private constructor(store: ObjectStore, folder: string, tell: (counts: AuditCounts) => void) {
    this.store = store;
    this.#folder = folder;
    this.#tell = tell;
  }

  /** @param tell - Called after every object that was read. */
  static async begin(store: ObjectStore, tell: (counts: AuditCounts) => void): Promise<Audit> {
    return new Audit(store, await mkdtemp(join(tmpdir(), 'switchyard-verify-')), tell);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  note(kind: AuditKind, key: string, sentence: string): void {
    this.problems.push({ kind, key, sentence });
  }

  /** The bytes of an object that is listed; null, and a problem, where they cannot be had. */
  async bytes(key: string): Promise<Uint8Array | null> {
    return this.#read(key, async () => {
      const stored = await this.store.get(key);
      if (stored === null) return null;
      this.#took(stored.bytes.byteLength);
      return stored.bytes;
    });
  }

  /** A stored document: of its shape, canonical, and where a digest is given of that digest. Null, and a problem, where not. */
  async json<T>(key: string, schema: z.ZodType<T>, digest?: string): Promise<T | null> {
    const bytes = await this.bytes(key);
    if (bytes === null) return null;
    if (digest !== undefined && !this.holds(key, digestOfBytes(bytes), digest)) return null;
    return this.parsed(key, bytes, schema);
  }

  /** Bytes as a stored document: of its shape, and canonical. Null, and a problem, where not. */
  parsed<T>(key: string, bytes: Uint8Array, schema: z.ZodType<T>): T | null {
    const value = this.#shaped(key, bytes, schema);
    if (value !== null && !isCanonical(bytes)) {
      this.note('changed', key, 'is not canonical JSON, as the registry writes it: it was edited');
    }
    return value;
  }

  /** Holds a file's bytes against its digest and size, without keeping them. */
  async file(key: string, expected: { sha256: string; bytes: number }): Promise<void> {
    const local = join(this.#folder, randomUUID());
    const got = await this.#read(key, () => this.store.getFile(key, local));
    await rm(local, { force: true });
    if (got === null) return;
    this.#took(got.bytes);
    this.counts.files += 1;
    if (got.bytes !== expected.bytes) {
      this.note('changed', key, `has ${got.bytes} bytes, its manifest says ${expected.bytes}`);
    } else this.holds(key, got.sha256, expected.sha256);
  }

  /** Whether the digests are equal; a problem where not. */
  holds(key: string, actual: string, expected: string): boolean {
    if (actual === expected) return true;
    const [is, must] = [shortDigest(actual), shortDigest(expected)];
    this.note('changed', key, `has sha256 ${is}, expected ${must}: its bytes were changed`);
    return false;
  }

  #shaped<T>(key: string, bytes: Uint8Array, schema: z.ZodType<T>): T | null {
    try {
      return parseStored(key, bytes, schema);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const why = /\(([^]*)\);/.exec(error instanceof Error ? error.message : '')?.[1] ?? '';
      this.note('unreadable', key, `is not what the registry writes there: ${why}`);
      return null;
    }
  }

  #took(bytes: number): void {
    this.counts.bytes += bytes;
    this.#tell(this.counts);
  }

  /** A store that does not answer ends the audit; one object that it cannot give does not. */
  async #read<Value>(key: string, read: () => Promise<Value | null>): Promise<Value | null> {
    try {
      const value = await read();
      if (value === null) this.note('missing', key, 'was listed and is gone');
      return value;
    } catch (error) {
      if (!isPortError(error) || error.type !== 'StoreUnreachable') throw error;
      await this.store.list('probes/'); // throws where nothing is to be had
      this.note('unreadable', key, `cannot be read: ${error.message}`);
      return null;
    }
  }
}

/** Whether a thing is old enough that nobody can still be at work on it. */
export function isAbandoned(objects: readonly ListedObject[], now: Date): boolean {
  return objects.every(({ modifiedAt }) => now.getTime() - modifiedAt.getTime() > UNFINISHED_MS);
}

function isCanonical(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  return canonicalJson(JSON.parse(text)) === text;
}
