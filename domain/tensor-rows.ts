import type { Tensor, TensorData } from './ports/model-runtime.js';

/** Rows `from` to `to` of a tensor, whose first dimension counts rows; numbers are a view on the same memory. */
export function cutRows(tensor: Tensor, from: number, to: number): Tensor {
  const { name, datatype, data } = tensor;
  const shape = tensor.shape.slice();
  if (from === 0 && to === shape[0]) return tensor;
  shape[0] = to - from;
  let width = 1;
  for (let axis = 1; axis < shape.length; axis += 1) width *= shape[axis] ?? 1;
  return {
    name,
    datatype,
    shape,
    data: ArrayBuffer.isView(data)
      ? data.subarray(from * width, to * width)
      : data.slice(from * width, to * width),
  };
}

/**
 * The rows of tensors of one name, datatype and row shape, one after the other.
 * @throws RangeError where there is none, or where they differ in datatype or row shape.
 */
export function joinRows(parts: readonly Tensor[]): Tensor {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('no tensor has no rows');
  if (others.length === 0) return first;
  const rowShape = first.shape.slice(1);
  if (others.some(({ shape }) => rowShape.some((size, axis) => size !== shape[axis + 1]))) {
    throw new RangeError(`rows of "${first.name}" have different shapes`);
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  return {
    ...first,
    shape: [rows, ...rowShape],
    data: joinData(parts.map(({ data }) => data)),
  };
}

/** Where the first number stands that is none, or is infinite; -1: all are finite. */
export function firstNotFinite(values: Float32Array): number {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) return index;
  }
  return -1;
}

/** Bytes that tensors take up in this process, about. */
export function bytesOf(tensors: readonly Tensor[]): number {
  let bytes = 0;
  for (const { data } of tensors) {
    if (ArrayBuffer.isView(data)) bytes += data.byteLength;
    else for (const text of data) bytes += 2 * text.length;
  }
  return bytes;
}

function joinData(parts: readonly TensorData[]): TensorData {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const [first] = parts;
  if (first instanceof Float32Array) {
    const same = parts.filter((part) => part instanceof Float32Array);
    return filled(new Float32Array(length), same);
  }
  if (first instanceof Int32Array) {
    return filled(
      new Int32Array(length),
      parts.filter((part) => part instanceof Int32Array),
    );
  }
  if (first instanceof BigInt64Array) {
    const same = parts.filter((part) => part instanceof BigInt64Array);
    return filled(new BigInt64Array(length), same);
  }
  return parts.flatMap((part) => (ArrayBuffer.isView(part) ? [] : part));
}

interface Numbers<T> {
  readonly length: number;
  set(part: T, at: number): void;
}

function filled<T extends Numbers<T>>(whole: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  if (at !== whole.length) throw new RangeError('tensors of two datatypes have no rows in common');
  return whole;
}
