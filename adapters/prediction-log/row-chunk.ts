import type { Datatype } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';
import { inputsSha256 } from './inputs-sha256.js';

/** A tensor that each request of a chunk has: all values of all rows, one after the other. */
export interface ChunkTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Dimensions, the one of the rows included: a row of rank 1 is one value, of any other rank a list. */
  readonly rank: number;
  /** Of each request, how many values a row has. */
  readonly widths: readonly number[];
  /** Of each request, the shape of one row, where there are more than two dimensions; else empty. */
  readonly rowShapes: readonly (readonly number[])[];
  /** Of texts that repeat their places in `words`. */
  readonly data: TensorData;
  readonly words?: readonly string[];
}

/** Requests of one version whose tensors have the same names, types and ranks, column by column; it can be sent to a thread. */
export interface RowChunk {
  readonly version: number;
  readonly digest: string;
  readonly artifact: string | null;
  readonly requestIds: readonly string[];
  readonly rows: readonly number[];
  readonly atMs: readonly number[];
  readonly customers: readonly (string | null)[];
  readonly latencyMs: readonly number[];
  readonly errors: readonly (string | null)[];
  /** Rows that ran together with a request's own, its own included; null where nobody said. */
  readonly batchRows: readonly (number | null)[];
  /** Null where the inputs are here themselves. */
  readonly inputsSha256: readonly (string | null)[];
  readonly inputs: readonly ChunkTensor[];
  readonly outputs: readonly ChunkTensor[];
}

/** What one request adds to a chunk. */
export interface ChunkedRequest {
  readonly requestId: string;
  readonly at: Date;
  readonly version: number;
  readonly digest: string;
  readonly artifact?: string;
  readonly customer: string | null;
  /** In the order of their names. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly rows: number;
  readonly latencyMs: number;
  readonly error: string | null;
  readonly batchRows: number | null;
}

/** What a chunk has of each request besides its tensors. */
function newHeads() {
  const texts = (): string[] => [];
  const numbers = (): number[] => [];
  const textsOrNulls = (): (string | null)[] => [];
  const numbersOrNulls = (): (number | null)[] => [];
  return {
    ...{ requestIds: texts(), rows: numbers(), atMs: numbers(), latencyMs: numbers() },
    ...{ customers: textsOrNulls(), errors: textsOrNulls(), inputsSha256: textsOrNulls() },
    batchRows: numbersOrNulls(),
  };
}

/**
 * Collects requests by columns: their objects are garbage at once, and a thread gets few large things, not many small ones. Where the
 * inputs are not to be kept only their digest is.
 */
export class ChunkBuilder {
  readonly #first: ChunkedRequest;
  readonly #includesInputs: boolean;
  readonly #inputs: readonly TensorColumn[];
  readonly #outputs: readonly TensorColumn[];
  #heads = newHeads();
  #lines = 0;
  #bytes = 0;

  constructor(first: ChunkedRequest, { includesInputs }: { readonly includesInputs: boolean }) {
    this.#first = first;
    this.#includesInputs = includesInputs;
    const kept = includesInputs ? first.inputs : [];
    this.#inputs = kept.map((tensor) => new TensorColumn(tensor, { repeats: false }));
    this.#outputs = first.outputs.map((tensor) => new TensorColumn(tensor, { repeats: true }));
  }

  /** Rows since the last chunk. */
  get lines(): number {
    return this.#lines;
  }

