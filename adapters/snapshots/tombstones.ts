import { PortError } from '../../domain/failures.js';
import { tombstoneSchema, type Tombstone } from '../../domain/forgetting.js';
import { shortDigest } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { snapshotKey } from '../registry/keys.js';
import { missingObject, parseStored } from '../registry/stored-json.js';

/** More persons than this were never forgotten of one snapshot, one after another. */
const MAX_STEPS = 1_000;

/** What stands where a snapshot was, or null. */
export async function readTombstone(
  store: ObjectStore,
  source: string,
  digest: string,
): Promise<Tombstone | null> {
  const key = snapshotKey(source, digest, 'tombstone.json');
  const stored = await store.get(key);
  return stored === null ? null : parseStored(key, stored.bytes, tombstoneSchema);
}

/** Why a snapshot's rows are not there: `SnapshotReplaced`, naming what replaces it now, or `StoreRefused`. */
export async function missingSnapshot(
  store: ObjectStore,
  source: string,
  digest: string,
): Promise<PortError> {
  const key = snapshotKey(source, digest, 'rows.jsonl');
  const first = await readTombstone(store, source, digest);
  if (first === null) return missingObject(key, 'take the snapshot again');
  let replacedBy = first.replacedBy;
  for (let step = 0; replacedBy !== null && step < MAX_STEPS; step += 1) {
    const next = await readTombstone(store, source, replacedBy);
    if (next === null) break;
    replacedBy = next.replacedBy;
  }
  const now = replacedBy === null ? 'and no row was left of it' : `by ${replacedBy}`;
  return new PortError(
    'SnapshotReplaced',
    `snapshot ${shortDigest(digest)} of "${source}" was replaced ${now} on ${first.at}, since a person's rows were deleted; start again with a new snapshot`,
    { details: { source, digest, replacedBy } },
  );
}
