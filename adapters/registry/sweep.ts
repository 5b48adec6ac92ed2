import { previousOf } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { SweepInventory, SweepItem, SweepPlan } from '../../domain/sweep.js';
import { inParallel } from './files.js';
import { LivePointerFile } from './live-pointer-file.js';

/** What a sweep did. */
export interface Swept {
  readonly things: number;
  readonly objects: number;
  readonly bytes: number;
  /** Versions that began to serve after the plan was made; they stay. */
  readonly spared: readonly string[];
}

/**
 * Deletes what a plan says, one thing after another, what makes a thing whole first: a version's manifest, a snapshot's
 * description. Killed at any point, nothing is left that looks whole and is not; the same plan again does the rest.
 */
export async function sweep(
  store: ObjectStore,
  plan: SweepPlan,
  inventory: SweepInventory,
  onDeleted: (item: SweepItem) => void = () => undefined,
): Promise<Swept> {
  const spared: string[] = [];
  let [things, objects, bytes] = [0, 0, 0];
  for (const item of plan.items.filter(({ isDeleted }) => isDeleted)) {
    if (item.kind === 'version' && (await servesNow(store, inventory, item))) {
      spared.push(item.name);
      continue;
    }
    const [first, ...others] = item.keys;
    if (first !== undefined) await store.delete(first);
    await inParallel(others, (key) => store.delete(key));
    onDeleted(item);
    things += 1;
    objects += item.keys.length;
    bytes += item.bytes;
  }
  return { things, objects, bytes, spared };
}

/** A version may have been promoted since the plan was made. */
async function servesNow(
  store: ObjectStore,
  { models }: SweepInventory,
  item: SweepItem,
): Promise<boolean> {
  const inventory = models.find(({ versions }) => versions.some(({ keys }) => keys === item.keys));
  const digest = inventory?.versions.find(({ keys }) => keys === item.keys)?.digest;
  if (inventory === undefined || digest === undefined || digest === null) return false;
  const reading = await new LivePointerFile(store, () => new Date()).read(inventory.model);
  if (reading === null) return false;
  const { live, served } = reading.state;
  return (
    live === digest ||
    previousOf(reading.state)?.digest === digest ||
    served.some((version) => version.digest === digest)
  );
}
