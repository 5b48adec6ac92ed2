import { PortError } from '../../domain/failures.js';
import type { TensorSpec } from '../../domain/manifest.js';
import type { Tensor } from '../../domain/ports/model-runtime.js';
import { cutRows } from '../../domain/tensor-rows.js';
import type { TextFrontEnd } from '../../domain/front-end/front-end.js';
import { elementsOf } from './tensors.js';

/** What one run of the graph takes. */
export interface Batch {
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Which of the caller's rows they are; null: those behind the batch before. */
  readonly places: readonly number[] | null;
}

/** One run of the graph takes at most so many rows: what stays in the processor's cache. */
const MAX_ROWS = 1_024;

/**
 * The number of rows that the inputs agree on.
 * @throws PortError `InvalidInput`, by name, where an input is missing, unknown, or of another type or shape than `expected`.
 */
export function rowsOf(inputs: readonly Tensor[], expected: readonly TensorSpec[]): number {
  for (const { name } of inputs) {
    if (!expected.some((spec) => spec.name === name)) throw refusal(`there is no input "${name}"`);
  }
  const rows = expected.map((spec) => rowsOfInput(inputs, spec));
  const first = rows[0] ?? 0;
  const other = rows.findIndex((count) => count !== first);
  if (other > 0) {
    throw refusal(
      `input "${expected[0]?.name ?? ''}" has ${first} rows and input "${expected[other]?.name ?? ''}" ${rows[other] ?? 0}`,
    );
  }
  return first;
}

function rowsOfInput(inputs: readonly Tensor[], spec: TensorSpec): number {
  const given = inputs.filter(({ name }) => name === spec.name);
  const [input] = given;
  if (input === undefined || given.length > 1) {
    throw refusal(`input "${spec.name}" is given ${given.length} times, expected once`);
  }
  if (input.datatype !== spec.datatype) {
    throw refusal(`input "${spec.name}" is ${input.datatype}, expected ${spec.datatype}`);
  }
  const fits =
    input.shape.length === spec.shape.length &&
    spec.shape.every((dimension, axis) => dimension === -1 || dimension === input.shape[axis]);
  if (!fits || input.data.length !== elementsOf(input.shape) || input.data.length === 0) {
    throw refusal(
      `input "${spec.name}" has the shape [${input.shape.join(', ')}] with ${input.data.length} values, expected ` +
        `[${spec.shape.join(', ')}] with at least one row`,
    );
  }
  return input.shape[0] ?? 0;
}

/** Texts as padded batches; long ones apart from short ones, because every row costs as much as its batch's longest. */
export function batchesOfTexts(texts: readonly string[], frontEnd: TextFrontEnd): Batch[] {
  const { widthOf, padded } = frontEnd.read(texts);
  const rows = texts.map((_, index) => index);
  const fitsAsItIs = texts.length <= 8;
  if (fitsAsItIs) return [{ inputs: padded(rows), rows: rows.length, places: null }];
  rows.sort((left, right) => widthOf(left) - widthOf(right));
  const batches: Batch[] = [];
  let start = 0;
  for (let end = 1; end <= rows.length; end++) {
    const next = rows[end];
    const width = next === undefined ? 0 : widthOf(next);
    const isFull = end - start >= MAX_ROWS || (end - start + 1) * width > frontEnd.maxCells;
    if (next !== undefined && !isFull) continue;
    const places = rows.slice(start, end);
    batches.push({ inputs: padded(places), rows: places.length, places });
    start = end;
  }
  return batches;
}

/** Numeric inputs, cut along their first dimension. */
export function batchesOfInputs(inputs: readonly Tensor[], rows: number): Batch[] {
  const batches: Batch[] = [];
  for (let start = 0; start < rows; start += MAX_ROWS) {
    const end = Math.min(rows, start + MAX_ROWS);
    const cut = inputs.map((input) => cutRows(input, start, end));
    batches.push({ inputs: cut, rows: end - start, places: null });
  }
  return batches;
}

function refusal(message: string): PortError {
  return new PortError('InvalidInput', message);
}
