import type { z } from 'zod';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { inParallel } from './files.js';
import { evidencePrefix } from './keys.js';
import { verifyBytes } from './stored-json.js';

/** Every document of a shape that lies beside a version, newest first, each verified by its digest. */
export async function documentsBeside<T>(
  store: ObjectStore,
  version: { readonly model: string; readonly digest: string },
  schema: z.ZodType<T>,
): Promise<readonly { readonly digest: string; readonly document: T }[]> {
  const { objects } = await store.list(evidencePrefix(version.model, version.digest));
  const newestFirst = [...objects].sort(
    (left, right) => right.modifiedAt.getTime() - left.modifiedAt.getTime(),
  );
  const read = await inParallel(newestFirst, async ({ key }) => {
    const digest = /\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
    const stored = digest === undefined ? null : await store.get(key);
    if (stored === null || digest === undefined) return [];
    verifyBytes(key, stored.bytes, digest);
    // documents of other shapes lie there too
    const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    return parsed.success ? [{ digest, document: parsed.data }] : [];
  });
  return read.flat();
}
