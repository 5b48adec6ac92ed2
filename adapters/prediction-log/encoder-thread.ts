/** The thread that makes Parquet files of rows: it takes milliseconds, which no answer shall wait for. */
import { parentPort } from 'node:worker_threads';
import { encodeRows } from './encode-rows.js';
import type { FromEncoder, ToEncoder } from './encoder-messages.js';
import type { RowChunk } from './row-chunk.js';

const waiting = new Map<number, RowChunk[]>();

function answer(message: Extract<ToEncoder, { kind: 'encode' }>): void {
  const { id, log, facts } = message;
  const chunks = waiting.get(log) ?? [];
  waiting.delete(log);
  try {
    const files = encodeRows(chunks, facts);
    tell(
      { id, files },
      files.map(({ bytes }) => bytes.buffer),
    );
  } catch (error) {
    tell({ id, problem: error instanceof Error ? error.message : String(error) }, []);
  }
}

function tell(reply: FromEncoder, buffers: readonly ArrayBufferLike[]): void {
  parentPort?.postMessage(
    reply,
    buffers.filter((buffer) => buffer instanceof ArrayBuffer),
  );
}

parentPort?.on('message', (message: ToEncoder) => {
  if (message.kind === 'encode') {
    answer(message);
    return;
  }
  const chunks = waiting.get(message.log);
  if (chunks) chunks.push(message.chunk);
  else waiting.set(message.log, [message.chunk]);
});
