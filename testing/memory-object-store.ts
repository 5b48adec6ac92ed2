import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { PortError } from '../domain/failures.js';
import type {
  ListedObject,
  ObjectStore,
  StoredObject,
  WriteCondition,
  WriteResult,
} from '../domain/ports/object-store.js';

interface Kept extends StoredObject {
  readonly modifiedAt: Date;
}

/**
 * An `ObjectStore` in memory that behaves as S3 does, down to ETags that depend on the bytes alone:
 * the same bytes written again have the same ETag.
 */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, Kept>();
  readonly #now: () => Date;

  /** @param now - the store's clock; default: this machine's */
  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  async get(key: string): Promise<StoredObject | null> {
    await yieldTurn();
    const kept = this.#objects.get(key);
    return kept === undefined ? null : { bytes: kept.bytes.slice(), etag: kept.etag };
  }

  async getIfChanged(key: string, etag: string | null): Promise<StoredObject | 'unchanged' | null> {
    const stored = await this.get(key);
    return stored !== null && stored.etag === etag ? 'unchanged' : stored;
  }

  async getRange(key: string, from: number, until: number): Promise<Uint8Array | null> {
    const stored = await this.get(key);
    if (stored === null) return null;
    if (from < stored.bytes.length && from < until) return stored.bytes.slice(from, until);
    throw new PortError(
      'StoreRefused',
      `the store in memory has no bytes ${from} to ${until} of ${key}`,
    );
  }

  async put(key: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    await yieldTurn();
    const etag = this.#objects.get(key)?.etag;
    if (condition === 'absent' && etag !== undefined) return { kind: 'conflict' };
    if (typeof condition === 'object' && condition.etag !== etag) return { kind: 'conflict' };
    return { kind: 'written', etag: this.#keep(key, bytes) };
  }

  async putFile(key: string, path: string): Promise<{ sha256: string; bytes: number }> {
    const bytes = await readFile(path);
    this.#keep(key, bytes);
    return { sha256: sha256(bytes), bytes: bytes.length };
  }

  async getFile(key: string, path: string): Promise<{ sha256: string; bytes: number } | null> {
    const stored = await this.get(key);
    if (stored === null) return null;
    const whole = `${path}.${randomUUID()}`;
    await writeFile(whole, stored.bytes);
    await rename(whole, path);
    return { sha256: sha256(stored.bytes), bytes: stored.bytes.length };
  }

  async copy(fromKey: string, toKey: string): Promise<void> {
    const stored = await this.get(fromKey);
    if (stored === null) {
      throw new PortError('StoreRefused', `the store in memory has no ${fromKey} to copy from`, {
        details: { key: fromKey },
      });
    }
    this.#keep(toKey, stored.bytes);
  }

  async list(prefix: string): Promise<{ objects: readonly ListedObject[]; now: Date }> {
    await yieldTurn();
    const objects = [...this.#objects]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, { bytes, modifiedAt }]) => ({ key, bytes: bytes.length, modifiedAt }));
    return { objects, now: this.#now() };
  }

  async delete(key: string): Promise<void> {
    await yieldTurn();
    this.#objects.delete(key);
  }

  #keep(key: string, bytes: Uint8Array): string {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    this.#objects.set(key, { bytes: Uint8Array.from(bytes), etag, modifiedAt: this.#now() });
    return etag;
  }
}

/** So that callers which do not wait for each other interleave here as they do on a network. */
const yieldTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
