import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { filePathSchema } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { digestMismatch, missingObject } from './stored-json.js';

/** Calls of the store at the same time; more does not help on one connection pool. */
const PARALLEL = 8;

/** A file's path inside its folder, its size in bytes and its sha256 in hex. */
export interface FileRecord {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Applies an asynchronous function to every item, at most `PARALLEL` at a time; results in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  apply: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += PARALLEL) {
    results.push(...(await Promise.all(items.slice(start, start + PARALLEL).map(apply))));
  }
  return results;
}

/**
 * The local path of a folder's file, which must be a regular file inside it: what a trainer wrote may hold symbolic links,
 * and a link to the worker's own files must not be uploaded.
 * @throws PortError `InvalidName` for a path outside the grammar, `BadTrainerOutput` for a missing or irregular file.
 */
export async function regularFile(directory: string, path: string): Promise<string> {
  if (!filePathSchema.safeParse(path).success) {
    throw new PortError(
      'InvalidName',
      `${JSON.stringify(path)} is not a file path inside a folder`,
    );
  }
  const local = join(directory, path);
  try {
    const inside = (await realpath(local)) === join(await realpath(directory), path);
    if (inside && (await lstat(local)).isFile()) return local;
  } catch (error) {
    throw new PortError('BadTrainerOutput', `the file "${path}" is not in its folder`, {
      cause: error,
    });
  }
  throw new PortError('BadTrainerOutput', `"${path}" is not a regular file inside its folder`);
}

/** Size and sha256 of a local file, read as a stream. */
export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    if (!(chunk instanceof Uint8Array)) continue;
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * Downloads objects to their paths inside a folder and verifies each one's size and digest; a file that does not verify is
 * removed again.
 * @throws PortError `DigestMismatch`, or `StoreRefused` where one is missing.
 */
export async function fetchFiles(
  store: ObjectStore,
  directory: string,
  files: readonly FileRecord[],
  keyOf: (path: string) => string,
): Promise<void> {
  await inParallel(files, async (file) => {
    const key = keyOf(file.path);
    const local = join(directory, file.path);
    await mkdir(dirname(local), { recursive: true });
    const got = await store.getFile(key, local);
    if (got === null) throw missingObject(key, 'it was swept or never finished');
    if (got.sha256 === file.sha256 && got.bytes === file.bytes) return;
    await rm(local, { force: true });
    throw digestMismatch(key, file.sha256, got.sha256);
  });
}
