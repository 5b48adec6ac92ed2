import {
  parquetMetadataAsync,
  parquetReadObjects,
  type AsyncBuffer,
  type ColumnChunk,
  type FileMetaData,
  type SchemaElement,
} from 'hyparquet';
import { ByteWriter, ParquetWriter, type ColumnSource } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { LogColumn } from './log-columns.js';

type ColumnEncoder = Parameters<typeof writeColumn>[0]['column'];
type PageData = Parameters<typeof writeColumn>[0]['pageData'];

/** What is read of a file's end at first: its description is a few thousand bytes. */
const END_BYTES = 32 * 1024;
/** Texts of one page. */
const PAGE_BYTES = 1024 * 1024;
/** A file up to this size is read whole at once. */
const WHOLE_BYTES = 128 * 1024;

/** A row as a file has it, by column. */
export type FileRow = Readonly<Record<string, unknown>>;

/** Columns as the bytes of one Parquet file of one row group, compressed with Snappy. */
export function encodeColumns(columns: readonly LogColumn[]): Uint8Array {
  const writer = new ByteWriter();
  const root: SchemaElement = { name: 'prediction', num_children: columns.length };
  const schema = [root, ...columns.flatMap(({ elements }) => elements)];
  const file = new ParquetWriter({ writer, schema, createdBy: 'switchyard' });
  const rows = columns[0]?.data.length ?? 0;
  // the library's own way takes a list apart value by value, which costs more than all the rest
  const written = columns.map((column) =>
    writeColumn({ writer, column: encoderOf(column, root), pageData: pageDataOf(column) }),
  );
  const bytesOf = (count: (chunk: ColumnChunk) => bigint | undefined) =>
    written.reduce((sum, { chunk }) => sum + (count(chunk) ?? 0n), 0n);
  file.row_groups.push({
    columns: written.map(({ chunk }) => chunk),
    total_byte_size: bytesOf((chunk) => chunk.meta_data?.total_uncompressed_size),
    total_compressed_size: bytesOf((chunk) => chunk.meta_data?.total_compressed_size),
    num_rows: BigInt(rows),
  });
  file.num_rows = BigInt(rows);
  file.pendingIndexes.push(...written);
  void file.finish(); // no promise: nothing of this writer waits
  return writer.getBytes();
}

/** How a column is written. */
function encoderOf({ name, elements }: LogColumn, root: SchemaElement): ColumnEncoder {
  const element = elements.at(-1) ?? root;
  const isText = element.type === 'BYTE_ARRAY';
  return {
    ...{ columnName: name, element, schemaPath: [root, ...elements] },
    ...{ codec: 'SNAPPY', compressors: { SNAPPY: snappyCompress } },
    // what only time has is worth its bytes: everything else is spread over each file
    stats: name === 'time',
    ...{ pageSize: isText ? PAGE_BYTES : 0, columnIndex: false, offsetIndex: true },
    // a dictionary takes -0 for 0, and is no gain on numbers
    ...(isText ? {} : { encoding: 'PLAIN' }),
    ...PACKING[name],
  };
}

/** A column's values with Dremel's levels: what is null, and where a row's list begins. */
function pageDataOf({ elements, data, lengths }: LogColumn): PageData {
  if (lengths === undefined) {
    const isRequired = elements[0]?.repetition_type === 'REQUIRED';
    return {
      ...{ values: data, repetitionLevels: [], maxDefinitionLevel: isRequired ? 0 : 1 },
      definitionLevels: isRequired ? [] : data.map((value) => (value === null ? 0 : 1)),
    };
  }
  const repetitionLevels = new Array<number>(data.length).fill(1);
  let first = 0;
  for (const length of lengths) {
    repetitionLevels[first] = 0;
    first += length;
  }
  const definitionLevels = data.map((value) => (value === null ? 0 : 2));
  return { values: data, definitionLevels, repetitionLevels, maxDefinitionLevel: 2 };
}

/** A column of values as rows have them. */
export function columnOf(
  name: string,
  elements: readonly SchemaElement[],
  cells: readonly unknown[],
): LogColumn {
  if (elements.length === 1) return { name, elements, data: cells.map((cell) => cell ?? null) };
  const lists = cells.map((cell): unknown[] => (Array.isArray(cell) ? cell : [null]));
  return { name, elements, data: lists.flat(), lengths: lists.map(({ length }) => length) };
}

/** Where the library's own choice is not the right one. */
const PACKING: Readonly<Record<string, Pick<ColumnSource, 'codec' | 'encoding'>>> = {
  // every value another: to look for what repeats costs more than all other columns
  request_id: { codec: 'UNCOMPRESSED', encoding: 'PLAIN' },
  inputs_sha256: { codec: 'UNCOMPRESSED', encoding: 'PLAIN' },
  // so that a person is found in a file too that cannot be read any more
  customer: { codec: 'UNCOMPRESSED' },
};

/** A file that is here. */
export function bytesFile(bytes: Uint8Array): AsyncBuffer {
  const whole = new Uint8Array(bytes).buffer;
  return { byteLength: whole.byteLength, slice: (start, end) => whole.slice(start, end) };
}

/** A file in the store, of which ranges are read; a small one at once. Slices throw the store's `PortError`s. */
export function storedFile(
  store: ObjectStore,
  { key, bytes }: { readonly key: string; readonly bytes: number },
): AsyncBuffer {
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    const part = await store.getRange(key, start, end);
    if (part === null) throw new ObjectGone(key);
    return new Uint8Array(part).buffer;
  };
  if (bytes > WHOLE_BYTES) {
    return { byteLength: bytes, slice: (start, end = bytes) => read(start, end) };
  }
  let whole: Promise<ArrayBuffer> | null = null;
  return {
    byteLength: bytes,
    slice: async (start, end) => (await (whole ??= read(0, bytes))).slice(start, end),
  };
}

/** The object was listed, and is not there any more. */
export class ObjectGone extends Error {}

export async function describeFile(file: AsyncBuffer): Promise<FileMetaData> {
  return parquetMetadataAsync(file, { initialFetchSize: END_BYTES });
}

/** Rows of a file, all of them or from one up to (not including) another; of all columns or of some. */
export async function readRows(
  file: AsyncBuffer,
  given: {
    metadata?: FileMetaData;
    columns?: readonly string[];
    rowStart?: number;
    rowEnd?: number;
  } = {},
): Promise<readonly FileRow[]> {
  const { columns, ...rest } = given;
  const metadata = given.metadata ?? (await describeFile(file));
  const rows: readonly FileRow[] = await parquetReadObjects({
    ...{ file, ...rest, metadata },
    ...(columns === undefined ? {} : { columns: [...columns] }),
  });
  return rows;
}

/** The schema's parts by column, in order. */
export function elementsByColumn({
  schema,
}: Pick<FileMetaData, 'schema'>): ReadonlyMap<string, readonly SchemaElement[]> {
  const found = new Map<string, readonly SchemaElement[]>();
  for (let index = 1; index < schema.length;) {
    const first = schema[index];
    if (first === undefined) break;
    const length = lengthFrom(schema, index);
    found.set(first.name, schema.slice(index, index + length));
    index += length;
  }
  return found;
}

/** Elements of one column, its children included. */
function lengthFrom(schema: readonly SchemaElement[], index: number): number {
  let length = 1;
  for (let child = 0; child < (schema[index]?.num_children ?? 0); child++) {
    length += lengthFrom(schema, index + length);
  }
  return length;
}
