import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createNamedTrainers } from '../../../adapters/trainer/named-trainers.js';
import { createSubprocessTrainer } from '../../../adapters/trainer/subprocess-trainer.js';
import type { TrainJob, Trainer } from '../../../domain/ports/trainer.js';
import { aFolder, failure } from '../registry/builders.js';

const others = createSubprocessTrainer({ trainers: {} });
const quiet = { onEvent: () => undefined, signal: new AbortController().signal };

const aJob = (output: string, overrides: Partial<TrainJob> = {}): TrainJob => ({
  ...{ command: 'train', trainer: 'own', model: 'm', parameters: {}, seed: 1, output },
  ...{ checkpoints: output, deadlineMs: 10_000, noProgressMs: 10_000, train: 'train.jsonl' },
  ...overrides,
});

/** A trainer without Python, which does what it is given. */
const aTrainer = (run: (job: TrainJob) => Promise<void>): Trainer => ({
  identify: () => Promise.resolve({ lock: 'a'.repeat(64), code: 'b'.repeat(64) }),
  run: async (job) => {
    if (job.command === 'train') await run(job);
    return { files: [], metrics: { loss: 1 }, log: '' };
  },
});

describe('createNamedTrainers', () => {
  it('runs the own trainer of the name, and lists the files that it wrote', async () => {
    await using folder = await aFolder();
    const own = aTrainer(({ output }) => writeFile(join(output, 'native.json'), '{}'));
    const trainers = createNamedTrainers({ own }, others);
    assert.deepEqual(await trainers.run(aJob(folder.path), quiet), {
      ...{ files: ['native.json'], metrics: { loss: 1 }, log: '' },
    });
    assert.equal((await trainers.identify('own')).lock, 'a'.repeat(64));
  });

  it('refuses an output without the file that the command must leave', async () => {
    await using folder = await aFolder();
    const trainers = createNamedTrainers({ own: aTrainer(() => Promise.resolve()) }, others);
    await assert.rejects(
      trainers.run(aJob(folder.path), quiet),
      failure('BadTrainerOutput', /it wrote no native\.json/),
    );
  });

  it('gives up an own trainer at its deadline, and when the signal aborts', async () => {
    await using folder = await aFolder();
    const never = aTrainer(() => pause(60_000, undefined, { ref: false }));
    const trainers = createNamedTrainers({ own: never }, others);
    await assert.rejects(
      trainers.run(aJob(folder.path, { deadlineMs: 20 }), quiet),
      failure('TrainerHung', /own did not end its train within 20 ms/),
    );
    const controller = new AbortController();
    const running = trainers.run(aJob(folder.path), { ...quiet, signal: controller.signal });
    controller.abort(new Error('the lifecycle was cancelled'));
    await assert.rejects(running, /the lifecycle was cancelled/);
  });

  it('hands every other name on', async () => {
    await assert.rejects(
      createNamedTrainers({}, others).identify('toString'),
      failure('UnknownTrainer', /no trainer "toString"/),
    );
  });
});
