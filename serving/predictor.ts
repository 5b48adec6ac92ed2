import { randomUUID } from 'node:crypto';
import { rowsOf } from '../adapters/model-runtime/batches.js';
import { isPortError } from '../domain/failures.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { cutRows } from '../domain/tensor-rows.js';
import { answerErrorOf, failedRow, type AnswerErrorType } from './answer-error.js';
import type { RowsAnswered } from './batching/waiting-request.js';
import type { LoadedVersion } from './loaded-version.js';
import { currentOf, type OfferedModel } from './offered-models.js';
import { sortOut, type PredictorRow } from './predictor-rows.js';
import { refusedRow } from './refused-row.js';

/** A row's answer, or why it has none. */
export interface Prediction {
  /** The row's place among those that were given, from 0. */
  readonly index: number;
  /** With `row` what the prediction log knows the answer by, also where it is an error; `switchyard reproduce` takes it. */
  readonly requestId: string;
  /** The row's number within its request, from 0. */
  readonly row: number;
  /** The most probable label and its probability; null where the model answers none, or the row failed. */
  readonly label: string | null;
  readonly probability: number | null;
  /** Each output's values for this row alone, shape `[1, …]`; empty where it failed. */
  readonly outputs: readonly Tensor[];
  readonly version: number;
  readonly digest: string;
  readonly error: { readonly type: AnswerErrorType; readonly message: string } | null;
}

export interface StreamOptions {
  /** Rows that are run together; default 256. */
  readonly batchRows?: number;
  /** Batches that are on their way at once; default 3. With `batchRows` it bounds what is read ahead. */
  readonly batchesAtOnce?: number;
}

export interface CallOptions {
  /** Whose rows they are, for the prediction log and the order of the queue. */
  readonly customer?: string;
}

/** An opened model in a program of one's own. */
export interface Predictor extends AsyncDisposable {
  readonly model: string;
  /** What answers now; null where nothing is live. */
  readonly serving: { readonly version: number; readonly digest: string } | null;
  /**
   * Answers rows, all by one version. A row that fails is a prediction with an error, as is one that is not as the contract says
   * (`InvalidRow`); the others have answers.
   * @throws AnswerError `NotReady` where nothing is live.
   */
  predict(rows: readonly PredictorRow[], options?: CallOptions): Promise<Prediction[]>;
  /**
   * Answers tensors as they are: the shortest way. A row that fails makes all of them fail.
   * @throws PortError `InvalidInput` where they are not as the contract says, or have not the same number of rows.
   * @throws AnswerError `NotReady` where nothing is live.
   */
  infer(inputs: readonly Tensor[], options?: CallOptions): Promise<RowsAnswered>;
  /**
   * Answers rows as they come, in their order, by whatever version is live when their batch begins. Reads no faster than it is read.
   * Rows are as for `predict`; what a pipeline has in a row's place, `null` say, is an `InvalidRow`, and the stream goes on.
   */
  stream(
    rows: AsyncIterable<unknown> | Iterable<unknown>,
    options?: StreamOptions & CallOptions,
  ): AsyncGenerator<Prediction, void, undefined>;
  /** After the last answers. */
  close(): Promise<void>;
}

/** A call of these rows on one version. */
interface Call {
  readonly version: LoadedVersion;
  readonly requestId: string;
  readonly customer: string | null;
  readonly inputs: readonly Tensor[];
  /** Each row's place among those that the caller gave. */
  readonly indexes: readonly number[];
  readonly startedMs: number;
}

const ALWAYS_THERE = { isGone: false } as const;

/** Predictions by an offered model, in this process. */
export class OfferedPredictor implements Predictor {
  readonly model: string;
  readonly #offered: OfferedModel;
  readonly #onClose: () => Promise<void>;

  constructor(offered: OfferedModel, onClose: () => Promise<void>) {
    this.model = offered.resident.model;
    this.#offered = offered;
    this.#onClose = onClose;
  }

  get serving(): Predictor['serving'] {
    const { current } = this.#offered.resident;
    return current && { version: current.version, digest: current.digest };
  }

  predict(rows: readonly PredictorRow[], options: CallOptions = {}): Promise<Prediction[]> {
    return this.#predictFrom(0, rows, options);
  }