  /** Bytes of tensors since the last chunk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a request may be added: the same version, and tensors in the same order and of the same form. */
  fits({ digest, artifact, inputs, outputs }: ChunkedRequest): boolean {
    return (
      digest === this.#first.digest &&
      artifact === this.#first.artifact &&
      (!this.#includesInputs || haveForm(inputs, this.#inputs)) &&
      haveForm(outputs, this.#outputs)
    );
  }

  add(request: ChunkedRequest, bytes: number): void {
    const sha256 = this.#includesInputs ? null : inputsSha256(request.inputs);
    const heads = this.#heads;
    heads.requestIds.push(request.requestId);
    heads.rows.push(request.rows);
    heads.atMs.push(request.at.getTime());
    heads.customers.push(request.customer);
    heads.latencyMs.push(request.latencyMs);
    heads.errors.push(request.error);
    heads.batchRows.push(request.batchRows);
    heads.inputsSha256.push(sha256);
    for (let index = 0; index < this.#inputs.length; index++) {
      this.#inputs[index]?.add(request.inputs[index]);
    }
    for (let index = 0; index < this.#outputs.length; index++) {
      this.#outputs[index]?.add(request.outputs[index]);
    }
    this.#lines += request.rows;
    this.#bytes += bytes;
  }

  /** The chunk, and the buffers that a message may take with it; the next one begins. */
  finish(): readonly [RowChunk, ArrayBuffer[]] {
    const { version, digest, artifact = null } = this.#first;
    const inputs = this.#inputs.map((column) => column.finish());
    const outputs = this.#outputs.map((column) => column.finish());
    const chunk: RowChunk = { version, digest, artifact, ...this.#heads, inputs, outputs };
    [this.#heads, this.#lines, this.#bytes] = [newHeads(), 0, 0];
    const buffers = [...inputs, ...outputs].flatMap(({ data }) =>
      ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
    );
    return [chunk, buffers];
  }
}

function haveForm(tensors: readonly Tensor[], columns: readonly TensorColumn[]): boolean {
  for (let index = 0; index < columns.length; index++) {
    if (columns[index]?.fits(tensors[index]) !== true) return false;
  }
  return tensors.length === columns.length;
}

/** One tensor of many requests; its memory serves one chunk after the other. */
class TensorColumn {
  readonly #name: string;
  readonly #datatype: Datatype;
  readonly #rank: number;
  /** Of texts that repeat: each once, with its place. */
  readonly #words: Map<string, number> | null;
  #widths: number[] = [];
  #rowShapes: (readonly number[])[] = [];
  #texts: string[] = [];
  #bytes: Uint8Array = new Uint8Array(256);
  #used = 0;

  constructor({ name, datatype, shape }: Tensor, { repeats }: { readonly repeats: boolean }) {
    this.#words = repeats && datatype === 'BYTES' ? new Map() : null;
    this.#name = name;
    this.#datatype = datatype;
    this.#rank = shape.length;
  }

  fits(tensor: Tensor | undefined): boolean {
    return (
      tensor?.name === this.#name &&
      tensor.datatype === this.#datatype &&
      tensor.shape.length === this.#rank
    );
  }

  add(tensor: Tensor | undefined): void {
    if (tensor === undefined) return;
    const { data, shape } = tensor;
    this.#widths.push(data.length / (shape[0] ?? 1));
    if (shape.length > 2) this.#rowShapes.push(shape.slice(1));
    if (ArrayBuffer.isView(data)) this.#append(data);
    else if (this.#words) this.#append(placesIn(this.#words, data));
    else for (const text of data) this.#texts.push(text);
  }

  #append(data: ArrayBufferView): void {
    const needed = this.#used + data.byteLength;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = larger;
    }
    this.#bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.#used);
    this.#used = needed;
  }

  finish(): ChunkTensor {
    const tensor: ChunkTensor = {
      ...{ name: this.#name, datatype: this.#datatype, rank: this.#rank },
      ...{ widths: this.#widths, rowShapes: this.#rowShapes, data: this.#data() },
      ...(this.#words !== null && { words: [...this.#words.keys()] }),
    };
    this.#words?.clear();
    [this.#widths, this.#rowShapes, this.#texts, this.#used] = [[], [], [], 0];
    return tensor;
  }

  #data(): TensorData {
    const buffer = this.#bytes.slice(0, this.#used).buffer;
    switch (this.#datatype) {
      case 'BYTES':
        return this.#words === null ? this.#texts : new Int32Array(buffer);
      case 'FP32':
        return new Float32Array(buffer);
      case 'INT32':
        return new Int32Array(buffer);
      case 'INT64':
        return new BigInt64Array(buffer);
      default:
        return this.#datatype satisfies never;
    }
  }
}

function placesIn(words: Map<string, number>, texts: readonly string[]): Int32Array {
  const places = new Int32Array(texts.length);
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] ?? '';
    let place = words.get(text);
    if (place === undefined) words.set(text, (place = words.size));
    places[index] = place;
  }
  return places;
}

/** A tensor's texts; empty where it has numbers. */
export function textsOf({ data, words }: ChunkTensor): readonly string[] {
  if (data instanceof Int32Array) return Array.from(data, (place) => words?.[place] ?? '');
  return ArrayBuffer.isView(data) ? [] : data;
}
