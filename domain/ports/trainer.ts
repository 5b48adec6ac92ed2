import type { ParameterValue } from '../spec.js';
import type { TwinKind } from '../twin.js';

/** What a running trainer says of itself. */
export type TrainerEvent =
  | { readonly event: 'progress'; readonly done: number; readonly message: string }
  | { readonly event: 'metric'; readonly name: string; readonly value: number }
  | { readonly event: 'checkpoint'; readonly file: string };

interface TrainerJob {
  /** A trainer of the worker's own configuration; `UnknownTrainer` otherwise. */
  readonly trainer: string;
  readonly model: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly seed: number;
  /** Absolute local folders; `output` is empty at the start, `checkpoints` survives attempts. */
  readonly output: string;
  readonly checkpoints: string;
  /** Total time, and the longest time without an event, in milliseconds. */
  readonly deadlineMs: number;
  readonly noProgressMs: number;
}

/** Fits a model to rows (`train`: a local JSON-lines file of `{id, at, label, text}`). */
export interface TrainJob extends TrainerJob {
  readonly command: 'train';
  readonly train: string;
}

/** Turns what `train` wrote into ONNX, and scores `parityRows` (JSON lines) in the source framework. */
export interface ConvertJob extends TrainerJob {
  readonly command: 'convert';
  readonly native: string;
  readonly parityRows: string;
  /** A smaller twin is wanted, of this kind; `model.json` says what became of it. */
  readonly twin?: TwinKind;
  /** None is wanted, but how large one would be where the ONNX file has more bytes than this. */
  readonly offerTwinAboveBytes?: number;
}

/** How a trainer's run ended well. */
export interface TrainerResult {
  /** Files in `output`, relative, sorted; all of them regular, non-empty and no pickles. */
  readonly files: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
  /** The last 4 KB of stdout and stderr, for people. */
  readonly log: string;
}

/** What a version's lineage says of a trainer. */
export interface TrainerIdentity {
  /** sha256 of the locked environment (`uv.lock`) and of the trainer's script, in hex. */
  readonly lock: string;
  readonly code: string;
}

/**
 * Runs somebody's training code in an environment of its own.
 * Throws `PortError`: `UnknownTrainer`, `SetUpMissing`, `InvalidParameter`, `InvalidDataset`, `BadTrainerOutput` (terminal);
 * `TrainerCrashed` (with exit code, signal and the last stderr in `details`), `TrainerHung` (retryable).
 * When `signal` aborts, every descendant process is ended, and the promise rejects with the signal's reason.
 */
export interface Trainer {
  identify(trainer: string): Promise<TrainerIdentity>;
  run(
    job: TrainJob | ConvertJob,
    given: { onEvent: (event: TrainerEvent) => void; signal: AbortSignal },
  ): Promise<TrainerResult>;
}
