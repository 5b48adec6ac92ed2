import { setTimeout as wait } from 'node:timers/promises';
import { isPortError } from '../domain/failures.js';
import type { Contract } from '../domain/manifest.js';
import type {
  InferResult,
  ModelRuntime,
  OpenedModel,
  Tensor,
} from '../domain/ports/model-runtime.js';
import { AnswerError } from './answer-error.js';
import { RowQueue, type RowQueueLimits } from './batching/row-queue.js';
import type { RowsAnswered, RowsAsked } from './batching/waiting-request.js';
import type { Log } from './log.js';
import type { CachedVersion } from './version-cache.js';

/** How a version is run. */
export interface VersionOptions extends RowQueueLimits {
  readonly runtime: ModelRuntime;
  readonly artifact: string;
  readonly memoryLimitBytes: number;
  readonly loadDeadlineMs: number;
  readonly inferTimeoutMs: number;
  /** A request waits so long for a crashed process to be there again, then fails. */
  readonly reopenPatienceMs: number;
  /** Told when a process ended that nobody closed. */
  readonly onProcessEnd: () => void;
  readonly log: Log;
}

const FIRST_REOPEN_DELAY_MS = 50;
const MAX_REOPEN_DELAY_MS = 10_000;

/** One version in its process. A crash opens another process; `retire` closes it after the last answer. */
export class LoadedVersion {
  readonly version: number;
  readonly digest: string;
  readonly contract: Contract;
  #opened: OpenedModel | null;
  #whenOpen: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #isRetired = false;
  #closed: () => void = () => undefined;
  readonly #queue: RowQueue;
  /** Settles when the process is closed for good. */
  readonly closed: Promise<void>;

  private constructor(
    readonly cached: CachedVersion,
    readonly options: VersionOptions,
    opened: OpenedModel,
  ) {
    this.version = cached.version;
    this.digest = cached.digest;
    this.contract = cached.manifest.contract;
    this.#opened = opened;
    this.#queue = new RowQueue(options, (inputs) => this.#run(inputs));
    this.closed = new Promise((resolve) => (this.#closed = resolve));
    this.#watch(opened);
  }

  static async open(cached: CachedVersion, options: VersionOptions): Promise<LoadedVersion> {
    return new LoadedVersion(cached, options, await openModel(cached, options));
  }

  /** False while a crashed process is opened anew. */
  get isOpen(): boolean {
    return this.#opened !== null;
  }

  /** Why a request of this customer finds no place now; null: it does. */
  refusal(customer: string): AnswerError | null {
    return this.#queue.refusal(customer);
  }

  /** Answers rows, by this version whatever becomes live meanwhile. */
  infer(asked: RowsAsked): Promise<RowsAnswered> {
    return this.keepOpen(() => this.#queue.submit(asked));
  }

  /** It is not closed before this work has ended, though it may be retired. */
  async keepOpen<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#inFlight++;
    try {
      return await work();
    } finally {
      this.#inFlight--;
      if (this.#isRetired && this.#inFlight === 0) void this.#close();
    }
  }

  /** No new requests come; those under way are answered first. */
  retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#inFlight === 0) void this.#close();
    return this.closed;
  }

  async #run(inputs: readonly Tensor[]): Promise<InferResult> {
    for (;;) {
      const opened = this.#opened ?? (await this.#reopened());
      try {
        return await opened.infer(inputs, { timeoutMs: this.options.inferTimeoutMs });
      } catch (error) {
        // only the batch that was at work may be what ended the process; the ones behind it are asked again
        const isBystander =
          isPortError(error) &&
          error.type === 'RuntimeCrashed' &&
          error.details['started'] === false;
        if (!isBystander) throw error;
        if (this.#opened === opened) this.#opened = null;
      }
    }
  }

  async #reopened(): Promise<OpenedModel> {
    const patience = new AbortController();
    await Promise.race([
      this.#whenOpen,
      wait(this.options.reopenPatienceMs, undefined, { signal: patience.signal }).catch(
        () => undefined,
      ),
    ]);
    patience.abort();
    if (this.#opened) return this.#opened;
    throw new AnswerError(
      503,
      'RuntimeCrashed',
      'the model process ended and is not there again yet; try again',
    );
  }

  #watch(opened: OpenedModel): void {
    this.#whenOpen = opened.exited.then(async (reason) => {
      this.#opened = null;
      if (this.#isRetired && this.#inFlight === 0) return;
      this.options.onProcessEnd();
      this.options.log.error(
        { digest: this.digest, reason },
        'the model process ended; opening another',
      );
      await this.#reopen();
    });
  }

  async #reopen(): Promise<void> {
    for (let delayMs = FIRST_REOPEN_DELAY_MS; !this.#isGone(); delayMs *= 2) {
      try {
        const opened = await openModel(this.cached, this.options);
        if (this.#isGone()) {
          await opened.close();
        } else {
          this.#opened = opened;
          this.#watch(opened);
        }
        return;
      } catch (error) {
        this.options.log.error(
          { digest: this.digest, err: error },
          'the model process does not open',
        );
      }
      await wait(Math.min(delayMs, MAX_REOPEN_DELAY_MS), undefined, { ref: false });
    }
  }

  #isGone(): boolean {
    return this.#isRetired && this.#inFlight === 0;
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.close();
    this.#closed();
  }
}

function openModel(cached: CachedVersion, options: VersionOptions): Promise<OpenedModel> {
  return options.runtime.open({
    directory: cached.directory,
    artifact: options.artifact,
    manifest: cached.manifest,
    memoryLimitBytes: options.memoryLimitBytes,
    loadDeadlineMs: options.loadDeadlineMs,
  });
}
