import {
  parquetMetadataAsync,
  parquetReadObjects,
  type AsyncBuffer,
  type FileMetaData,
  type SchemaElement,
} from 'hyparquet';
import type { ObjectStore } from '../../domain/ports/object-store.js';

/** What is read of a file's end at first: its description is a few thousand bytes. */
const END_BYTES = 32 * 1024;
/** A file up to this size is read whole at once. */
const WHOLE_BYTES = 128 * 1024;

/** A row as a file has it, by column. */
export type FileRow = Readonly<Record<string, unknown>>;

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
