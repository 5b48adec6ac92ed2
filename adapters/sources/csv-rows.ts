import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { isPortError, PortError } from '../../domain/failures.js';
import { nearestName } from '../../domain/nearest-name.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { onlyUtf8 } from './only-utf8.js';

/** What a file's columns are called. */
export interface CsvColumns {
  readonly text: string;
  readonly label: string;
  readonly id?: string | undefined;
  readonly time?: string | undefined;
  readonly customer?: string | undefined;
  readonly slice?: string | undefined;
}

export interface CsvFile {
  readonly path: string;
  readonly columns: CsvColumns;
  readonly delimiter: string;
  /** The instant of a row where no column holds it. */
  readonly instantOf: (text: string) => string;
}

/** A row of a file, with the line on which it ends. */
interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

/** As csv-parse gives it. */
const recordSchema = z.object({
  info: z.object({ lines: z.number() }),
  record: z.array(z.string()),
});

const MAX_LABEL_CHARACTERS = 200;

const instantSchema = z.iso.datetime({ offset: true });
const daySchema = z.iso.date();

/**
 * The rows of a CSV file as it is now, one by one.
 * @throws PortError `InvalidDataset` that names the file, the line, and what is wrong there.
 */
export async function* csvRows(file: CsvFile): AsyncGenerator<Row> {
  const seen = new Map<string, number>();
  let header: ReadonlyMap<string, number> | undefined;
  for await (const record of records(file)) {
    if (header === undefined) {
      header = headerOf(file, record);
      continue;
    }
    const row = rowOf(file, header, record);
    const earlier = seen.get(row.id);
    if (file.columns.id === undefined) {
      seen.set(row.id, (earlier ?? 0) + 1);
      yield earlier === undefined ? row : { ...row, id: sha256([row.id, String(earlier)]) };
    } else {
      if (earlier !== undefined) {
        throw wrong(file, `the id ${JSON.stringify(row.id)} is on line ${earlier} too`, record);
      }
      seen.set(row.id, record.line);
      yield row;
    }
  }
  if (header === undefined) throw wrong(file, 'it is empty: its first line names the columns');
}

async function* records({ path, delimiter }: CsvFile): AsyncGenerator<CsvRecord> {
  const parser = parse({
    ...{ bom: true, delimiter, info: true },
    ...{ skip_empty_lines: true, skip_records_with_empty_values: true },
  });
  const bytes = createReadStream(path);
  const checked = onlyUtf8(path);
  const fail = (error: Error) => parser.destroy(error);
  bytes.on('error', fail);
  checked.on('error', fail);
  bytes.pipe(checked).pipe(parser);
  try {
    for await (const each of parser) {
      const { record, info } = recordSchema.parse(each);
      yield { fields: record, line: info.lines };
    }
  } catch (error) {
    throw asDatasetProblem(path, error);
  } finally {
    bytes.destroy();
  }
}

/** The columns by name. */
function headerOf(file: CsvFile, record: CsvRecord): ReadonlyMap<string, number> {
  const names = record.fields.map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(file, `it has two columns "${twice}"`, record);
  const wanted: Readonly<Record<string, string | undefined>> = { ...file.columns };
  for (const [option, name] of Object.entries(wanted)) {
    if (name === undefined || names.includes(name)) continue;
    const nearest = nearestName(name, names);
    const hint = nearest === null ? '' : `; is it "${nearest}"?`;
    throw wrong(
      file,
      `there is no column "${name}"${hint} It has: ${names.join(', ').slice(0, 300)}. Name it with csvSource({ ${option}: … })`,
      record,
    );
  }
  return new Map(names.map((name, index) => [name, index]));
}

function rowOf(file: CsvFile, header: ReadonlyMap<string, number>, record: CsvRecord): Row {
  const { columns } = file;
  const field = (name: string | undefined) =>
    name === undefined ? undefined : record.fields[header.get(name) ?? -1];
  const text = field(columns.text) ?? '';
  const label = field(columns.label) ?? '';
  if (label.trim() === '') throw wrong(file, `"${columns.label}" is empty`, record);
  if (label.length > MAX_LABEL_CHARACTERS) {
    throw wrong(
      file,
      `"${columns.label}" has ${label.length} characters, a label at most ${MAX_LABEL_CHARACTERS}`,
      record,
    );
  }
  const id = field(columns.id);
  if (id === '') throw wrong(file, `"${columns.id ?? ''}" is empty`, record);
  const customer = field(columns.customer);
  const slice = field(columns.slice);
  return {
    id: id ?? sha256([text, label]),
    at: instantOf(file, field(columns.time) ?? null, { text, record }),
    label,
    text,
    ...(slice !== undefined && slice !== '' && { slice }),
    ...(customer !== undefined && customer !== '' && { customer }),
  };
}

function instantOf(
  file: CsvFile,
  given: string | null,
  { text, record }: { text: string; record: CsvRecord },
): string {
  if (given === null) return file.instantOf(text);
  const isInstant = instantSchema.safeParse(given).success || daySchema.safeParse(given).success;
  if (isInstant) return new Date(given).toISOString();
  throw wrong(
    file,
    `"${file.columns.time ?? ''}" is no instant (${JSON.stringify(given.slice(0, 60))}); write it as 2026-01-31T08:00:00Z or 2026-01-31`,
    record,
  );
}

/** sha256 of a list of texts, in hex. */
function sha256(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function wrong(file: CsvFile, what: string, record?: CsvRecord): PortError {
  const line = record === undefined ? '' : `, line ${record.line}`;
  return new PortError('InvalidDataset', `${file.path}${line}: ${what}`, {
    details: { file: file.path, ...(record && { line: record.line }) },
  });
}

/** What the file system or the parser says, as what is wrong with the data. */
function asDatasetProblem(path: string, error: unknown): unknown {
  if (isPortError(error) || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  const what =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH'
        ? error.message.replace(/^.*?: /, 'a row is not as long as the header: ')
        : error.message;
  return new PortError('InvalidDataset', `${path}: ${what}`, {
    details: { file: path, code },
    cause: error,
  });
}
