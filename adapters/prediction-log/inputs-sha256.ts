import { createHash, hash } from 'node:crypto';
import type { TensorData } from '../../domain/ports/model-runtime.js';

/** A request's values of one input: `data` from one index up to (not including) another. */
export interface InputSpan {
  readonly data: TensorData;
  readonly from: number;
  readonly until: number;
}

const LENGTH_BYTES = 4;
/** UTF-8 of a UTF-16 code unit at most. */
const BYTES_A_UNIT = 3;
let scratch = Buffer.alloc(64 * 1024);

/**
 * The digest that stands for a request's inputs. Of one text: of its UTF-8 bytes. Of anything else: input after input in the order
 * of their names, numbers as they lie in memory (little endian), each text after its length in bytes (32 bits, little endian).
 */
export function inputsSha256(inputs: readonly InputSpan[]): string {
  const [first, second] = inputs;
  if (first !== undefined && second === undefined) return digestOfOne(first);
  const sum = createHash('sha256');
  for (const input of inputs) sum.update(bytesOf(input));
  return sum.digest('hex');
}

function digestOfOne(input: InputSpan): string {
  const text = input.until - input.from === 1 ? input.data[input.from] : undefined;
  return hash('sha256', typeof text === 'string' ? text : bytesOf(input));
}

/** Valid until the next call. */
function bytesOf({ data, from, until }: InputSpan): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data.subarray(from, until);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  let used = 0;
  for (let index = from; index < until; index++) {
    const text = data[index] ?? '';
    const needed = used + LENGTH_BYTES + text.length * BYTES_A_UNIT;
    if (needed > scratch.length) scratch = Buffer.concat([scratch], 2 * needed);
    const length = scratch.write(text, used + LENGTH_BYTES);
    scratch.writeUInt32LE(length, used);
    used += LENGTH_BYTES + length;
  }
  return scratch.subarray(0, used);
}
