import { open } from 'node:fs/promises';

/**
 * A file's bytes in parts of one size (the last may be smaller); an empty file has one empty part.
 * Every part is a new buffer, so that it may still be on its way while the next one is read.
 */
export async function* fileParts(path: string, partBytes: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  try {
    for (let isFirst = true; ; isFirst = false) {
      const buffer = Buffer.allocUnsafe(partBytes);
      let filled = 0;
      while (filled < partBytes) {
        const { bytesRead } = await file.read(buffer, filled, partBytes - filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (filled > 0 || isFirst) yield buffer.subarray(0, filled);
      if (filled < partBytes) return;
    }
  } finally {
    await file.close();
  }
}
