/** What one side tells the other: a small JSON header and, behind it, the tensors' raw bytes. */
export interface Frame {
  readonly header: unknown;
  readonly bytes: Buffer;
}

/** A longer frame is taken for a broken or hostile peer. */
const MAX_FRAME_BYTES = 1 << 30;

const PREFIX_BYTES = 8;

/** Numbers of any type start at a multiple of it: they are read where they lie. */
const ALIGNMENT = 8;

/** Frame: u32 length of all that follows the first 8 bytes, u32 length of the header, header, bytes; little endian. */
export function encodeFrame(header: object, parts: readonly Uint8Array[] = []): Buffer {
  const text = JSON.stringify(header);
  const textBytes = Buffer.byteLength(text);
  const headerBytes = Math.ceil(textBytes / ALIGNMENT) * ALIGNMENT;
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, headerBytes);
  if (bytes > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${bytes} bytes is over 1 GiB`);
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.writeUInt32LE(headerBytes, 4);
  let offset = PREFIX_BYTES;
  frame.write(text, offset);
  frame.fill(' ', offset + textBytes, offset + headerBytes);
  offset += headerBytes;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.byteLength;
  }
  return frame;
}

/** Puts frames together again from whatever pieces a socket delivers, each in memory of its own: what is read of it may be kept. */
export class FrameReader {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  /** The one that is being filled, without its prefix. */
  #frame: Buffer | null = null;
  #filled = 0;

  /** The frames that this piece completes. @throws RangeError for lengths that no honest peer sends. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    while (rest.byteLength > 0) {
      rest = this.#frame === null ? this.#begin(rest) : this.#fill(this.#frame, rest, frames);
    }
    return frames;
  }

  /** What is behind the prefix. */
  #begin(rest: Uint8Array): Uint8Array {
    const part = rest.subarray(0, PREFIX_BYTES - this.#prefixFilled);
    this.#prefix.set(part, this.#prefixFilled);
    this.#prefixFilled += part.byteLength;
    if (this.#prefixFilled === PREFIX_BYTES) {
      this.#frame = Buffer.allocUnsafeSlow(lengthIn(this.#prefix));
      this.#filled = 0;
      this.#prefixFilled = 0;
    }
    return rest.subarray(part.byteLength);
  }

  /** What is behind the frame. */
  #fill(frame: Buffer, rest: Uint8Array, frames: Frame[]): Uint8Array {
    const part = rest.subarray(0, frame.byteLength - this.#filled);
    frame.set(part, this.#filled);
    this.#filled += part.byteLength;
    if (this.#filled === frame.byteLength) {
      this.#frame = null;
      frames.push(decodeFrame(frame, this.#prefix.readUInt32LE(4)));
    }
    return rest.subarray(part.byteLength);
  }
}

function lengthIn(prefix: Buffer): number {
  const bytes = prefix.readUInt32LE(0);
  const headerBytes = prefix.readUInt32LE(4);
  if (bytes > MAX_FRAME_BYTES || headerBytes > bytes || headerBytes === 0) {
    throw new RangeError(`a frame of ${bytes} bytes with a header of ${headerBytes} is malformed`);
  }
  return bytes;
}

function decodeFrame(frame: Buffer, headerBytes: number): Frame {
  const header: unknown = JSON.parse(frame.toString('utf8', 0, headerBytes));
  return { header, bytes: frame.subarray(headerBytes) };
}
