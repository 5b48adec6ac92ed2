import type { ModelSpec } from '../../domain/spec.js';
import type { SnapshotPair, Trained } from '../../domain/lifecycle.js';
import { bookkeeping, onQueue } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';

/** What the later stages need of training. */
export interface Retrained {
  readonly snapshots: SnapshotPair;
  readonly trained: Trained;
}

/** The model's complete specification, with the request's overrides. */
export async function resolveSpec(lifecycle: Lifecycle): Promise<ModelSpec> {
  const { spec } = await bookkeeping(
    `read the specification of ${lifecycle.request.model}`,
  ).resolveSpec({ request: lifecycle.request });
  return spec;
}

/** Snapshots, then training on the train snapshot. */
export async function retrain(lifecycle: Lifecycle, spec: ModelSpec): Promise<Retrained> {
  lifecycle.enter('retrain');
  const { run } = lifecycle;
  const snapshots = await bookkeeping(
    `snapshots of ${spec.train.source} for ${spec.model}`,
  ).takeSnapshots({ spec });
  lifecycle.ledger.register('staging', async () => {
    const swept = await bookkeeping(`sweep what ${lifecycle.name} staged`).sweepStaging({ run });
    return swept === 0
      ? { end: 'already-clean', note: 'nothing was staged' }
      : { end: 'restored', note: `${swept} staged objects deleted` };
  });
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
