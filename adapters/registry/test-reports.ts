import { testReportSchema, type TestReport } from '../../domain/evidence.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { evidencePrefix } from './keys.js';
import { inParallel } from './files.js';
import { verifyBytes } from './stored-json.js';

/** Every test report that lies beside a version, newest first, each verified by its digest. */
export async function testReportsOf(
  store: ObjectStore,
  model: string,
  manifestDigest: string,
): Promise<readonly TestReport[]> {
  const { objects } = await store.list(evidencePrefix(model, manifestDigest));
  const newestFirst = [...objects].sort(
    (left, right) => right.modifiedAt.getTime() - left.modifiedAt.getTime(),
  );
  const read = await inParallel(newestFirst, async ({ key }) => {
    const digest = /\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
    const stored = digest === undefined ? null : await store.get(key);
    if (stored === null || digest === undefined) return [];
    verifyBytes(key, stored.bytes, digest);
    // evidence and parity reports lie there too
    const parsed = testReportSchema.safeParse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    return parsed.success ? [parsed.data] : [];
  });
  return read.flat();
}
