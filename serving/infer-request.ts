import type { Contract, Datatype, TensorSpec } from '../domain/manifest.js';
import type { Tensor, TensorData } from '../domain/ports/model-runtime.js';
import { badRequest } from './answer-error.js';

/** A request of the Open Inference Protocol v2 (REST, JSON), checked against the model's contract. */
export interface InferRequest {
  /** The caller's own, or null. */
  readonly id: string | null;
  /** Who asks, from the request's parameter `customer`. */
  readonly customer: string | null;
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Names of the wanted outputs; null: all. */
  readonly outputs: readonly string[] | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Checked by hand: a schema library takes longer over 2,000 numbers than the model. @throws AnswerError 400 by name. */
export function parseInferRequest(body: unknown, contract: Contract): InferRequest {
  if (!isFields(body)) throw badRequest('the body is no JSON object');
  const given = body['inputs'];
  if (!Array.isArray(given)) throw badRequest('"inputs" is no list of tensors');
  const inputs = given.map((input, index) => parseInput(input, index, contract.inputs));
  for (const { name } of contract.inputs) {
    const count = inputs.filter((input) => input.name === name).length;
    if (count !== 1) throw badRequest(`input "${name}" is given ${count} times, expected once`);
  }
  const rows = inputs[0]?.shape[0] ?? 0;
  const other = inputs.find(({ shape }) => shape[0] !== rows);
  if (other) {
    throw badRequest(
      `input "${inputs[0]?.name ?? ''}" has ${rows} rows and input "${other.name}" ${other.shape[0] ?? 0}`,
    );
  }
  return {
    id: optionalText(body['id'], '"id"', 200),
    customer: customerOf(body['parameters']),
    inputs,
    rows,
    outputs: parseOutputs(body['outputs'], contract.outputs),
  };
}

function parseInput(input: unknown, index: number, specs: readonly TensorSpec[]): Tensor {
  if (!isFields(input)) throw badRequest(`inputs[${index}] is no JSON object`);
  const { name, datatype, shape, data } = input;
  const spec = specs.find((known) => known.name === name);
  if (spec === undefined) {
    throw badRequest(
      `there is no input ${shown(name)}; the model takes ${specs.map((known) => `"${known.name}"`).join(', ')}`,
    );
  }
  if (datatype !== spec.datatype) {
    throw badRequest(`input "${spec.name}" is ${shown(datatype)}, expected "${spec.datatype}"`);
  }
  const sizes = parseShape(shape, spec);
  if (!Array.isArray(data)) throw badRequest(`input "${spec.name}" has no list "data"`);
  const values = flat(data, spec, sizes);
  const expected = sizes.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    throw badRequest(
      `input "${spec.name}" has ${values.length} values, its shape [${sizes.join(', ')}] has ${expected}`,
    );
  }
  return { ...spec, shape: sizes, data: parseData(values, spec) };
}

function parseShape(shape: unknown, spec: TensorSpec): number[] {
  const sizes = Array.isArray(shape) ? shape.filter(isSize) : [];
  const fits =
    Array.isArray(shape) &&
    sizes.length === shape.length &&
    sizes.length === spec.shape.length &&
    spec.shape.every((size, axis) => size === -1 || size === sizes[axis]);
  if (fits) return sizes;
  throw badRequest(
    `input "${spec.name}" has the shape ${shown(shape)}, expected [${spec.shape.join(', ')}] where -1 is any number of at least 1`,
  );
}

const isSize = (size: unknown): size is number =>
  typeof size === 'number' && Number.isInteger(size) && size >= 1;

/** The protocol allows values nested as the shape says, too. */
function flat(
  data: readonly unknown[],
  spec: TensorSpec,
  shape: readonly number[],
): readonly unknown[] {
  if (!Array.isArray(data[0])) return data;
  let values = data;
  for (const size of shape.slice(1)) {
    const lists = values.filter((value): value is unknown[] => Array.isArray(value));
    if (lists.length !== values.length || lists.some((list) => list.length !== size)) {
      throw badRequest(
        `input "${spec.name}" is not nested as its shape [${shape.join(', ')}] says`,
      );
    }
    values = lists.flat();
  }
  return values;
}

function parseData(values: readonly unknown[], spec: TensorSpec): TensorData {
  switch (spec.datatype) {
    case 'BYTES':
      return values.map((value, index) =>
        typeof value === 'string' ? value : refuse(spec, index, value, 'a string'),
      );
    case 'FP32':
      return Float32Array.from(values, (value, index) => {
        const number = typeof value === 'number' ? Math.fround(value) : NaN;
        return Number.isFinite(number) ? number : refuse(spec, index, value, 'a 32-bit number');
      });
    case 'INT32':
      return Int32Array.from(values, (value, index) =>
        typeof value === 'number' && (value | 0) === value
          ? value
          : refuse(spec, index, value, 'a 32-bit integer'),
      );
    case 'INT64':
      return BigInt64Array.from(
        values.map((value, index) =>
          typeof value === 'number' && Number.isSafeInteger(value)
            ? BigInt(value)
            : refuse(spec, index, value, 'an integer of at most 2^53'),
        ),
      );
    default:
      return spec.datatype satisfies never;
  }
}

function refuse(spec: TensorSpec, index: number, value: unknown, expected: string): never {
  throw badRequest(
    `input "${spec.name}" has ${shown(value)} at position ${index}, expected ${expected}`,
  );
}

function parseOutputs(outputs: unknown, specs: readonly TensorSpec[]): readonly string[] | null {
  if (outputs === undefined || outputs === null) return null;
  if (!Array.isArray(outputs)) throw badRequest('"outputs" is no list');
  const names = outputs.map((output: unknown) => {
    const name = isFields(output) ? output['name'] : undefined;
    const spec = specs.find((known) => known.name === name);
    if (spec) return spec.name;
    throw badRequest(
      `there is no output ${shown(name)}; the model gives ${specs.map((known) => `"${known.name}"`).join(', ')}`,
    );
  });
  return names.length === 0 ? null : names;
}

function customerOf(parameters: unknown): string | null {
  if (parameters === undefined || parameters === null) return null;
  if (!isFields(parameters)) throw badRequest('"parameters" is no JSON object');
  return optionalText(parameters['customer'], 'the parameter "customer"', 200);
}

function optionalText(value: unknown, what: string, maxLength: number): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && value.length <= maxLength) return value;
  throw badRequest(`${what} is no string of at most ${maxLength} characters`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** JSON for a tensor's values; 64-bit integers keep every digit. */
export function dataJson(data: TensorData, datatype: Datatype): string {
  if (datatype === 'BYTES' || !ArrayBuffer.isView(data)) return JSON.stringify(data);
  return `[${data.join(',')}]`;
}
