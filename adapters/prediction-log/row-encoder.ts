import { Worker } from 'node:worker_threads';
import { bundledFile } from '../package/package-root.js';
import type { EncodedFile, LogFacts } from './encode-rows.js';
import type { FromEncoder, ToEncoder } from './encoder-messages.js';
import type { RowChunk } from './row-chunk.js';

/** Where `npm run check:bundle` and the set-up put the thread's program. */
const THREAD_PATH = bundledFile('prediction-encoder.mjs');

/** Of the thread's heap; one that needs more ends, and its rows with it, not the process. */
const HEAP_MB = 512;
/** Of what it has just made: with less it collects garbage for two fifths of its time. */
const YOUNG_MB = 16;

interface Pending {
  readonly resolve: (files: readonly EncodedFile[]) => void;
  readonly reject: (error: Error) => void;
}

/** One thread that makes files of the rows of any number of logs. It starts with the first row, and again after it ended. */
class RowEncoder {
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | null = null;
  #lastId = 0;

  /** @param buffers - Of the chunk: they are handed over, not copied. */
  push(log: number, chunk: RowChunk, buffers: readonly ArrayBuffer[]): void {
    this.#tell({ kind: 'rows', log, chunk }, buffers);
  }

  /** Files of what was pushed since the last time. Rejects where the thread ended; what it held is gone then. */
  encode(log: number, facts: LogFacts): Promise<readonly EncodedFile[]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#tell({ kind: 'encode', log, id, facts }, []);
      this.#thread?.ref();
    });
  }

  #tell(message: ToEncoder, buffers: readonly ArrayBuffer[]): void {
    this.#thread ??= this.#start();
    this.#thread.postMessage(message, [...buffers]);
  }

  #start(): Worker {
    const thread = new Worker(THREAD_PATH, {
      name: 'prediction-encoder',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    let cause = new Error('the thread of the prediction log ended');
    thread.on('error', (error) => (cause = error));
    thread.on('exit', () => this.#end(thread, cause));
    thread.on('message', (reply: FromEncoder) => this.#settle(reply));
    thread.unref(); // a process that has nothing else to do may end
    return thread;
  }

  #settle(reply: FromEncoder): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#thread?.unref();
    if ('files' in reply) pending?.resolve(reply.files);
    else pending?.reject(new Error(reply.problem));
  }

  #end(thread: Worker, cause: Error): void {
    if (this.#thread === thread) this.#thread = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(cause);
  }
}

let shared: RowEncoder | null = null;
let logs = 0;

/** A log's place in the thread that all logs of this process share. */
export class LogEncoder {
  readonly #encoder = (shared ??= new RowEncoder());
  readonly #log = ++logs;

  constructor(readonly facts: LogFacts) {}

  push(chunk: RowChunk, buffers: readonly ArrayBuffer[]): void {
    this.#encoder.push(this.#log, chunk, buffers);
  }

  encode(): Promise<readonly EncodedFile[]> {
    return this.#encoder.encode(this.#log, this.facts);
  }
}