  async infer(inputs: readonly Tensor[], options: CallOptions = {}): Promise<RowsAnswered> {
    const version = currentOf(this.#offered.resident);
    const rows = rowsOf(inputs, version.contract.inputs);
    const call = newCall(version, inputs, firstNumbers(rows), options);
    try {
      const answered = await run(call);
      this.#note(call, answered, null);
      return answered;
    } catch (error) {
      this.#note(call, NO_ANSWER, answerErrorOf(error).type);
      throw error;
    }
  }

  async *stream(
    rows: AsyncIterable<unknown> | Iterable<unknown>,
    { batchRows = 256, batchesAtOnce = 3, ...options }: StreamOptions & CallOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    const underWay: Promise<Prediction[]>[] = [];
    let first = 0;
    for await (const batch of inBatches(rows, batchRows)) {
      const answers = this.#predictFrom(first, batch, options);
      answers.catch(() => undefined); // it is thrown when the batch's turn comes
      underWay.push(answers);
      first += batch.length;
      if (underWay.length >= batchesAtOnce) yield* (await underWay.shift()) ?? [];
    }
    for (const batch of underWay) yield* await batch;
  }

  async close(): Promise<void> {
    await this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #predictFrom(
    first: number,
    rows: readonly unknown[],
    options: CallOptions,
  ): Promise<Prediction[]> {
    if (rows.length === 0) return [];
    const version = currentOf(this.#offered.resident);
    const { good, refused } = sortOut(rows, version.contract, first);
    const calls = good.map(({ inputs, places }) => {
      const indexes = places.map((place) => first + place);
      return newCall(version, inputs, indexes, options);
    });
    const answers = await version.keepOpen(() =>
      Promise.all(calls.map((call) => this.#answerEach(call))),
    );
    const [only] = answers;
    if (only?.length === rows.length) return only;
    const others = refused.map(({ row, error }) => {
      const own = newCall(version, [refusedRow(rows[row])], [first + row], options);
      this.#note(own, NO_ANSWER, error.type);
      return { ...aboutRow(own, 0), ...NOTHING, error };
    });
    return [...answers.flat(), ...others].sort((left, right) => left.index - right.index);
  }

  /** Runs a call's rows; where one of them fails, the others again without it. */
  async #answerEach(call: Call): Promise<Prediction[]> {
    try {
      const answered = await run(call);
      this.#note(call, answered, null);
      return predictionsOf(call, answered);
    } catch (error) {
      const { type, message } = answerErrorOf(error);
      if (!isPortError(error)) {
        this.#note(call, NO_ANSWER, type); // it is none of the rows' doing: all of them fail
        throw error;
      }
      const { indexes } = call;
      if (indexes.length === 1) {
        this.#note(call, NO_ANSWER, type);
        return [{ ...aboutRow(call, 0), ...NOTHING, error: { type, message } }];
      }
      const ends: Prediction[] = [];
      for (const [from, to] of without(failedRow(error), indexes.length)) {
        const inputs = call.inputs.map((input) => cutRows(input, from, to));
        const part = newCall(call.version, inputs, indexes.slice(from, to), call);
        ends.push(...(await this.#answerEach(part)));
      }
      return ends;
    }
  }

  #note(call: Call, answered: RowsAnswered, error: string | null): void {
    const { version, startedMs, indexes, requestId, customer, inputs } = call;
    this.#offered.predictions.add({
      ...{ requestId, customer, inputs, rows: indexes.length, ...answered, error },
      at: new Date(),
      version: version.version,
      digest: version.digest,
      artifact: version.options.artifact,
      latencyMs: Math.round((performance.now() - startedMs) * 1_000) / 1_000,
    });
  }
}

const NO_ANSWER: RowsAnswered = { outputs: [], batchRows: null };
const NOTHING = { label: null, probability: null, outputs: [] } as const;

function newCall(
  version: LoadedVersion,
  inputs: readonly Tensor[],
  indexes: readonly number[],
  { customer = null }: { readonly customer?: string | null },
): Call {
  const requestId = randomUUID();
  return { version, inputs, indexes, customer, requestId, startedMs: performance.now() };
}

const firstNumbers = (count: number) => Array.from({ length: count }, (_, index) => index);

function run({ version, inputs, indexes, customer }: Call): Promise<RowsAnswered> {
  return version.infer({
    ...{ inputs, rows: indexes.length, customer: customer ?? '', asker: ALWAYS_THERE },
    deadlineMs: Number.POSITIVE_INFINITY,
  });
}

/** The row that fails alone, and those before and behind it; halves, where nobody knows which it is. */
function without(row: number | null, rows: number): [from: number, to: number][] {
  const bounds = row === null ? [0, Math.floor(rows / 2), rows] : [0, row, row + 1, rows];
  return bounds
    .slice(1)
    .map((to, index): [number, number] => [bounds[index] ?? 0, to])
    .filter(([from, to]) => to > from);
}

function predictionsOf(call: Call, { outputs }: RowsAnswered): Prediction[] {
  const labels = outputs.find(({ name }) => name === 'label')?.data;
  const probabilities = outputs.find(({ name }) => name === 'probabilities')?.data;
  const width = call.version.contract.labels.length;
  return call.indexes.map((_, row) => {
    const label = labels?.[row];
    return {
      ...aboutRow(call, row),
      label: typeof label === 'string' ? label : null,
      probability:
        probabilities instanceof Float32Array
          ? largest(probabilities, row * width, (row + 1) * width)
          : null,
      get outputs() {
        return outputs.map((output) => cutRows(output, row, row + 1));
      },
      error: null,
    };
  });
}

function largest(values: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let index = from; index < to; index += 1) most = Math.max(most, values[index] ?? 0);
  return most;
}

function aboutRow({ requestId, version, indexes }: Call, row: number) {
  const { version: number, digest } = version;
  return { index: indexes[row] ?? row, requestId, row, version: number, digest };
}

async function* inBatches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  if (Symbol.iterator in items) {
    for (const item of items) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  } else {
    for await (const item of items) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
