import type { Tensor } from '../../domain/ports/model-runtime.js';

/**
 * Whether tensors of so many rows, at least one, may lie behind those of other requests: one that has other values than its shape and its
 * datatype say would shift, or spoil, the rows of all others of its file.
 */
export function fitForLog(tensors: readonly Tensor[], rows: number): boolean {
  if (!Number.isInteger(rows) || rows < 1) return false;
  for (const tensor of tensors) {
    const { shape, datatype, data } = tensor;
    let width = 1;
    for (let axis = 1; axis < shape.length; axis += 1) width *= shape[axis] ?? 0;
    // a list without a text is no list to the file's encoding
    const isWide = width > 0 || (width === 0 && datatype !== 'BYTES');
    if (shape[0] !== rows || !isWide || data.length !== rows * width) return false;
    if (!isOfDatatype(tensor)) return false;
  }
  return true;
}

function isOfDatatype({ datatype, data }: Tensor): boolean {
  switch (datatype) {
    case 'BYTES':
      return !ArrayBuffer.isView(data) && areTexts(data);
    case 'FP32':
      return data instanceof Float32Array;
    case 'INT32':
      return data instanceof Int32Array;
    case 'INT64':
      return data instanceof BigInt64Array;
    default:
      return datatype satisfies never;
  }
}

/** A caller without types may have given anything. */
function areTexts(values: readonly unknown[]): boolean {
  for (const value of values) if (typeof value !== 'string') return false;
  return true;
}
