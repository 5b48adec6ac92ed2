import type { Tensor } from '../domain/ports/model-runtime.js';

/** The input under which the prediction log has a refused row; no input of a contract can have this name. */
const NAME = '$row';

/** How what JSON has no word for is written: an object with this key alone, which says what it is. */
const TAG = '$value';

/**
 * A row that is not as the contract says, as the prediction log takes it: one text, the row's JSON. What JSON cannot say (a number that is
 * none, `undefined`, a bigint, bytes) is written as `{ "$value": … }`; of a row that goes round in a circle, or is too deep or too long for a text, only that it is.
 */
export function refusedRow(row: unknown): Tensor {
  return { name: NAME, datatype: 'BYTES', shape: [1], data: [writtenRow(row)] };
}

/**
 * The row that `refusedRow` wrote.
 * @throws RangeError where these are no refused row's inputs.
 */
export function readRefusedRow(inputs: readonly Tensor[]): unknown {
  const text = inputs.length === 1 && inputs[0]?.name === NAME ? inputs[0].data[0] : undefined;
  if (typeof text === 'string') return JSON.parse(text, revived);
  throw new RangeError('the prediction log has no row there that was refused');
}

function writtenRow(row: unknown): string {
  try {
    return JSON.stringify(tagged(row), function (this: object, key: string, value: unknown) {
      const own: unknown = Reflect.get(this, key); // a Buffer comes as what its toJSON makes of it
      return tagged(ArrayBuffer.isView(own) ? own : value);
    });
  } catch (error) {
    if (error instanceof TypeError) return JSON.stringify({ [TAG]: 'circle' });
    if (error instanceof RangeError) return JSON.stringify({ [TAG]: 'too large' });
    throw error;
  }
}

function tagged(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : { [TAG]: String(value) };
    case 'bigint':
      return { [TAG]: `${value}n` };
    case 'undefined':
    case 'function':
    case 'symbol':
      return { [TAG]: typeof value };
    default:
      return ArrayBuffer.isView(value) ? { [TAG]: `base64:${base64(value)}` } : value;
  }
}

function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function revived(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const said: unknown = Reflect.get(value, TAG);
  if (typeof said !== 'string') return value;
  if (said.startsWith('base64:')) return Buffer.from(said.slice('base64:'.length), 'base64');
  if (/^-?\d+n$/.test(said)) return BigInt(said.slice(0, -1));
  if (/^(NaN|-?Infinity)$/.test(said)) return Number(said);
  return undefined;
}
