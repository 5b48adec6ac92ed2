import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import { assertDisjoint } from '../domain/dataset.js';
import { durationMs } from '../domain/duration.js';
import {
  snapshotRefSchema,
  type SnapshotPair,
  type SnapshotRef,
  type Trained,
} from '../domain/lifecycle.js';
import { runIdSchema } from '../domain/names.js';
import type { Snapshots } from '../domain/ports/dataset-source.js';
import type { Registry } from '../domain/ports/registry.js';
import type { Trainer, TrainerEvent } from '../domain/ports/trainer.js';
import { modelSpecSchema, type ModelSpec } from '../domain/spec.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { inWorkFolder } from './work-folder.js';

export interface RetrainPorts {
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  readonly trainer: Trainer;
  /** Where attempts keep their local files. */
  readonly workRoot: string;
}

const trainInputSchema = z.strictObject({
  spec: modelSpecSchema,
  train: snapshotRefSchema,
  run: runIdSchema,
});

/** Data and training. */
export function createRetrainActivities(ports: RetrainPorts) {
  return {
    /** Takes the train and the held-out snapshot. Throws `InvalidDataset` where ids overlap or rows are wrong. */
    takeSnapshots: defineActivity(z.strictObject({ spec: modelSpecSchema }), ({ spec }) =>
      withHeartbeats(() => takeSnapshots(ports.snapshots, spec)),
    ),
    /** Takes a fresh held-out snapshot for a candidate that was trained before. */
    takeHeldOut: defineActivity(
      z.strictObject({ spec: modelSpecSchema, train: snapshotRefSchema }),
      ({ spec, train }) => withHeartbeats(() => takeHeldOut(ports.snapshots, spec, train)),
    ),
    /** Trains on a snapshot and stages what came of it. Heartbeats progress; resumes from the newest checkpoint. */
    trainModel: defineActivity(trainInputSchema, (input) =>
      withHeartbeats((beat) => trainModel(ports, input, beat)),
    ),
  };
}

/** @throws PortError `UnknownDataSource` or `InvalidDataset`. */
export async function takeSnapshots(snapshots: Snapshots, spec: ModelSpec): Promise<SnapshotPair> {
  const train = await snapshots.take(spec.train.source, spec.train.trainRows);
  return { train, heldOut: await takeHeldOut(snapshots, spec, train) };
}

async function takeHeldOut(
  snapshots: Snapshots,
  spec: ModelSpec,
  train: SnapshotRef,
): Promise<SnapshotRef> {
  const heldOut = await snapshots.take(spec.train.source, spec.train.heldOutRows);
  const [trainRows, heldOutRows] = await Promise.all([
    snapshots.rows(train),
    snapshots.rows(heldOut),
  ]);
  assertDisjoint(
    trainRows.map(({ id }) => id),
    heldOutRows.map(({ id }) => id),
  );
  return heldOut;
}

async function trainModel(
  ports: RetrainPorts,
  { spec, train, run }: z.output<typeof trainInputSchema>,
  beat: { signal: AbortSignal; progress: (detail: unknown) => void },
): Promise<Trained> {
  const { registry, snapshots, trainer } = ports;
  const identity = await trainer.identify(spec.train.trainer);
  return inWorkFolder(ports.workRoot, async (folder) => {
    const output = await folder('output');
    const checkpoints = await folder('checkpoints');
    const rows = join(await folder('data'), 'train.jsonl');
    await Promise.all([snapshots.fetch(train, rows), registry.fetchCheckpoints(run, checkpoints)]);
    const saving: Promise<void>[] = [];
    const onEvent = (event: TrainerEvent) => {
      beat.progress(event);
      if (event.event === 'checkpoint') {
        const saved = registry
          .saveCheckpoint(run, event.file, join(checkpoints, event.file))
          .catch(unlessReplaced);
        saved.catch(() => undefined); // awaited below; here only kept from being reported as unhandled
        saving.push(saved);
      }
    };
    const result = await trainer.run(
      {
        command: 'train',
        ...trainerJob(spec),
        train: rows,
        output,
        checkpoints,
      },
      { onEvent, signal: beat.signal },
    );
    await Promise.all(saving);
    const place = { run, stage: 'retrain', attempt: activityInfo().attempt } as const;
    const staged = await registry.stage(place, output, result.files);
    return { staged, metrics: result.metrics, trainerLock: identity.lock, code: identity.code };
  });
}

/** A trainer keeps its newest checkpoints only: one that is gone before it was saved is no loss, a newer one follows. */
function unlessReplaced(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}

/** What train and convert tell a trainer alike. */
export function trainerJob(spec: ModelSpec) {
  return {
    trainer: spec.train.trainer,
    model: spec.model,
    parameters: spec.train.parameters,
    seed: spec.train.seed,
    deadlineMs: durationMs(spec.train.deadline),
    noProgressMs: durationMs(spec.train.noProgress),
  };
}

/** Trains into a local folder, without Temporal or a registry: the inner loop of whoever writes a trainer. */
export async function trainLocally(
  ports: Pick<RetrainPorts, 'trainer'>,
  given: {
    spec: ModelSpec;
    rows: string;
    directory: string;
    onEvent: (event: TrainerEvent) => void;
    signal: AbortSignal;
  },
) {
  const output = join(given.directory, 'native');
  const checkpoints = join(given.directory, 'checkpoints');
  await mkdir(output, { recursive: true });
  await mkdir(checkpoints, { recursive: true });
  const job = {
    command: 'train',
    ...trainerJob(given.spec),
    train: given.rows,
    output,
    checkpoints,
  } as const;
  return ports.trainer.run(job, { onEvent: given.onEvent, signal: given.signal });
}
