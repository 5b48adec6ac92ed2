/** The thread that makes Parquet files of rows: it takes milliseconds, which no answer shall wait for. */
import { existsSync, readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { encodeRows } from './encode-rows.js';
import type { FromEncoder, ToEncoder } from './encoder-messages.js';
import type { RowChunk } from './row-chunk.js';

/** Linux has a priority for each thread; `<process>/task/<thread>` stands behind this link. */
const SELF = '/proc/thread-self';
/** Where cores are scarce whoever answers comes first. */
const NICENESS = 10;

/** A process that is nicer already stays so: to be less nice takes a right. */
function stepBack(): void {
  if (!existsSync(SELF) || getPriority() >= NICENESS) return;
  try {
    setPriority(Number(readlinkSync(SELF).split('/').at(-1)), NICENESS);
  } catch {
    // a sandbox may forbid it: files are made all the same, only no longer behind the answers
  }
}

stepBack();

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
