import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { access, constants, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PortError } from '../../domain/failures.js';
import type {
  ConvertJob,
  TrainJob,
  Trainer,
  TrainerEvent,
  TrainerResult,
} from '../../domain/ports/trainer.js';
import { checkOutput } from './output-check.js';
import { failureOf } from './trainer-failure.js';
import { runTrainerProcess, type TrainerEnd } from './trainer-process.js';

const MAX_METRICS = 100;

/** One entry of the worker's own configuration. */
interface SubprocessTrainerEntry {
  /** Folder of a locked uv project with the kit in it, such as `trainers/sklearn`; set-up makes its `.venv`. */
  readonly project: string;
  /** The script that calls the kit's `main`. */
  readonly script: string;
}

export interface SubprocessTrainerOptions {
  readonly trainers: Readonly<Record<string, SubprocessTrainerEntry>>;
  /** Where each run gets a folder of its own for its request, home and temporary files; default: the system's. */
  readonly workRoot?: string;
  /** Threads of numerical libraries (`OMP_NUM_THREADS`); default 1: two trainings then share two cores. */
  readonly threads?: number;
}

type Job = TrainJob | ConvertJob;

/** Runs training scripts in their locked Python environments, each in a process tree that does not outlive this process. */
export function createSubprocessTrainer(options: SubprocessTrainerOptions): Trainer {
  const entryOf = (name: string): SubprocessTrainerEntry => {
    const entry = Object.hasOwn(options.trainers, name) ? options.trainers[name] : undefined;
    if (entry) return { project: resolve(entry.project), script: resolve(entry.script) };
    const known = Object.keys(options.trainers).sort().join(', ') || 'none';
    throw new PortError(
      'UnknownTrainer',
      `There is no trainer "${name}" in this worker's configuration; it has: ${known}.`,
      { details: { trainer: name } },
    );
  };
  return {
    identify: async (trainer) => {
      const { project, script } = entryOf(trainer);
      const digest = async (path: string) =>
        createHash('sha256')
          .update(await readFile(await mustExist(path, trainer)))
          .digest('hex');
      return { lock: await digest(join(project, 'uv.lock')), code: await digest(script) };
    },
    run: async (job, given) => {
      const entry = entryOf(job.trainer);
      given.signal.throwIfAborted();
      await assertReady(entry, job);
      const home = await mkdtemp(join(options.workRoot ?? tmpdir(), 'trainer-'));
      try {
        return await runIn(home, { entry, job, threads: options.threads ?? 1, ...given });
      } finally {
        await rm(home, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  };
}

async function runIn(
  home: string,
  given: {
    entry: SubprocessTrainerEntry;
    job: Job;
    threads: number;
    onEvent: (event: TrainerEvent) => void;
    signal: AbortSignal;
  },
): Promise<TrainerResult> {
  const { entry, job, signal } = given;
  const request = join(home, 'request.json');
  await writeFile(request, JSON.stringify(requestOf(job)));
  const metrics = new Map<string, number>();
  const onEvent = (event: TrainerEvent) => {
    if (event.event === 'checkpoint' && !isFile(join(job.checkpoints, event.file))) return;
    if (event.event === 'metric' && (metrics.has(event.name) || metrics.size < MAX_METRICS)) {
      metrics.set(event.name, event.value);
    }
    given.onEvent(event);
  };
  const end = await runTrainerProcess({
    python: pythonOf(entry),
    script: entry.script,
    cwd: home,
    env: environment(home, request, given.threads),
    deadlineMs: job.deadlineMs,
    noProgressMs: job.noProgressMs,
    signal,
    onEvent,
  });
  signal.throwIfAborted();
  if (end.stopped !== undefined || end.exitCode !== 0) throw failureOf(end, job);
  const files = await checkOutput(job.output, REQUIRED_FILES[job.command]);
  return { files, metrics: Object.fromEntries(metrics), log: logOf(end) };
}

/** What each command must leave in its output folder, at the least. */
export const REQUIRED_FILES = {
  train: ['native.json'],
  convert: ['model.json', 'parity.jsonl'],
} as const satisfies Record<Job['command'], readonly string[]>;

/** The kit's request.json: trainers/kit/switchyard_kit/request.py. */
function requestOf(job: Job): Record<string, unknown> {
  const { command, model, seed, parameters, output, checkpoints } = job;
  const shared = { schemaVersion: 1, command, model, seed, parameters, output, checkpoints };
  if (job.command === 'train') return { ...shared, train: job.train };
  const { native, parityRows, twin, offerTwinAboveBytes } = job;
  return {
    ...{ ...shared, native, parityRows },
    ...(twin !== undefined && { twin }),
    ...(offerTwinAboveBytes !== undefined && { offerTwinAboveBytes }),
  };
}

/** Nothing of this process's environment but PATH: its credentials are none of a training script's business. */
function environment(home: string, request: string, threads: number): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    TMPDIR: home,
    LANG: 'C.UTF-8',
    OMP_NUM_THREADS: String(threads),
    SWITCHYARD_REQUEST: request,
  };
}

const pythonOf = (entry: SubprocessTrainerEntry) => join(entry.project, '.venv/bin/python');

async function assertReady(entry: SubprocessTrainerEntry, job: Job): Promise<void> {
  await mustExist(entry.script, job.trainer);
  try {
    await access(pythonOf(entry), constants.X_OK);
  } catch (cause) {
    throw new PortError(
      'SetUpMissing',
      `The trainer ${job.trainer} has no Python environment in ${entry.project}; type: npx switchyard setup`,
      { details: { trainer: job.trainer }, cause },
    );
  }
  const found = await readdir(job.output);
  if (found.length > 0) throw new Error(`The output folder ${job.output} is not empty.`);
}

async function mustExist(path: string, trainer: string): Promise<string> {
  try {
    await access(path, constants.R_OK);
    return path;
  } catch (cause) {
    throw new PortError(
      'UnknownTrainer',
      `The trainer ${trainer} is configured with ${path}, which cannot be read.`,
      { details: { trainer }, cause },
    );
  }
}

/** A link in the checkpoints folder would make the caller save whatever it points to. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function logOf(end: TrainerEnd): string {
  return [end.stdout, end.stderr].filter((text) => text !== '').join('\n');
}
