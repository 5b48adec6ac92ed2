import { randomBytes } from 'node:crypto';
import { thisRuntime } from '../adapters/model-runtime/this-runtime.js';
import { fitForLog } from '../adapters/prediction-log/fit-for-log.js';
import { ChunkBuilder } from '../adapters/prediction-log/row-chunk.js';
import { LogEncoder } from '../adapters/prediction-log/row-encoder.js';
import { isPortError } from '../domain/failures.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import type { Registry } from '../domain/ports/registry.js';
import type { RuntimeFacts } from '../domain/runtime-facts.js';
import { bytesOf } from '../domain/tensor-rows.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';

/** One answered (or failed) request as the endpoint saw it; it becomes one line a row. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly at: Date;
  readonly version: number;
  readonly digest: string;
  /** The version's file that answered; left out where nobody knows. */
  readonly artifact?: string;
  readonly customer: string | null;
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Empty where the request failed. */
  readonly outputs: readonly Tensor[];
  readonly latencyMs: number;
  /** Rows that ran together, those of other requests included: it may change a row's last bits. Null: nobody knows, or several runs. */
  readonly batchRows: number | null;
  /** The failure's type, or null. */
  readonly error: string | null;
}

export interface PredictionLogOptions {
  readonly registry: Pick<Registry, 'appendPredictions'>;
  readonly model: string;
  readonly replica: string;
  /** Writes the inputs themselves instead of their sha256; default false. */
  readonly includesInputs: boolean;
  /** What computes the answers; default: what is installed here. */
  readonly runtime?: RuntimeFacts;
  readonly flushEveryMs: number;
  /** As many lines are written before their time. */
  readonly flushLines: number;
  /** Kept at most while the registry does not take them, in lines and in bytes; more are dropped and counted. */
  readonly maxLines: number;
  readonly maxBytes: number;
  readonly log: Log;
}

export const PREDICTION_LOG_DEFAULTS = {
  includesInputs: false,
  flushEveryMs: 5_000,
  flushLines: 50_000,
  maxLines: 500_000,
  maxBytes: 128 * 1024 * 1024,
} as const;

/** What is handed to the thread at once: so little that handing it over holds no answer up. */
const CHUNK_LINES = 500;
const CHUNK_BYTES = 256 * 1024;
/** Forms of requests, of one version or several, that are collected at once. */
const MOST_BUILDERS = 8;

/** Rows, and the bytes that they take up here. */
interface Amount {
  readonly lines: number;
  readonly bytes: number;
}

/** A file that is not stored yet. Its name and bytes stay: a retry whose first reply was lost finds them. */
interface WaitingFile extends Amount {
  readonly name: string;
  readonly at: Date;
  readonly content: Uint8Array;
}

/** A model's prediction log. Adding costs an answer nothing: files are made by a thread, and sent behind the answers. */
export class PredictionLog {
  readonly #options: PredictionLogOptions;
  readonly #encoder: LogEncoder;
  readonly #repeating: { stop(): Promise<void> };
  /** Two of one name may begin in the same millisecond. */
  readonly #begun = `${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`;
  readonly #building: ChunkBuilder[] = [];
  #handedOver: Amount = { lines: 0, bytes: 0 };
  #files: WaitingFile[] = [];
  #lines = 0;
  #bytes = 0;
  #dropped = 0;
  #written = 0;
  #names = 0;
  /** A flush was ordered, and has not begun. */
  #isDue = false;
  #flushing: Promise<void> | null = null;

  constructor(options: PredictionLogOptions) {
    const { model, runtime = thisRuntime() } = options;
    this.#options = options;
    this.#encoder = new LogEncoder({ model, runtime });
    this.#repeating = repeat(options.flushEveryMs, () => this.flush());
  }

