/** What one side tells the other: a small JSON header and, behind it, the tensors' raw bytes. */
export interface Frame {
  readonly header: unknown;
  readonly bytes: Buffer;
}

/** A longer frame is taken for a broken or hostile peer. */
const MAX_FRAME_BYTES = 1 << 30;

const PREFIX_BYTES = 8;

/** Frame: u32 length of all that follows the first 8 bytes, u32 length of the header, header, bytes; little endian. */
export function encodeFrame(header: object, parts: readonly Uint8Array[] = []): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, text.byteLength);
  if (bytes > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${bytes} bytes is over 1 GiB`);
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix.writeUInt32LE(bytes, 0);
  prefix.writeUInt32LE(text.byteLength, 4);
  return Buffer.concat([prefix, text, ...parts]);
}

/** Puts frames together again from whatever pieces a socket delivers. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #needed = PREFIX_BYTES;

  /** The frames that this piece completes. @throws RangeError for lengths that no honest peer sends. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    if (this.#buffered < this.#needed) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    for (;;) {
      const needed = neededFor(rest);
      if (rest.byteLength < needed || needed === PREFIX_BYTES) {
        this.#needed = needed;
        break;
      }
      frames.push(decodeFrame(rest.subarray(0, needed)));
      rest = rest.subarray(needed);
    }
    this.#chunks = rest.byteLength === 0 ? [] : [rest];
    this.#buffered = rest.byteLength;
    return frames;
  }
}

function neededFor(buffered: Buffer): number {
  if (buffered.byteLength < PREFIX_BYTES) return PREFIX_BYTES;
  const bytes = buffered.readUInt32LE(0);
  const headerBytes = buffered.readUInt32LE(4);
  if (bytes > MAX_FRAME_BYTES || headerBytes > bytes || headerBytes === 0) {
    throw new RangeError(`a frame of ${bytes} bytes with a header of ${headerBytes} is malformed`);
  }
  return PREFIX_BYTES + bytes;
}

function decodeFrame(frame: Buffer): Frame {
  const headerEnd = PREFIX_BYTES + frame.readUInt32LE(4);
  const header: unknown = JSON.parse(frame.toString('utf8', PREFIX_BYTES, headerEnd));
  return { header, bytes: frame.subarray(headerEnd) };
}
