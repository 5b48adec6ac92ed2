/** An object's bytes and what the store says of them. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** One row of a listing. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** When the store wrote it, by the store's clock. */
  readonly modifiedAt: Date;
}

/** `absent`: only if no such key exists; `{ etag }`: only over exactly that object; `none`: always. */
export type WriteCondition = 'absent' | 'none' | { readonly etag: string };

/** `conflict`: the condition did not hold (S3's 412) or another write was under way (409, retried first); nothing was written. */
export type WriteResult =
  { readonly kind: 'written'; readonly etag: string } | { readonly kind: 'conflict' };

/**
 * A flat, strongly consistent store of objects with conditional writes, as Amazon S3 offers since 2024.
 * Every method throws `PortError` `StoreUnreachable` (retryable: refused, timeout, 5xx, after the client's own retries)
 * or `StoreRefused` (terminal: credentials, missing bucket, other 4xx).
 */
export interface ObjectStore {
  /** The object, or null where there is none. */
  get(key: string): Promise<StoredObject | null>;
  /** As `get`; `'unchanged'` where the object still has that ETag (If-None-Match), which costs no body. */
  getIfChanged(key: string, etag: string | null): Promise<StoredObject | 'unchanged' | null>;
  /**
   * An object's bytes from one up to (not including) another, or null where there is none. Nobody vouches for them: what is read so is
   * checked by what it says. Throws `StoreRefused` for a range that the object does not have.
   */
  getRange(key: string, from: number, until: number): Promise<Uint8Array | null>;
  put(key: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult>;
  /** Uploads a local file as it is; resolves to its sha256 (hex) and size, taken from the bytes sent. */
  putFile(key: string, path: string): Promise<{ sha256: string; bytes: number }>;
  /** Downloads to a local file (replaced atomically); resolves to sha256 and size of what came, or null where there is none. */
  getFile(key: string, path: string): Promise<{ sha256: string; bytes: number } | null>;
  /** Copies within the store; the source must exist (`StoreRefused` otherwise). */
  copy(fromKey: string, toKey: string): Promise<void>;
  /** Every object whose key starts with the prefix, in key order, and the store's clock at the time of the answer. */
  list(prefix: string): Promise<{ objects: readonly ListedObject[]; now: Date }>;
  /** Deletes; a missing key is not an error. */
  delete(key: string): Promise<void>;
}
