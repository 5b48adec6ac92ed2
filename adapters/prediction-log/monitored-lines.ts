import { predictionLineSchema, type PredictionLine } from '../../domain/monitor/prediction-line.js';
import type { FixedColumn } from './log-columns.js';
import { bytesFile, readRows, type FileRow } from './parquet-file.js';

const COLUMNS = [
  ...['request_id', 'row', 'time', 'version', 'digest'],
  ...['label', 'probability', 'latency_ms', 'error'],
] as const satisfies readonly FixedColumn[];

/** What the monitor reads of a file; a file that is none counts as one malformed line. */
export async function monitoredLines(
  bytes: Uint8Array,
): Promise<{ readonly lines: readonly PredictionLine[]; readonly malformed: number }> {
  let rows: readonly FileRow[];
  try {
    rows = await readRows(bytesFile(bytes), { columns: COLUMNS });
  } catch {
    return { lines: [], malformed: 1 }; // torn, or no file of the log: only its bytes were read here
  }
  const lines: PredictionLine[] = [];
  for (const row of rows) {
    const parsed = predictionLineSchema.safeParse(lineOf(row));
    if (parsed.success) lines.push(parsed.data);
  }
  return { lines, malformed: rows.length - lines.length };
}

function lineOf(row: FileRow): unknown {
  const { time } = row;
  return {
    requestId: row['request_id'],
    row: row['row'],
    at: time instanceof Date && !Number.isNaN(time.getTime()) ? time.toISOString() : null,
    version: row['version'],
    digest: row['digest'],
    label: row['label'],
    probability: row['probability'],
    latencyMs: row['latency_ms'],
    error: row['error'],
  };
}
