import type { CloseOrder, FollowUp } from '../../domain/follow-up.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { ObjectSnapshots } from '../snapshots/object-snapshots.js';
import { RegressionFiles } from './regression-files.js';

/**
 * Makes the inputs of a follow-up rows that every later candidate must answer right, as a snapshot of their own: whoever forgets a person
 * finds them there. Inputs that are no row of what the candidate was judged by are left out.
 * @returns How many rows those are.
 */
export async function keepInputs(
  store: ObjectStore,
  { model, key, inputs, subject: { heldOut } }: FollowUp,
  { by, reason }: Pick<CloseOrder, 'by' | 'reason'>,
  now = new Date(),
): Promise<number> {
  if (heldOut === undefined) return 0;
  const snapshots = new ObjectSnapshots(store, {});
  const ids = new Set(inputs.map(({ id }) => id));
  const all: readonly Row[] = await snapshots.rowsLeft(heldOut);
  const rows = all.filter(({ id }) => ids.has(id));
  if (rows.length === 0) return 0;
  const snapshot = await snapshots.store(heldOut.name, rows);
  await new RegressionFiles(store).keep({
    ...{ schemaVersion: 1, model, key, snapshot, by, reason, at: now.toISOString() },
  });
  return rows.length;
}
