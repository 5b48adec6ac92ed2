import { isRemembered } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { OpenWork, SweepInventory, SweepItem, SweepPlan } from '../../domain/sweep.js';
import { inParallel } from './files.js';
import { LivePointerFile } from './live-pointer-file.js';

/** What a sweep did. */
export interface Swept {
  readonly things: number;
  readonly objects: number;
  readonly bytes: number;
  /** What began to serve, or to be named by an open workflow, after the plan was made; it stays. */
  readonly spared: readonly string[];
}

/** How old what is known of open workflows may be when something is deleted. */
const ASKED_AGAIN_MS = 5_000;

const NOTHING_OPEN: OpenWork = { digests: new Set(), since: null };

/**
 * Deletes what a plan says, one thing after another, what makes a thing whole first: a version's manifest, a snapshot's
 * description. Killed at any point, nothing is left that looks whole and is not; the same plan again does the rest.
 * @param given - `openNow`: what is open by now, asked again every few seconds, for lifecycles may begin during a long sweep.
 */
export async function sweep(
  store: ObjectStore,
  plan: SweepPlan,
  inventory: SweepInventory,
  given: { openNow?: () => Promise<OpenWork> } = {},
): Promise<Swept> {
  const spared: string[] = [];
  const standing = new Set<string>();
  const isOpen = openDigests(given.openNow ?? (() => Promise.resolve(NOTHING_OPEN)));
  let [things, objects, bytes] = [0, 0, 0];
  for (const item of plan.items.filter(({ isDeleted }) => isDeleted)) {
    const isNeeded =
      item.digests.some((digest) => standing.has(digest)) ||
      (await isOpen(item.digests)) ||
      (await servesNow(store, inventory, item));
    if (isNeeded) {
      spared.push(item.name);
      for (const digest of item.digests) standing.add(digest);
      continue;
    }
    const [first, ...others] = item.keys;
    if (first !== undefined) await store.delete(first);
    await inParallel(others, (key) => store.delete(key));
    things += 1;
    objects += item.keys.length;
    bytes += item.bytes;
  }
  return { things, objects, bytes, spared };
}

/** Whether an open workflow names one of some digests. */
function openDigests(openNow: () => Promise<OpenWork>) {
  let [known, askedMs] = [NOTHING_OPEN.digests, Number.NEGATIVE_INFINITY];
  return async (digests: readonly string[]): Promise<boolean> => {
    if (digests.length === 0) return false;
    if (performance.now() - askedMs > ASKED_AGAIN_MS) {
      askedMs = performance.now();
      known = (await openNow()).digests;
    }
    return digests.some((digest) => known.has(digest));
  };
}

/** A version may have been promoted since the plan was made. */
async function servesNow(
  store: ObjectStore,
  { models }: SweepInventory,
  { kind, keys, digests: [digest] }: SweepItem,
): Promise<boolean> {
  if (kind !== 'version' || digest === undefined) return false;
  const owner = models.find(({ versions }) => versions.some((version) => version.keys === keys));
  const reading = owner === undefined ? null : await new LivePointerFile(store).read(owner.model);
  return reading !== null && isRemembered(reading.state, digest);
}
