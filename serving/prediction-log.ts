import { createHash } from 'node:crypto';
import { setImmediate as betweenAnswers } from 'node:timers/promises';
import type { Registry } from '../domain/ports/registry.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import type { RunIn } from './batching/waiting-request.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';

/** One answered (or failed) request as the endpoint saw it; it becomes one line a row. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly at: Date;
  readonly version: number;
  readonly digest: string;
  readonly customer: string | null;
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Empty where the request failed. */
  readonly outputs: readonly Tensor[];
  /** Where its rows were run: with which others a row stood in a batch may change its last bits. */
  readonly ranIn: readonly RunIn[];
  readonly latencyMs: number;
  /** The failure's type, or null. */
  readonly error: string | null;
}

export interface PredictionLogOptions {
  readonly registry: Pick<Registry, 'appendPredictions'>;
  readonly model: string;
  readonly replica: string;
  /** Writes the text itself instead of its sha256; default false. */
  readonly includesText: boolean;
  readonly flushEveryMs: number;
  readonly flushLines: number;
  /** Requests kept at most while the registry does not take them, in lines and in bytes of input; more are dropped and counted. */
  readonly maxLines: number;
  readonly maxBytes: number;
  readonly log: Log;
}

export const PREDICTION_LOG_DEFAULTS = {
  includesText: false,
  flushEveryMs: 1_000,
  flushLines: 500,
  maxLines: 20_000,
  maxBytes: 32 * 1024 * 1024,
} as const;

/** A model's prediction log. Adding costs an answer nothing: lines are made and sent behind it. */
export class PredictionLog {
  readonly #options: PredictionLogOptions;
  readonly #repeating: { stop(): Promise<void> };
  readonly #startedAt = Date.now().toString(36);
  #waiting: AnsweredRequest[] = [];
  #lines = 0;
  #bytes = 0;
  #dropped = 0;
  #written = 0;
  #objects = 0;
  #flushing: Promise<void> | null = null;

  constructor(options: PredictionLogOptions) {
    this.#options = options;
    this.#repeating = repeat(options.flushEveryMs, () => this.flush());
  }

  /** Lines since the start: all that came, those that are written, dropped, and not written yet. */
  get lines(): Readonly<Record<'added' | 'written' | 'dropped' | 'waiting', number>> {
    const [written, dropped, waiting] = [this.#written, this.#dropped, this.#lines];
    return { added: written + dropped + waiting, written, dropped, waiting };
  }

  add(request: AnsweredRequest): void {
    const { maxLines, maxBytes, flushLines } = this.#options;
    const bytes = bytesOf(request.inputs);
    if (this.#lines + request.rows > maxLines || this.#bytes + bytes > maxBytes) {
      this.#dropped += request.rows;
      return;
    }
    this.#waiting.push(request);
    this.#lines += request.rows;
    this.#bytes += bytes;
    if (this.#lines >= flushLines && this.#flushing === null) setImmediate(() => void this.flush());
  }

  /** Sends what waits; what cannot be sent waits for the next time. */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    if (this.#waiting.length === 0) return;
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

  async #send(): Promise<void> {
    const { registry, model, replica, log } = this.#options;
    const sent = this.#waiting;
    const [first] = sent;
    if (first === undefined) return;
    this.#waiting = [];
    const lines = await this.#linesOf(sent);
    const name = `${replica}-${this.#startedAt}-${this.#objects}.jsonl`;
    try {
      await registry.appendPredictions(model, first.at, name, Buffer.from(`${lines.join('\n')}\n`));
      this.#objects++;
      this.#lines -= lines.length;
      this.#written += lines.length;
      this.#bytes -= sent.reduce((sum, { inputs }) => sum + bytesOf(inputs), 0);
    } catch (error) {
      log.warn(
        { model, lines: lines.length, err: error },
        'the prediction log is not written; it waits',
      );
      this.#waiting = [...sent, ...this.#waiting];
    }
  }

  /** A few rows at a time: requests are answered in between. */
  async #linesOf(requests: readonly AnsweredRequest[]): Promise<string[]> {
    const lines: string[] = [];
    for (const request of requests) {
      const toLine = lineMaker(request, this.#options);
      for (let row = 0; row < request.rows; row++) {
        lines.push(toLine(row));
        if (lines.length % ROWS_AT_ONCE === 0) await betweenAnswers();
      }
    }
    return lines;
  }
}

const ROWS_AT_ONCE = 100;

function lineMaker(
  request: AnsweredRequest,
  { model, includesText }: PredictionLogOptions,
): (row: number) => string {
  const { requestId, at, version, digest, customer, latencyMs, error } = request;
  const labels = request.outputs.find(({ name }) => name === 'label')?.data;
  const probabilities = request.outputs.find(({ name }) => name === 'probabilities');
  return (row) => {
    const label = labels?.[row];
    return JSON.stringify({
      requestId,
      row,
      at: at.toISOString(),
      model,
      version,
      digest,
      customer,
      input: inputOf(request.inputs, row, includesText),
      label: typeof label === 'string' ? label : null,
      probability: largest(probabilities, row),
      latencyMs,
      error,
    });
  };
}

function inputOf(
  inputs: readonly Tensor[],
  row: number,
  includesText: boolean,
): { text: string } | { sha256: string } {
  const [input] = inputs;
  const text = inputs.length === 1 ? input?.data[row] : undefined;
  if (typeof text === 'string' && input?.shape.length === 1) {
    return includesText ? { text } : { sha256: createHash('sha256').update(text).digest('hex') };
  }
  const hash = createHash('sha256');
  for (const { data, shape } of inputs) hash.update(JSON.stringify(valuesOf(data, shape, row)));
  return { sha256: hash.digest('hex') };
}

function valuesOf(data: Tensor['data'], shape: readonly number[], row: number): string[] {
  const width = data.length / (shape[0] ?? 1);
  return Array.from({ length: width }, (_, column) => String(data[row * width + column]));
}

function largest(tensor: Tensor | undefined, row: number): number | null {
  if (tensor === undefined || !(tensor.data instanceof Float32Array)) return null;
  const width = tensor.shape[1] ?? 1;
  return tensor.data.subarray(row * width, (row + 1) * width).reduce((a, b) => Math.max(a, b), 0);
}

function bytesOf(inputs: readonly Tensor[]): number {
  return inputs.reduce(
    (sum, { data }) =>
      sum +
      (ArrayBuffer.isView(data)
        ? data.byteLength
        : data.reduce((bytes, text) => bytes + 2 * text.length, 0)),
    0,
  );
}
