import type { ModelSpec } from '../../domain/spec.js';
import type { SnapshotPair, Trained } from '../../domain/lifecycle.js';
import { bookkeeping, onQueue } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import { registerStaging } from './staging.js';

/** What the later stages need of training. */
export interface Retrained {
  readonly snapshots: SnapshotPair;
  readonly trained: Trained;
}

/** The model's complete specification, with the request's overrides; its start is written down meanwhile. */
export async function resolveSpec(lifecycle: Lifecycle): Promise<ModelSpec> {
  const { request, journal } = lifecycle;
  const reading = bookkeeping(`read the specification of ${request.model}`);
  const [{ spec, starter }] = await Promise.all([
    reading.resolveSpec({ request }),
    journal.began(),
  ]);
  lifecycle.starter = starter ?? null;
  return spec;
}

/** Snapshots, then training on the train snapshot. */
export async function retrain(lifecycle: Lifecycle, spec: ModelSpec): Promise<Retrained> {
  lifecycle.enter('retrain');
  const { run } = lifecycle;
  // snapshots are immutable data that others share, named by their digest: they stay, and a sweep deletes what nobody needs
  const snapshots = await bookkeeping(
    `snapshots of ${spec.train.source} for ${spec.model}`,
  ).takeSnapshots({ spec });
  registerStaging(lifecycle);
  const trained = await onQueue(
    'train',
    spec.train.deadline,
    `train ${spec.model} with ${spec.train.trainer}`,
  ).trainModel({
    spec,
    train: snapshots.train,
    run,
  });
  return { snapshots, trained };
}
