import { liveStateSchema, type LiveState } from '../../../domain/live-state.js';
import type { ObjectStore } from '../../../domain/ports/object-store.js';
import { inParallel } from '../files.js';
import { auditPrefix, liveKey, parseAuditKey } from '../keys.js';
import { parseStored } from '../stored-json.js';

/**
 * Every state that a model's `live.json` has had, the oldest first, and what it is now. Nothing is verified.
 * @throws PortError `StoreRefused` where an object is no such state.
 */
export async function readAuditTrail(
  store: ObjectStore,
  model: string,
): Promise<readonly LiveState[]> {
  const { objects } = await store.list(auditPrefix(model));
  const lines = objects.flatMap(({ key }) => {
    const generation = parseAuditKey(model, key);
    return generation === null ? [] : [{ key, generation }];
  });
  const sorted = lines.sort((one, other) => one.generation - other.generation);
  const keys = [...sorted.map(({ key }) => key), liveKey(model)];
  const states = await inParallel(keys, async (key) => {
    const stored = await store.get(key);
    return stored === null ? [] : [parseStored(key, stored.bytes, liveStateSchema)];
  });
  const found = states.flat();
  // its writer was about to write over it
  return found.filter(({ generation }, index) => found[index + 1]?.generation !== generation);
}
