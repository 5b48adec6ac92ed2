import { createHash, hash } from 'node:crypto';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';

const LENGTH_BYTES = 4;
/** UTF-8 of a UTF-16 code unit at most. */
const BYTES_A_UNIT = 3;
let scratch = Buffer.alloc(64 * 1024);

/**
 * The digest that stands for a request's inputs, given in the order of their names. Of one text: of its UTF-8 bytes. Of anything else:
 * input after input, numbers as they lie in memory (little endian), each text after its length in bytes (32 bits, little endian).
 */
export function inputsSha256(inputs: readonly Pick<Tensor, 'data'>[]): string {
  const [first, second] = inputs;
  if (first !== undefined && second === undefined) return digestOfOne(first.data);
  const sum = createHash('sha256');
  for (const { data } of inputs) sum.update(bytesOf(data));
  return sum.digest('hex');
}

function digestOfOne(data: TensorData): string {
  const text = data.length === 1 ? data[0] : undefined;
  return hash('sha256', typeof text === 'string' ? text : bytesOf(data));
}

/** Valid until the next call. */
function bytesOf(data: TensorData): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  let used = 0;
  for (const text of data) {
    const needed = used + LENGTH_BYTES + text.length * BYTES_A_UNIT;
    if (needed > scratch.length) scratch = Buffer.concat([scratch], 2 * needed);
    const length = scratch.write(text, used + LENGTH_BYTES);
    scratch.writeUInt32LE(length, used);
    used += LENGTH_BYTES + length;
  }
  return scratch.subarray(0, used);
}
