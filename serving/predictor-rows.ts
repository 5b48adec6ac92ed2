import type { Contract, TensorSpec } from '../domain/manifest.js';
import type { Tensor, TensorData } from '../domain/ports/model-runtime.js';
import { AnswerError, type AnswerErrorType } from './answer-error.js';

/** One input's value of a row: a text or a number, or as many as the contract's shape says, one after the other. */
export type RowValue = string | number | bigint | readonly (string | number | bigint)[];

/** A row for a predictor: a text, where the model takes one text; else a value for each of the contract's inputs, by name. */
export type PredictorRow = string | Readonly<Record<string, RowValue>>;

/**
 * The rows as tensors whose first dimension counts them. They may be anything: a pipeline's documents are what others made of them.
 * @throws AnswerError 400 `InvalidRow` naming the row, where one is not as the contract says.
 */
export function inputsOfRows(rows: readonly unknown[], contract: Contract): Tensor[] {
  return contract.inputs.map((spec) => {
    const values = rows.map((row, index) => valueOf(row, index, spec, contract));
    const shape = [rows.length, ...restOf(spec, values[0])];
    const width = shape.slice(1).reduce((product, size) => product * size, 1);
    return { ...spec, shape, data: dataOf(values, spec, width) };
  });
}

/** Rows of one shape: tensors together. */
export interface GoodRows {
  readonly inputs: readonly Tensor[];
  /** Their places among the rows that were given. */
  readonly places: readonly number[];
}

/** Rows that are as the contract says, and those that are not. */
export interface SortedOut {
  /** As many groups as the rows have shapes: a contract may leave more than their number open. */
  readonly good: readonly GoodRows[];
  readonly refused: readonly {
    readonly row: number;
    readonly error: { readonly type: AnswerErrorType; readonly message: string };
  }[];
}

/** @param first - The number of the first row, as a refusal is to name it. */
export function sortOut(rows: readonly unknown[], contract: Contract, first = 0): SortedOut {
  try {
    const inputs = inputsOfRows(rows, contract);
    return { good: [{ inputs, places: rows.map((_, index) => index) }], refused: [] };
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
  }
  const byShape = new Map<string, number[]>();
  const refused: { row: number; error: { type: AnswerErrorType; message: string } }[] = [];
  for (const [row, value] of rows.entries()) {
    try {
      const shape = inputsOfRows([value], contract).map((input) => input.shape.join(' '));
      const same = byShape.get(shape.join());
      if (same) same.push(row);
      else byShape.set(shape.join(), [row]);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      const { type, message } = error;
      refused.push({
        row,
        error: { type, message: message.replace(/^row 0 /, `row ${first + row} `) },
      });
    }
  }
  const good = [...byShape.values()].map((places) => {
    const own = places.map((row) => rows[row]);
    return { inputs: inputsOfRows(own, contract), places };
  });
  return { good, refused };
}

/** Sizes behind the rows; a free one is what the first row has, where it is the only one. */
function restOf({ name, shape }: TensorSpec, first: RowValue | undefined): number[] {
  const rest = shape.slice(1);
  const free = rest.filter((size) => size === -1).length;
  if (free > 1) throw refusal(`input "${name}" leaves more than its rows open: give tensors`);
  const fixed = rest.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (free === 0) return rest;
  const length = typeof first === 'object' ? first.length : 1;
  if (length === 0 || length % fixed !== 0) {
    throw refusal(
      `row 0 has ${length} values for "${name}", expected ${fixed} or a multiple of it`,
    );
  }
  return rest.map((size) => (size === -1 ? length / fixed : size));
}

type Values = Exclude<RowValue, string | number | bigint>;

function valueOf(
  row: unknown,
  index: number,
  { name, datatype }: TensorSpec,
  contract: Contract,
): RowValue {
  if (typeof row === 'string' && contract.inputs.length === 1) return row;
  const takes = `the model takes ${contract.inputs.map((input) => `"${input.name}"`).join(', ')}`;
  if (typeof row !== 'object' || row === null)
    throw refusal(`row ${index} is ${shown(row)}; ${takes}`);
  const value: unknown = Reflect.get(row, name);
  if (value === undefined) throw refusal(`row ${index} has no "${name}"; ${takes}`);
  if (isScalar(value) || isValues(value)) return value;
  throw refusal(`row ${index} has ${shown(value)} for "${name}", expected ${EXPECTED[datatype]}`);
}

const EXPECTED = {
  ...{ BYTES: 'a text', FP32: 'a number' },
  ...{ INT32: 'a 32-bit integer', INT64: 'a 64-bit integer' },
} as const;

const isScalar = (value: unknown): value is string | number | bigint =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';

/** Of a list only that it is one; each of its values is looked at where it becomes a tensor's. */
const isValues = (value: unknown): value is Values =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

const MOST_SHOWN = 60;

/** A value as a sentence says it: nobody reads a document in an error. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  if (typeof value === 'string') return 'a text';
  return String(value).slice(0, MOST_SHOWN);
}

function refusal(message: string): AnswerError {
  return new AnswerError(400, 'InvalidRow', message);
}

function dataOf(values: readonly RowValue[], spec: TensorSpec, width: number): TensorData {
  const flat: (string | number | bigint)[] = [];
  for (const [row, value] of values.entries()) {
    const own = typeof value === 'object' ? value : [value];
    if (own.length !== width) {
      throw refusal(`row ${row} has ${own.length} values for "${spec.name}", expected ${width}`);
    }
    for (const each of own) flat.push(each);
  }
  const wrong = (index: number, expected: string): never => {
    const row = Math.floor(index / width);
    throw refusal(`row ${row} has ${shown(flat[index])} for "${spec.name}", expected ${expected}`);
  };
  const number = (index: number) => {
    const value = flat[index];
    return typeof value === 'number' && Number.isFinite(value) ? value : wrong(index, 'a number');
  };
  switch (spec.datatype) {
    case 'BYTES':
      return flat.map((value, index) =>
        typeof value === 'string' ? value : wrong(index, 'a text'),
      );
    case 'FP32':
      return Float32Array.from(flat, (_, index) => {
        const value = Math.fround(number(index));
        return Number.isFinite(value) ? value : wrong(index, 'a 32-bit number');
      });
    case 'INT32':
      return Int32Array.from(flat, (_, index) => {
        const value = number(index);
        return (value | 0) === value ? value : wrong(index, 'a 32-bit integer');
      });
    case 'INT64':
      return BigInt64Array.from(flat, (value, index) => {
        if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
        return typeof value === 'number' && Number.isSafeInteger(value)
          ? BigInt(value)
          : wrong(index, 'a 64-bit integer');
      });
    default:
      return spec.datatype satisfies never;
  }
}
