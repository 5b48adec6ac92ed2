import { createHash, hash } from 'node:crypto';
import type { TensorData } from '../../domain/ports/model-runtime.js';

/** One row's values of one input: `data` from one index up to (not including) another. */
export interface InputSpan {
  readonly name: string;
  readonly data: TensorData;
  readonly from: number;
  readonly until: number;
}

/**
 * The digest that stands for a row's inputs. Of a model that takes one text: of its UTF-8 bytes. Of any other: input after
 * input in the order of their names, numbers as they lie in memory (little endian), each text after its length in bytes (32
 * bits, little endian).
 */
export function inputsSha256(inputs: readonly InputSpan[]): string {
  const [first, second] = inputs;
  if (first !== undefined && second === undefined && first.until - first.from === 1) {
    const text = first.data[first.from];
    if (typeof text === 'string') return hash('sha256', text);
  }
  const sum = createHash('sha256');
  for (const { data, from, until } of inputs) {
    if (ArrayBuffer.isView(data)) {
      sum.update(bytesOf(data.subarray(from, until)));
      continue;
    }
    for (const text of data.slice(from, until)) {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      sum.update(length).update(bytes);
    }
  }
  return sum.digest('hex');
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