  /** Lines since the start: all that came, those that are written, dropped, and not written yet. */
  get lines(): Readonly<Record<'added' | 'written' | 'dropped' | 'waiting', number>> {
    const [written, dropped, waiting] = [this.#written, this.#dropped, this.#lines];
    return { added: written + dropped + waiting, written, dropped, waiting };
  }

  add(request: AnsweredRequest): void {
    if (request.rows === 0 || !this.#isFit(request)) return;
    const { includesInputs, maxLines, maxBytes, flushLines } = this.#options;
    const bytes = (includesInputs ? bytesOf(request.inputs) : 0) + bytesOf(request.outputs);
    if (this.#lines + request.rows > maxLines || this.#bytes + bytes > maxBytes) {
      this.#dropped += request.rows;
      return;
    }
    this.#collect(request, bytes);
    this.#lines += request.rows;
    this.#bytes += bytes;
    const isEnough = this.#lines >= flushLines && this.#files.length === 0;
    if (isEnough && this.#flushing === null && !this.#isDue) {
      this.#isDue = true;
      setImmediate(() => void this.flush());
    }
  }

  /** Sends what waits; what cannot be sent waits for the next time. */
  async flush(): Promise<void> {
    this.#isDue = false;
    while (this.#flushing) await this.#flushing;
    if (this.#lines === 0) return;
    this.#flushing = this.#send().finally(() => (this.#flushing = null));
    await this.#flushing;
  }

  async stop(): Promise<void> {
    await this.#repeating.stop();
    await this.flush();
    const lost = this.#lines;
    const { model, log } = this.#options;
    if (lost > 0) log.error({ model, lines: lost }, 'lines of the prediction log are lost');
  }

  #isFit({ requestId, rows, inputs, outputs }: AnsweredRequest): boolean {
    if (fitForLog(inputs, rows) && fitForLog(outputs, rows)) return true;
    const { model, log } = this.#options;
    log.error({ model, requestId, rows }, 'a request is not logged: a tensor has other values');
    if (rows > 0) this.#dropped += rows;
    return false;
  }

  #collect(request: AnsweredRequest, bytes: number): void {
    const isSorted = request.inputs.length < 2;
    const chunked = isSorted ? request : { ...request, inputs: byName(request.inputs) };
    let builder = this.#building.find((each) => each.fits(chunked));
    if (builder === undefined) {
      builder = new ChunkBuilder(chunked, this.#options);
      const oldest = this.#building.length < MOST_BUILDERS ? undefined : this.#building.shift();
      if (oldest) this.#handOver(oldest);
      this.#building.push(builder);
    }
    builder.add(chunked, bytes);
    if (builder.lines >= CHUNK_LINES || builder.bytes >= CHUNK_BYTES) this.#handOver(builder);
  }

  #handOver(builder: ChunkBuilder): void {
    if (builder.lines === 0) return;
    this.#handedOver = {
      lines: this.#handedOver.lines + builder.lines,
      bytes: this.#handedOver.bytes + builder.bytes,
    };
    this.#encoder.push(...builder.finish());
  }

  async #send(): Promise<void> {
    for (const builder of this.#building) this.#handOver(builder);
    if (this.#handedOver.lines > 0) await this.#encode();
    for (let file = this.#files[0]; file !== undefined; file = this.#files[0]) {
      const end = await this.#store(file);
      if (end === 'waits') return;
      this.#files.shift();
      this.#settle(file);
      if (end === 'written') this.#written += file.lines;
      else this.#dropped += file.lines;
    }
  }

  async #encode(): Promise<void> {
    const { model, replica, log } = this.#options;
    const given = this.#handedOver;
    this.#handedOver = { lines: 0, bytes: 0 };
    this.#bytes -= given.bytes;
    let made = 0;
    try {
      for (const { bytes, rows, firstAtMs } of await this.#encoder.encode()) {
        const name = `${replica}-${this.#begun}-${this.#names++}.parquet`;
        const about = { lines: rows, bytes: bytes.byteLength };
        this.#files.push({ ...about, name, at: new Date(firstAtMs), content: bytes });
        this.#bytes += bytes.byteLength;
        made += rows;
      }
    } catch (error) {
      log.error({ model, err: error }, 'lines of the prediction log could not be encoded');
    }
    // a thread that ended takes with it what it held
    this.#lines -= given.lines - made;
    this.#dropped += given.lines - made;
  }

  async #store({ name, at, content, lines }: WaitingFile): Promise<'written' | 'waits' | 'lost'> {
    const { registry, model, log } = this.#options;
    try {
      await registry.appendPredictions(model, at, name, content);
      return 'written';
    } catch (error) {
      if (isForGood(error)) {
        log.error({ model, lines, name, err: error }, 'lines of the prediction log are lost');
        return 'lost';
      }
      log.warn({ model, lines, err: error }, 'the prediction log is not written; it waits');
      return 'waits';
    }
  }

  #settle({ lines, bytes }: Amount): void {
    this.#lines -= lines;
    this.#bytes -= bytes;
  }
}

/** In the order of their names: callers give them in any. */
function byName(inputs: readonly Tensor[]): readonly Tensor[] {
  return [...inputs].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** No later try mends it: the file's own name is the fault. Anything else may pass, a right that is missing too. */
function isForGood(error: unknown): boolean {
  return isPortError(error) && (error.type === 'InvalidName' || error.details['isTaken'] === true);
}
