import { createHash, randomUUID } from 'node:crypto';
import type { AsyncBuffer } from 'hyparquet';
import { tensorOfColumn } from '../prediction-log/log-columns.js';
import { columnOf } from '../prediction-log/columns.js';
import {
  bytesFile,
  describeFile,
  elementsByColumn,
  readRows,
  type FileRow,
} from '../prediction-log/parquet-file.js';
import { encodeColumns } from '../prediction-log/write-columns.js';

/** Lines of a file of the prediction log, apart from a person's. */
export interface SplitLines {
  /** The person's; all that a file that cannot be read names the person in counts as one. */
  readonly removed: number;
  /** Requests of the person; labels name them. */
  readonly requestIds: readonly string[];
  /** The file without them, or with nothing of the person in them; null where nothing is left. */
  readonly without: Uint8Array | null;
  readonly anonymised: Uint8Array | null;
}

/** Stands for an input that nobody shall know any more. */
const NO_INPUT = createHash('sha256').digest('hex');

/** Takes a person's lines out of a file of the prediction log; null where there are none. */
export async function splitLines(bytes: Uint8Array, customer: string): Promise<SplitLines | null> {
  const file = bytesFile(bytes);
  const read = await readFile(file, customer);
  if (read === 'torn') return tornFile(bytes, customer);
  if (read === null) return null;
  const own = read.rows.filter((row) => row['customer'] === customer);
  const requestIds = new Map(own.map((row) => [String(row['request_id']), randomUUID()]));
  const encode = (rows: readonly FileRow[]) =>
    rows.length === 0
      ? null
      : encodeColumns(
          [...elementsByColumn(read.metadata)].map(([name, elements]) =>
            columnOf(
              name,
              elements,
              rows.map((row) => row[name]),
            ),
          ),
        );
  const isOwn = new Set(own);
  return {
    ...{ removed: own.length, requestIds: [...requestIds.keys()] },
    without: encode(read.rows.filter((row) => !isOwn.has(row))),
    anonymised: encode(
      read.rows.map((row) => (isOwn.has(row) ? withoutPerson(row, requestIds) : row)),
    ),
  };
}

/** All rows of a file that has some of a person; null where it has none, `torn` where it is no file of the log. */
async function readFile(file: AsyncBuffer, customer: string) {
  try {
    const metadata = await describeFile(file);
    const customers = await readRows(file, { metadata, columns: ['customer'] });
    if (!customers.some((row) => row['customer'] === customer)) return null;
    return { metadata, rows: await readRows(file, { metadata }) };
  } catch {
    return 'torn'; // only bytes that are here were read
  }
}

/** A line that the monitor can still count, and nobody can still know whose it is. */
function withoutPerson(row: FileRow, requestIds: ReadonlyMap<string, string>): FileRow {
  const kept = Object.entries(row).map(([column, value]): readonly [string, unknown] => [
    column,
    tensorOfColumn(column)?.kind === 'input' ? null : value,
  ]);
  return {
    ...Object.fromEntries(kept),
    ...{ customer: null, request_id: requestIds.get(String(row['request_id'])) },
    inputs_sha256: NO_INPUT,
  };
}

/** What cannot be read is deleted whole where it names the person: nobody else reads it either. */
function tornFile(bytes: Uint8Array, customer: string): SplitLines | null {
  if (!Buffer.from(bytes).includes(customer)) return null;
  return { removed: 1, requestIds: [], without: null, anonymised: null };
}
