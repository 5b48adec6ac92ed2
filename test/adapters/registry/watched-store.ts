import { PortError } from '../../../domain/failures.js';
import type {
  ObjectStore,
  StoredObject,
  WriteCondition,
  WriteResult,
} from '../../../domain/ports/object-store.js';

type Call = keyof ObjectStore;

/** Told of every call; what it throws is what the caller of the store gets. */
export interface Watch {
  /** Before the store acts: a throw here means that nothing was done. */
  readonly before?: (call: Call, key: string) => Promise<void> | void;
  /** After it acted: a throw here is a reply that was lost. */
  readonly after?: (call: Call, key: string) => Promise<void> | void;
}

/** A real store whose calls can be counted, stopped, or robbed of their reply. */
export class WatchedStore implements ObjectStore {
  readonly calls: string[] = [];
  readonly #store: ObjectStore;
  readonly #watch: Watch;

  constructor(store: ObjectStore, watch: Watch = {}) {
    this.#store = store;
    this.#watch = watch;
  }

  get(key: string): Promise<StoredObject | null> {
    return this.#pass('get', key, () => this.#store.get(key));
  }

  getIfChanged(key: string, etag: string | null): Promise<StoredObject | 'unchanged' | null> {
    return this.#pass('getIfChanged', key, () => this.#store.getIfChanged(key, etag));
  }

  getRange(key: string, from: number, until: number): Promise<Uint8Array | null> {
    return this.#pass('getRange', key, () => this.#store.getRange(key, from, until));
  }

  put(key: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    return this.#pass('put', key, () => this.#store.put(key, bytes, condition));
  }

  putFile(key: string, path: string): Promise<{ sha256: string; bytes: number }> {
    return this.#pass('putFile', key, () => this.#store.putFile(key, path));
  }

  getFile(key: string, path: string): Promise<{ sha256: string; bytes: number } | null> {
    return this.#pass('getFile', key, () => this.#store.getFile(key, path));
  }

  copy(fromKey: string, toKey: string): Promise<void> {
    return this.#pass('copy', fromKey, () => this.#store.copy(fromKey, toKey));
  }

  list(prefix: string): ReturnType<ObjectStore['list']> {
    return this.#pass('list', prefix, () => this.#store.list(prefix));
  }

  delete(key: string): Promise<void> {
    return this.#pass('delete', key, () => this.#store.delete(key));
  }

  async #pass<T>(call: Call, key: string, act: () => Promise<T>): Promise<T> {
    this.calls.push(`${call} ${key}`);
    await this.#watch.before?.(call, key);
    const result = await act();
    await this.#watch.after?.(call, key);
    return result;
  }
}

/** What a store that cannot be reached says. */
export function unreachable(): PortError {
  return new PortError('StoreUnreachable', 'the store did not answer');
}
