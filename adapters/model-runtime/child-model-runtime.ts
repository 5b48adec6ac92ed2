import type { ModelRuntime, OpenModel } from '../../domain/ports/model-runtime.js';
import { bundledFile } from '../package/package-root.js';
import { BUSY_POLL_MS } from './busy-poll.js';
import { ChildModel } from './child-model.js';
import { installedVersion } from './this-runtime.js';

/** Where `npm run check:bundle` and the set-up put the child's program. */
const CHILD_PATH = bundledFile('inference-child.mjs');

/** Larger model files are refused before they are read. */
const DEFAULT_MAX_MODEL_BYTES = 1 << 30;

export interface ChildModelRuntimeOptions {
  /** The bundled `inference-child.ts`; default `CHILD_PATH`. */
  readonly childPath?: string;
  readonly nodePath?: string;
  readonly maxModelBytes?: number;
  /** Threads of one run of a graph; default 1. */
  readonly threads?: number;
  /** How long both sides look for the other's next word before they sleep; default 0.2; on one core never. */
  readonly busyPollMs?: number;
}

/** `ModelRuntime` with onnxruntime-node, one capped child process an opened model. */
export class ChildModelRuntime implements ModelRuntime {
  readonly version = installedVersion();
  readonly #options: Required<ChildModelRuntimeOptions>;

  constructor(options: ChildModelRuntimeOptions = {}) {
    this.#options = {
      childPath: CHILD_PATH,
      nodePath: process.execPath,
      maxModelBytes: DEFAULT_MAX_MODEL_BYTES,
      threads: 1,
      busyPollMs: BUSY_POLL_MS,
      ...options,
    };
  }

  async open(request: OpenModel): Promise<ChildModel> {
    const { childPath, nodePath, maxModelBytes, threads, busyPollMs } = this.#options;
    const { memoryLimitBytes, loadDeadlineMs, directory, artifact, manifest } = request;
    const { contract, frontEnd, graph } = manifest;
    return ChildModel.open({ childPath, nodePath, memoryLimitBytes }, loadDeadlineMs, {
      kind: 'open',
      directory,
      artifact,
      manifest: { contract, frontEnd, graph },
      maxModelBytes,
      threads,
      busyPollMs,
    });
  }
}
