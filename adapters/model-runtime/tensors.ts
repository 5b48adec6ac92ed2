import { z } from 'zod';
import { datatypeSchema } from '../../domain/manifest.js';
import type { Datatype } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';

/** How a tensor stands in a frame's header; its bytes follow in the same order. */
export const packedTensorSchema = z.object({
  name: z.string(),
  datatype: datatypeSchema,
  shape: z.array(z.int().min(0)),
  bytes: z.int().min(0),
  /** True where texts stand as their places (32 bits) among words that both sides know. */
  isPlaces: z.boolean().optional(),
});
export type PackedTensor = z.infer<typeof packedTensorSchema>;

/** Words that both sides know, each by its place. */
export type Places = ReadonlyMap<string, number>;

export const placesOf = (words: readonly string[]): Places =>
  new Map(words.map((word, place) => [word, place]));

const NO_PLACES: Places = new Map();

/**
 * Numbers as they lie in memory (little endian); strings as u32 length and UTF-8, or as places where both sides know all of them: a
 * label a row is an answer's dearest part.
 */
export function packTensors(
  tensors: readonly Tensor[],
  known: Places = NO_PLACES,
): { packed: PackedTensor[]; parts: Uint8Array[] } {
  const packed: PackedTensor[] = [];
  const parts: Uint8Array[] = [];
  for (const { name, datatype, shape, data } of tensors) {
    const places = ArrayBuffer.isView(data) ? null : packPlaces(data, known);
    const part = places ?? packData(data);
    parts.push(part);
    const bytes = part.byteLength;
    packed.push({ name, datatype, shape, bytes, ...(places !== null && { isPlaces: true }) });
  }
  return { packed, parts };
}

/** Null where a text is not known. */
function packPlaces(texts: readonly string[], known: Places): Uint8Array | null {
  if (known.size === 0) return null;
  const places = new Int32Array(texts.length);
  for (let index = 0; index < texts.length; index += 1) {
    const place = known.get(texts[index] ?? '');
    if (place === undefined) return null;
    places[index] = place;
  }
  return packData(places);
}

/** @throws RangeError where lengths do not fit shapes. */
export function unpackTensors(
  packed: readonly PackedTensor[],
  bytes: Buffer,
  known: readonly string[] = [],
): Tensor[] {
  let offset = 0;
  const tensors = packed.map((tensor) => {
    const part = bytes.subarray(offset, offset + tensor.bytes);
    offset += tensor.bytes;
    const data =
      tensor.isPlaces && tensor.datatype === 'BYTES'
        ? unpackPlaces(new Int32Array(...numbersIn(part, Int32Array.BYTES_PER_ELEMENT)), known)
        : unpackData(tensor.datatype, part);
    if (data.length !== elementsOf(tensor.shape)) {
      throw new RangeError(
        `tensor "${tensor.name}" has ${data.length} elements, its shape says else`,
      );
    }
    return { name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, data };
  });
  if (offset !== bytes.byteLength) throw new RangeError('the tensors do not fill their frame');
  return tensors;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Numbers as they lie in memory (little endian); strings as u32 length and UTF-8: as the protocol's binary extension has them. */
export function packData(data: TensorData): Uint8Array {
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const total = data.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0);
  const packed = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const text of data) {
    const bytes = packed.write(text, offset + 4);
    packed.writeUInt32LE(bytes, offset);
    offset += 4 + bytes;
  }
  return packed;
}

/** Numbers stay where they are, if they can. @throws RangeError where the bytes are no whole values. */
export function unpackData(datatype: Datatype, part: Buffer): TensorData {
  switch (datatype) {
    case 'BYTES':
      return unpackStrings(part);
    case 'FP32':
      return new Float32Array(...numbersIn(part, Float32Array.BYTES_PER_ELEMENT));
    case 'INT32':
      return new Int32Array(...numbersIn(part, Int32Array.BYTES_PER_ELEMENT));
    case 'INT64':
      return new BigInt64Array(...numbersIn(part, BigInt64Array.BYTES_PER_ELEMENT));
    default:
      return datatype satisfies never;
  }
}

/** Where numbers lie and how many; they are copied only where they do not start at a multiple of their size, as typed arrays must. */
function numbersIn(part: Buffer, elementBytes: number): [ArrayBufferLike, number, number] {
  const { buffer, byteOffset, byteLength } = part;
  if (byteLength % elementBytes !== 0) {
    throw new RangeError(`${byteLength} bytes are no whole values of ${elementBytes} bytes`);
  }
  const isAligned = byteOffset % elementBytes === 0;
  const [place, start] = isAligned ? [buffer, byteOffset] : [new Uint8Array(part).buffer, 0];
  return [place, start, byteLength / elementBytes];
}

function unpackPlaces(places: Int32Array, known: readonly string[]): string[] {
  const texts: string[] = [];
  for (const place of places) {
    const text = known[place];
    if (text === undefined) throw new RangeError(`there is no word ${place}`);
    texts.push(text);
  }
  return texts;
}

function unpackStrings(part: Buffer): string[] {
  const texts: string[] = [];
  let offset = 0;
  while (offset < part.byteLength) {
    const end = offset + 4 + part.readUInt32LE(offset);
    if (end > part.byteLength) throw new RangeError('a string ends behind its tensor');
    texts.push(part.toString('utf8', offset + 4, end));
    offset = end;
  }
  return texts;
}
