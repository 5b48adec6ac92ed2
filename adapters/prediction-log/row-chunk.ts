import type { Datatype } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';

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

/** Collects requests by columns: their objects are garbage at once, and a thread gets few large things, not many small ones. */
export class ChunkBuilder {
  readonly #first: ChunkedRequest;
  readonly #requestIds: string[] = [];
  readonly #rows: number[] = [];
  readonly #atMs: number[] = [];
  readonly #customers: (string | null)[] = [];
  readonly #latencyMs: number[] = [];
  readonly #errors: (string | null)[] = [];
  readonly #batchRows: (number | null)[] = [];
  readonly #inputs: readonly TensorColumn[];
  readonly #outputs: readonly TensorColumn[];
  #lines = 0;
  #bytes = 0;

  constructor(first: ChunkedRequest) {
    this.#first = first;
    this.#inputs = first.inputs.map((tensor) => new TensorColumn(tensor, { repeats: false }));
    this.#outputs = first.outputs.map((tensor) => new TensorColumn(tensor, { repeats: true }));
  }

  /** Rows so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Bytes of tensors so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a request may be added: the same version, and tensors in the same order and of the same form. */
  fits({ digest, artifact, inputs, outputs }: ChunkedRequest): boolean {
    return (
      digest === this.#first.digest &&
      artifact === this.#first.artifact &&
      haveForm(inputs, this.#inputs) &&
      haveForm(outputs, this.#outputs)
    );
  }

  add(request: ChunkedRequest, bytes: number): void {
    this.#requestIds.push(request.requestId);
    this.#rows.push(request.rows);
    this.#atMs.push(request.at.getTime());
    this.#customers.push(request.customer);
    this.#latencyMs.push(request.latencyMs);
    this.#errors.push(request.error);
    this.#batchRows.push(request.batchRows);
    for (let index = 0; index < request.inputs.length; index++) {
      this.#inputs[index]?.add(request.inputs[index]);
    }
    for (let index = 0; index < request.outputs.length; index++) {
      this.#outputs[index]?.add(request.outputs[index]);
    }
    this.#lines += request.rows;
    this.#bytes += bytes;
  }

  /** The chunk, which nothing can be added to any more; the second are the buffers that a message may take with it. */
  finish(): readonly [RowChunk, ArrayBuffer[]] {
    const { version, digest, artifact = null } = this.#first;
    const [inputs, outputs] = [this.#inputs, this.#outputs].map((columns) =>
      columns.map((column) => column.finish()),
    );
    const chunk: RowChunk = {
      ...{ version, digest, artifact, requestIds: this.#requestIds, rows: this.#rows },
      ...{ atMs: this.#atMs, customers: this.#customers, latencyMs: this.#latencyMs },
      ...{ errors: this.#errors, batchRows: this.#batchRows },
      ...{ inputs: inputs ?? [], outputs: outputs ?? [] },
    };
    const buffers = [...chunk.inputs, ...chunk.outputs].flatMap(({ data }) =>
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

/** One tensor of many requests. */
class TensorColumn {
  readonly #name: string;
  readonly #datatype: Datatype;
  readonly #rank: number;
  readonly #widths: number[] = [];
  readonly #rowShapes: (readonly number[])[] = [];
  readonly #texts: string[] = [];
  /** Of texts that repeat: each once, with its place. */
  readonly #words: Map<string, number> | null;
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
    const [name, datatype, rank] = [this.#name, this.#datatype, this.#rank];
    const [widths, rowShapes] = [this.#widths, this.#rowShapes];
    const about = { name, datatype, rank, widths, rowShapes };
    if (this.#words === null) return { ...about, data: this.#data() };
    const places = new Int32Array(this.#bytes.slice(0, this.#used).buffer);
    return { ...about, data: places, words: [...this.#words.keys()] };
  }

  #data(): TensorData {
    const buffer = this.#bytes.slice(0, this.#used).buffer;
    switch (this.#datatype) {
      case 'BYTES':
        return this.#texts;
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
