import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import { PortError } from '../../domain/failures.js';

const NEWLINE = 0x0a;

/**
 * Passes a file's bytes on as they are.
 * @throws PortError `InvalidDataset` (as the stream's error) that names the first line which is no UTF-8: decoded anyway, its
 *   characters would be lost without a word.
 */
export function onlyUtf8(path: string): Transform {
  let rest = Buffer.alloc(0);
  let lines = 0;
  const check = (bytes: Buffer) => {
    if (isUtf8(bytes)) {
      for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
        lines += 1;
      }
      return;
    }
    for (let from = 0; from < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline === -1 ? bytes.length : newline;
      if (!isUtf8(bytes.subarray(from, end))) break;
      lines += 1;
      from = end + 1;
    }
    throw new PortError(
      'InvalidDataset',
      `${path}, line ${lines + 1}: it is no UTF-8; save the file as UTF-8`,
      { details: { file: path, line: lines + 1 } },
    );
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        const bytes = Buffer.concat([rest, chunk]);
        const whole = bytes.length - unfinished(bytes);
        rest = bytes.subarray(whole);
        check(bytes.subarray(0, whole));
        done(null, bytes.subarray(0, whole));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done) {
      try {
        check(rest);
        done(null, rest);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

/** Bytes at the end that begin a character whose other bytes are still to come. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < length ? back : 0;
    }
  }
  return 0;
}
