import type { Manifest, TensorSpec } from '../manifest.js';

/** A tensor's values, row by row; BYTES are UTF-8 strings. */
export type TensorData = readonly string[] | Float32Array | Int32Array | BigInt64Array;

export interface Tensor extends TensorSpec {
  readonly data: TensorData;
}

export interface OpenModel {
  /** A local folder with the version's files; their bytes were verified against the manifest by the caller. */
  readonly directory: string;
  readonly artifact: string;
  readonly manifest: Pick<Manifest, 'contract' | 'frontEnd' | 'graph'>;
  /** Cap of native memory (RLIMIT_DATA), in bytes. */
  readonly memoryLimitBytes: number;
  readonly loadDeadlineMs: number;
}

/** A model in a process of its own, spoken to by the caller's contract. */
export interface OpenedModel {
  /** From the process's start to a session that answers, in milliseconds. */
  readonly loadMs: number;
  /**
   * Answers one batch; shapes `[n]` and `[n, K]`. Rejects with `InvalidInput` (terminal), `RuntimeTimeout`, `OutOfMemory`,
   * or `RuntimeCrashed`; after a crash every later call rejects with it too.
   */
  infer(inputs: readonly Tensor[], given?: { timeoutMs?: number }): Promise<InferResult>;
  /** Resident memory of the process now, and its highest since the start (VmHWM), in bytes. */
  memory(): Promise<{ rssBytes: number; peakRssBytes: number }>;
  /** Settles when the process has ended, with what ended it (`'closed'` after `close`). */
  readonly exited: Promise<string>;
  close(): Promise<void>;
}

export interface InferResult {
  readonly outputs: readonly Tensor[];
  /** Time inside the model's process (front end and graph), in milliseconds. */
  readonly computeMs: number;
}

/**
 * Runs an ONNX model in a capped child process; convert, test and serving use the same code.
 * `open` rejects with `PortError` `InvalidModelFile`, `UnsupportedOperator`, `ContractMismatch` (terminal), `OutOfMemory`,
 * `RuntimeCrashed` or `RuntimeTimeout`.
 */
export interface ModelRuntime {
  /** Of onnxruntime-node, as the manifest records it. */
  readonly version: string;
  open(request: OpenModel): Promise<OpenedModel>;
}
