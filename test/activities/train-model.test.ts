import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { createRetrainActivities } from '../../activities/retrain.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../adapters/snapshots/object-snapshots.js';
import { inCut } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import type { TrainJob, Trainer, TrainerEvent } from '../../domain/ports/trainer.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { aDigest, aSpec } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { failed, quietEnvironment, runActivity } from './run-activity.js';

const row = (day: number, label: string): Row => ({
  id: `mail-${day}`,
  at: `2026-01-0${day}T00:00:00.000Z`,
  label,
  text: `mail of day ${day}`,
});
const ROWS = [row(1, 'a'), row(2, 'b'), row(3, 'a'), row(4, 'b')];
const HALF_WAY = '2026-01-03T00:00:00Z';
const source: DatasetSource = {
  rows: (cut) => Promise.resolve(ROWS.filter(({ at }) => inCut(at, cut))),
};
const spec = aSpec({
  train: {
    ...{ trainer: 'words', source: 'mails', parameters: { c: 4 }, seed: 7 },
    ...{ trainRows: { until: HALF_WAY }, heldOutRows: { from: HALF_WAY } },
  },
});

type Training = (
  job: TrainJob,
  given: { onEvent: (event: TrainerEvent) => void; signal: AbortSignal },
) => Promise<void>;

/** A trainer that keeps the port's promises: it writes its files, tells of them, and ends when it is told to. */
class FakeTrainer implements Trainer {
  readonly jobs: TrainJob[] = [];
  running = 0;
  readonly #train: Training;

  constructor(train: Training = () => Promise.resolve()) {
    this.#train = train;
  }

  identify(trainer: string) {
    return Promise.resolve({ lock: aDigest(`${trainer} lock`), code: aDigest(`${trainer} code`) });
  }

  async run(...[job, given]: Parameters<Trainer['run']>) {
    if (job.command !== 'train') throw new Error('only training is asked for here');
    this.jobs.push(job);
    this.running += 1;
    try {
      await this.#train(job, given);
      await writeFile(join(job.output, 'native.json'), '{}');
      return { files: ['native.json'], metrics: { loss: 0.5 }, log: '' };
    } finally {
      this.running -= 1;
    }
  }
}

async function openShop(trainer: Trainer) {
  const store = new MemoryObjectStore();
  const registry = new ObjectRegistry(store);
  const folder = await temporaryFolder();
  const activities = createRetrainActivities({
    ...{ registry, trainer, workRoot: folder.path },
    snapshots: new ObjectSnapshots(store, { mails: source }),
  });
  const { train } = await runActivity(activities.takeSnapshots, { spec });
  const input = { spec, train, run: randomUUID() };
  return {
    ...{ activities, registry, input },
    folders: () => readdir(folder.path),
    train: (environment = quietEnvironment()) =>
      runActivity(activities.trainModel, input, environment),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('trainModel', () => {
  it('trains on the snapshot with the parameters of the specification, and stages the files', async () => {
    let seen = '';
    const trainer = new FakeTrainer(async (job) => {
      seen = await readFile(job.train, 'utf8');
    });
    await using shop = await openShop(trainer);
    const { staged, metrics, trainerLock, code } = await shop.train();
    const wanted = ROWS.slice(0, 2).map(({ id }) => id);
    assert.deepEqual(
      [...seen.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id),
      wanted,
    );
    const [job] = trainer.jobs;
    assert.deepEqual([job?.trainer, job?.parameters, job?.seed], ['words', { c: 4 }, 7]);
    assert.deepEqual(
      staged.files.map(({ path }) => path),
      ['native.json'],
    );
    assert.deepEqual([staged.run, staged.stage, staged.attempt], [shop.input.run, 'retrain', 1]);
    assert.deepEqual(
      [metrics, trainerLock, code],
      [{ loss: 0.5 }, aDigest('words lock'), aDigest('words code')],
    );
    assert.deepEqual(await shop.folders(), []);
  });

  it('beats with what the trainer tells', async () => {
    const told = { event: 'progress', done: 0.5, message: 'half' } as const;
    const trainer = new FakeTrainer((_job, { onEvent }) => {
      onEvent(told);
      return Promise.resolve();
    });
    await using shop = await openShop(trainer);
    const environment = quietEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (detail) => beats.push(detail));
    await shop.train(environment);
    assert.deepEqual(beats, [told]);
  });

  it('beats once a second while the trainer is silent', async () => {
    const environment = quietEnvironment();
    const trainer = new FakeTrainer(
      () => new Promise((resolve) => environment.once('heartbeat', () => resolve())),
    );
    await using shop = await openShop(trainer);
    await shop.train(environment);
    assert.equal(trainer.running, 0);
  });

  it('ends the trainer when it is cancelled, and leaves no folder', async () => {
    const environment = quietEnvironment();
    const trainer = new FakeTrainer((_job, { signal }) => {
      environment.cancel();
      return endOf(signal);
    });
    await using shop = await openShop(trainer);
    await assert.rejects(shop.train(environment), CancelledFailure);
    assert.deepEqual([trainer.jobs.length, trainer.running], [1, 0]);
    assert.deepEqual(await shop.folders(), []);
  });

  it('does not miss a checkpoint that the trainer has replaced before it was saved', async () => {
    const trainer = new FakeTrainer(async (job, { onEvent }) => {
      onEvent({ event: 'checkpoint', file: 'epoch-1.npz' }); // replaced: not there any more
      await writeFile(join(job.checkpoints, 'epoch-2.npz'), 'weights');
      onEvent({ event: 'checkpoint', file: 'epoch-2.npz' });
    });
    await using shop = await openShop(trainer);
    await shop.train();
    await using saved = await temporaryFolder();
    const names = await shop.registry.fetchCheckpoints(shop.input.run, saved.path);
    assert.deepEqual(names, ['epoch-2.npz']);
  });

  it('gives the next attempt the checkpoints of the one that crashed', async () => {
    const found: string[][] = [];
    const trainer = new FakeTrainer(async (job, { onEvent }) => {
      found.push(await readdir(job.checkpoints));
      if (found.length > 1) return;
      await writeFile(join(job.checkpoints, 'epoch-1.npz'), 'weights');
      onEvent({ event: 'checkpoint', file: 'epoch-1.npz' });
      throw new PortError('TrainerCrashed', 'exit code 137');
    });
    await using shop = await openShop(trainer);
    await assert.rejects(shop.train(), failed('TrainerCrashed', /exit code 137/));
    await shop.train();
    assert.deepEqual(found, [[], ['epoch-1.npz']]);
  });
});

describe('takeSnapshots', () => {
  it('refuses a held-out set that shares rows with the training', async () => {
    await using shop = await openShop(new FakeTrainer());
    const overlapping = {
      ...spec,
      train: { ...spec.train, heldOutRows: { from: '2026-01-02T00:00:00Z' } },
    };
    await assert.rejects(
      runActivity(shop.activities.takeSnapshots, { spec: overlapping }),
      failed('InvalidDataset', /mail-2/),
    );
  });

  it('takes newer held-out rows apart from the rows of the training', async () => {
    await using shop = await openShop(new FakeTrainer());
    const heldOut = await runActivity(shop.activities.takeHeldOut, {
      spec,
      train: shop.input.train,
    });
    assert.deepEqual([heldOut.rows, heldOut.labels], [2, ['a', 'b']]);
  });
});

/** Rejects with the signal's reason, as a trainer does that is told to end. */
async function endOf(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  signal.throwIfAborted();
}
