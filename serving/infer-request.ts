import type { Contract, TensorSpec } from '../domain/manifest.js';
import type { Tensor, TensorData } from '../domain/ports/model-runtime.js';
import { firstNotFinite } from '../domain/tensor-rows.js';
import { unpackData } from '../adapters/model-runtime/tensors.js';
import { badRequest } from './answer-error.js';
import type { InferBody } from './infer-body.js';

/** A request of the Open Inference Protocol v2 (REST), checked against the model's contract. */
export interface InferRequest {
  /** The caller's own, or null. */
  readonly id: string | null;
  /** Who asks, from the request's parameter `customer`. */
  readonly customer: string | null;
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** The wanted outputs; null: all. */
  readonly outputs: readonly WantedOutput[] | null;
  /** Outputs that do not say else are given as bytes behind the JSON. */
  readonly binaryOutputs: boolean;
}

export interface WantedOutput {
  readonly name: string;
  /** As bytes behind the JSON. */
  readonly isBinary: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Checked by hand: a schema library takes longer over 2,000 numbers than the model. @throws AnswerError 400 by name. */
export function parseInferRequest({ json, binary }: InferBody, contract: Contract): InferRequest {
  if (!isFields(json)) throw badRequest('the body is no JSON object');
  const given = json['inputs'];
  if (!Array.isArray(given)) throw badRequest('"inputs" is no list of tensors');
  const bytes = new TensorBytes(binary);
  const inputs = given.map((input, index) => parseInput(input, index, contract.inputs, bytes));
  bytes.requireEnd();
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
  const parameters = parametersOf(json['parameters'], '"parameters"');
  const binaryOutputs = optionalFlag(parameters, 'binary_data_output') ?? false;
  return {
    id: optionalText(json['id'], '"id"', 200),
    customer: optionalText(parameters['customer'], 'the parameter "customer"', 200),
    inputs,
    rows,
    outputs: parseOutputs(json['outputs'], contract.outputs, binaryOutputs),
    binaryOutputs,
  };
}

function parseInput(
  input: unknown,
  index: number,
  specs: readonly TensorSpec[],
  bytes: TensorBytes,
): Tensor {
  if (!isFields(input)) throw badRequest(`inputs[${index}] is no JSON object`);
  const { name, datatype, shape, data, parameters } = input;
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
  const size = parametersOf(parameters, `the parameters of input "${spec.name}"`)[
    'binary_data_size'
  ];
  if (size !== undefined) return { ...spec, shape: sizes, data: bytes.take(size, spec, sizes) };
  if (!Array.isArray(data)) throw badRequest(`input "${spec.name}" has no list "data"`);
  const values = flat(data, spec, sizes);
  const expected = sizes.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    throw badRequest(
      `input "${spec.name}" has ${values.length} values, its shape [${sizes.join(', ')}] has ${expected}`,
    );
  }
  const { name: own, datatype: type } = spec;
  return { name: own, datatype: type, shape: sizes, data: parseData(values, spec) };
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

/** Loops, since a function called for each number takes longer over 2,000 of them than the model. */
function parseData(values: readonly unknown[], spec: TensorSpec): TensorData {
  const { length } = values;
  switch (spec.datatype) {
    case 'BYTES':
      return values.map((value, index) =>
        typeof value === 'string' ? value : refuse(spec, index, value, 'a string'),
      );
    case 'FP32': {
      const data = new Float32Array(length);
      for (let index = 0; index < length; index += 1) {
        const value = values[index];
        data[index] = typeof value === 'number' ? value : Number.NaN;
        if (!Number.isFinite(data[index])) refuse(spec, index, value, 'a 32-bit number');
      }
      return data;
    }
    case 'INT32': {
      const data = new Int32Array(length);
      for (let index = 0; index < length; index += 1) {
        const value = values[index];
        if (typeof value !== 'number') refuse(spec, index, value, 'a 32-bit integer');
        data[index] = value;
        if (data[index] !== value) refuse(spec, index, value, 'a 32-bit integer');
      }
      return data;
    }
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

function parseOutputs(
  outputs: unknown,
  specs: readonly TensorSpec[],
  isBinary: boolean,
): readonly WantedOutput[] | null {
  if (outputs === undefined || outputs === null) return null;
  if (!Array.isArray(outputs)) throw badRequest('"outputs" is no list');
  const wanted = outputs.map((output: unknown) => {
    const name = isFields(output) ? output['name'] : undefined;
    const spec = specs.find((known) => known.name === name);
    if (spec && isFields(output)) {
      const parameters = parametersOf(output['parameters'], `the parameters of "${spec.name}"`);
      return { name: spec.name, isBinary: optionalFlag(parameters, 'binary_data') ?? isBinary };
    }
    throw badRequest(
      `there is no output ${shown(name)}; the model gives ${specs.map((known) => `"${known.name}"`).join(', ')}`,
    );
  });
  return wanted.length === 0 ? null : wanted;
}

const NO_PARAMETERS: Fields = {};

function parametersOf(parameters: unknown, what: string): Fields {
  if (parameters === undefined || parameters === null) return NO_PARAMETERS;
  if (!isFields(parameters)) throw badRequest(`${what} is no JSON object`);
  return parameters;
}

function optionalFlag(parameters: Fields, name: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw badRequest(`the parameter "${name}" is ${shown(value)}, expected true or false`);
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

/** The bytes behind a request's JSON: one tensor's after the other's, in the order of the inputs. */
class TensorBytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(size: unknown, spec: TensorSpec, shape: readonly number[]): TensorData {
    const left = this.#bytes.byteLength - this.#at;
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > left) {
      throw badRequest(
        `input "${spec.name}" has the binary_data_size ${shown(size)}, and ${left} bytes are left`,
      );
    }
    const part = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    const data = dataOfBytes(part, spec);
    const expected = shape.reduce((product, each) => product * each, 1);
    if (data.length !== expected) {
      throw badRequest(
        `input "${spec.name}" has ${size} bytes for ${data.length} values, its shape [${shape.join(', ')}] has ${expected}`,
      );
    }
    return data;
  }

  requireEnd(): void {
    const left = this.#bytes.byteLength - this.#at;
    if (left > 0) throw badRequest(`${left} bytes behind the JSON belong to no input`);
  }
}

/** @throws AnswerError 400 where they are no whole values, or numbers that are not finite. */
function dataOfBytes(part: Buffer, spec: TensorSpec): TensorData {
  let data: TensorData;
  try {
    data = unpackData(spec.datatype, part);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest(`input "${spec.name}" has ${part.byteLength} bytes that are no whole values`);
  }
  if (data instanceof Float32Array) {
    const index = firstNotFinite(data);
    if (index >= 0) refuse(spec, index, String(data[index]), 'a 32-bit number');
  }
  return data;
}
