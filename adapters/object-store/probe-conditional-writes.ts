import { randomUUID } from 'node:crypto';
import { PortError } from '../../domain/failures.js';
import type { ObjectStore, WriteCondition } from '../../domain/ports/object-store.js';

/**
 * Proves that a store honours conditional writes, on which everything exactly-once here rests: of
 * eight writers at once exactly one creates a key, exactly one replaces an object it read, and an old
 * ETag is refused. Leaves nothing behind. Call it once, before the store is used.
 *
 * @param given.writers - how many race; default 8. SeaweedFS makes a loser wait up to a second for each
 *   one before it, so a development start may ask for fewer
 * @throws `PortError` `StoreIgnoresConditions` (terminal) with what was seen; what the store itself throws
 */
export async function probeConditionalWrites(
  store: ObjectStore,
  given: { readonly writers?: number } = {},
): Promise<void> {
  const writers = given.writers ?? 8;
  const key = `probes/${randomUUID()}`;
  try {
    const first = await race(store, key, writers, 'absent', 'If-None-Match');
    const second = await race(store, key, writers, { etag: first }, 'If-Match');
    const late = await store.put(key, bytesOf('late'), { etag: first });
    if (late.kind !== 'conflict') throw ignores('a write with an old ETag went through (If-Match)');
    const found = await store.get(key);
    if (found?.etag !== second) {
      throw ignores('the object read back is not the one that was acknowledged last');
    }
  } finally {
    await store.delete(key);
  }
}

/** Resolves to the ETag of the one that won. */
async function race(
  store: ObjectStore,
  key: string,
  writers: number,
  condition: WriteCondition,
  header: string,
): Promise<string> {
  const results = await Promise.all(
    Array.from({ length: writers }, (_, writer) =>
      store.put(key, bytesOf(`${header} ${writer}`), condition),
    ),
  );
  const [winner, ...others] = results.flatMap((result) =>
    result.kind === 'written' ? [result.etag] : [],
  );
  if (winner === undefined || others.length > 0) {
    const won = winner === undefined ? 0 : others.length + 1;
    throw ignores(`${won} of ${writers} writers at once succeeded with ${header}, expected 1`);
  }
  return winner;
}

function ignores(seen: string): PortError {
  return new PortError(
    'StoreIgnoresConditions',
    `The object store does not honour conditional writes: ${seen}; use one that does, such as Amazon S3.`,
    { details: { seen } },
  );
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
