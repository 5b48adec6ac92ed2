import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { PortError } from '../../domain/failures.js';
import type { TensorSpec } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';
import { firstNotFinite, joinRows } from '../../domain/tensor-rows.js';
import type { Batch } from './batches.js';
import type { PlannedOutput } from './check-session.js';
import { elementsOf } from './tensors.js';

/** One run's answer: the graph's outputs for a batch. */
interface BatchAnswer {
  readonly batch: Batch;
  readonly results: ReadonlyMap<string, OrtTensor>;
}

interface Collection {
  readonly answers: readonly BatchAnswer[];
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
  const { answers, labels } = collection;
  const places = placesOf(answers.map(({ batch }) => batch));
  return collection.outputs.map((output) => {
    const pieces = answers.map(({ batch, results }) =>
      checkedPiece(results.get(output.from), output, batch),
    );
    const whole = inCallersOrder(joined(pieces, output), places);
    const width = elementsOf(whole.shape.slice(1));
    if (!collection.mayBeNotANumber) requireFinite(whole.data, output.spec, width);
    if (!output.isLabel) return whole;
    return { ...whole, shape: whole.shape.slice(0, 1), data: namesOfLargest(whole.data, labels) };
  });
}

/** Where the caller had the rows that the batches have one after the other; null: they are in the caller's order. */
function placesOf(batches: readonly Batch[]): readonly number[] | null {
  const places = batches.map((batch) => batch.places);
  return places.includes(null) ? null : places.flatMap((each) => each ?? []);
}

function checkedPiece(result: OrtTensor | undefined, output: PlannedOutput, batch: Batch): Tensor {
  const { spec, isLabel } = output;
  const data = result === undefined ? null : dataOf(result);
  const expectedRank = isLabel ? 2 : spec.shape.length;
  const fits =
    result !== undefined &&
    data !== null &&
    result.dims.length === expectedRank &&
    result.dims[0] === batch.rows &&
    (isLabel ||
      spec.shape.every((size, axis) => axis === 0 || size === -1 || size === result.dims[axis]));
  if (fits) return { ...spec, shape: [...result.dims], data };
  throw new PortError(
    'ContractMismatch',
    `the graph answered ${batch.rows} rows with ${result?.type ?? 'no'} values of the shape ` +
      `[${result?.dims.join(', ') ?? ''}] for the output "${output.from}", expected [${spec.shape.join(', ')}]`,
  );
}

function dataOf({ data }: OrtTensor): TensorData | null {
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array) {
    return data;
  }
  return Array.isArray(data) ? data.map(String) : null;
}

/** A size that the contract leaves open is one for all rows of a tensor, whatever batches they ran in. */
function joined(pieces: readonly Tensor[], { from }: PlannedOutput): Tensor {
  const shapes = new Set(pieces.map(({ shape }) => shape.slice(1).join(', ')));
  if (shapes.size <= 1) return joinRows(pieces);
  throw new PortError(
    'ContractMismatch',
    `the graph answered rows of the shapes [${[...shapes].join('] and [')}] for the output "${from}", which are no one ` +
      'tensor; ask for such rows one at a time',
  );
}

function inCallersOrder(tensor: Tensor, places: readonly number[] | null): Tensor {
  if (places === null) return tensor;
  const { data } = tensor;
  const width = elementsOf(tensor.shape.slice(1));
  return { ...tensor, data: placed(data, places, width) };
}

function placed(data: TensorData, places: readonly number[], width: number): TensorData {
  if (data instanceof Float32Array) return placedIn(data.slice(), data, places, width);
  if (data instanceof Int32Array) return placedIn(data.slice(), data, places, width);
  if (data instanceof BigInt64Array) return placedIn(data.slice(), data, places, width);
  return placedIn(data.slice(), data, places, width);
}

function placedIn<Values extends { [index: number]: Value }, Value>(
  whole: Values,
  data: ArrayLike<Value>,
  places: readonly number[],
  width: number,
): Values {
  let from = 0;
  for (const place of places) {
    for (let to = place * width; to < (place + 1) * width; to += 1) {
      const value = data[from];
      if (value !== undefined) whole[to] = value;
      from += 1;
    }
  }
  return whole;
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
