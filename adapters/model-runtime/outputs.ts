import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { PortError } from '../../domain/failures.js';
import type { TensorSpec } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';
import { firstNotFinite } from '../../domain/tensor-rows.js';
import type { Batch } from './batches.js';
import type { PlannedOutput } from './check-session.js';
import { elementsOf } from './tensors.js';

/** One run's answer: the graph's outputs for some of the caller's rows. */
interface BatchAnswer {
  readonly batch: Batch;
  readonly results: ReadonlyMap<string, OrtTensor>;
}

interface Collection {
  readonly answers: readonly BatchAnswer[];
  readonly rows: number;
  readonly outputs: readonly PlannedOutput[];
  readonly labels: readonly string[];
  /** True for the warm-up row, which stands for no caller's. */
  readonly mayBeNotANumber: boolean;
}

/**
 * The promised outputs, with every row where the caller had it.
 * @throws PortError `InvalidInput` naming the row whose answer is not a finite number; `ContractMismatch` where the graph
 * answers other shapes or types than it declared.
 */
export function collectOutputs(collection: Collection): Tensor[] {
  return collection.outputs.map((output) => {
    const pieces = collection.answers.map(({ batch, results }) => ({
      rows: batch.rows,
      piece: checkedPiece(results.get(output.from), output, batch),
    }));
    const rowShape = pieces[0]?.piece.shape.slice(1) ?? [];
    const data = inCallersOrder(pieces, collection.rows, elementsOf(rowShape));
    if (!collection.mayBeNotANumber) requireFinite(data, output.spec, elementsOf(rowShape));
    return output.isLabel
      ? { ...output.spec, shape: [collection.rows], data: namesOfLargest(data, collection.labels) }
      : { ...output.spec, shape: [collection.rows, ...rowShape], data };
  });
}

interface Piece {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

function checkedPiece(result: OrtTensor | undefined, output: PlannedOutput, batch: Batch): Piece {
  const { spec, isLabel } = output;
  const data = result === undefined ? null : dataOf(result);
  const expectedRank = isLabel ? 2 : spec.shape.length;
  const fits =
    result !== undefined &&
    data !== null &&
    result.dims.length === expectedRank &&
    result.dims[0] === batch.rows.length &&
    (isLabel ||
      spec.shape.every((size, axis) => axis === 0 || size === -1 || size === result.dims[axis]));
  if (fits) return { shape: result.dims, data };
  throw new PortError(
    'ContractMismatch',
    `the graph answered ${batch.rows.length} rows with ${result?.type ?? 'no'} values of the shape ` +
      `[${result?.dims.join(', ') ?? ''}] for the output "${output.from}", expected [${spec.shape.join(', ')}]`,
  );
}

function dataOf({ data }: OrtTensor): TensorData | null {
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array) {
    return data;
  }
  return Array.isArray(data) ? data.map(String) : null;
}

function inCallersOrder(
  pieces: readonly { rows: readonly number[]; piece: Piece }[],
  rows: number,
  width: number,
): TensorData {
  const [first] = pieces;
  if (first === undefined) return [];
  const { data } = first.piece;
  if (pieces.length === 1 && isInOrder(first.rows)) return data;
  const placed = pieces.map((given) => ({ rows: given.rows, data: given.piece.data }));
  if (data instanceof Float32Array) {
    return scattered(new Float32Array(rows * width), placed.filter(isFloats), width);
  }
  if (data instanceof Int32Array) {
    return scattered(new Int32Array(rows * width), placed.filter(isIntegers), width);
  }
  if (data instanceof BigInt64Array) {
    return scattered(new BigInt64Array(rows * width), placed.filter(isLongs), width);
  }
  return scatteredTexts(placed.filter(isTexts), rows * width, width);
}

interface Placed<T> {
  readonly rows: readonly number[];
  readonly data: T;
}
const isFloats = (piece: Placed<TensorData>): piece is Placed<Float32Array> =>
  piece.data instanceof Float32Array;
const isIntegers = (piece: Placed<TensorData>): piece is Placed<Int32Array> =>
  piece.data instanceof Int32Array;
const isLongs = (piece: Placed<TensorData>): piece is Placed<BigInt64Array> =>
  piece.data instanceof BigInt64Array;
const isTexts = (piece: Placed<TensorData>): piece is Placed<readonly string[]> =>
  !ArrayBuffer.isView(piece.data);

interface Numbers<T> {
  set(part: T, at: number): void;
  subarray(from: number, to: number): T;
}

function scattered<T extends Numbers<T>>(whole: T, pieces: readonly Placed<T>[], width: number): T {
  for (const { rows, data } of pieces) {
    for (const [index, row] of rows.entries()) {
      whole.set(data.subarray(index * width, (index + 1) * width), row * width);
    }
  }
  return whole;
}

function scatteredTexts(
  pieces: readonly Placed<readonly string[]>[],
  length: number,
  width: number,
): string[] {
  const whole = Array.from({ length }, () => '');
  for (const { rows, data } of pieces) {
    for (const [index, row] of rows.entries()) {
      for (let column = 0; column < width; column++) {
        whole[row * width + column] = data[index * width + column] ?? '';
      }
    }
  }
  return whole;
}

function isInOrder(rows: readonly number[]): boolean {
  for (let index = 0; index < rows.length; index++) if (rows[index] !== index) return false;
  return true;
}

/** JSON cannot say NaN, and a comparison with it is always false: no such number leaves a model. */
function requireFinite(data: TensorData, spec: TensorSpec, width: number): void {
  if (!(data instanceof Float32Array)) return;
  const index = firstNotFinite(data);
  if (index < 0) return;
  const row = Math.floor(index / Math.max(1, width));
  throw new PortError(
    'InvalidInput',
    `row ${row}: the model's output "${spec.name}" is ${data[index] ?? NaN}, not a finite number`,
    { details: { row, output: spec.name } },
  );
}

/** Each row's label: of the first of its largest numbers, as numpy's argmax. */
function namesOfLargest(data: TensorData, labels: readonly string[]): string[] {
  if (!(data instanceof Float32Array)) return [];
  const classes = labels.length;
  if (data.length % classes !== 0) {
    throw new PortError(
      'ContractMismatch',
      `the graph answers ${data.length} probabilities for ${classes} labels`,
    );
  }
  const names: string[] = [];
  for (let first = 0; first < data.length; first += classes) {
    let best = first;
    for (let index = first + 1; index < first + classes; index++) {
      if ((data[index] ?? 0) > (data[best] ?? 0)) best = index;
    }
    names.push(labels[best - first] ?? '');
  }
  return names;
}
