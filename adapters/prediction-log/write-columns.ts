import type { ColumnChunk, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter, type ColumnSource } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeDictionaryPage } from 'hyparquet-writer/src/dictionary.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { LogColumn, NumberColumn, RepeatedColumn, ValueColumn } from './columns.js';
import { bitsFor, type Runs } from './runs.js';

type ColumnEncoder = Parameters<typeof writeColumn>[0]['column'];
type PageData = Parameters<typeof writeColumn>[0]['pageData'];
type WrittenColumn = ReturnType<typeof writeColumn>;
type Statistics = NonNullable<ColumnChunk['meta_data']>['statistics'];

/** Texts of one page. */
const PAGE_BYTES = 1024 * 1024;

/**
 * Columns as the bytes of one Parquet file of one row group. The library writes values one by one, which costs a row of twenty
 * columns microseconds; values that repeat and numbers are written here, as pages that it frames.
 */
export function encodeColumns(columns: readonly LogColumn[]): Uint8Array {
  const writer = new ByteWriter();
  const root: SchemaElement = { name: 'prediction', num_children: columns.length };
  const schema = [root, ...columns.flatMap(({ elements }) => elements)];
  const file = new ParquetWriter({ writer, schema, createdBy: 'switchyard' });
  const written = columns.map((column) => writeOne(writer, column, root));
  const bytesOf = (count: (chunk: ColumnChunk) => bigint | undefined) =>
    written.reduce((sum, { chunk }) => sum + (count(chunk) ?? 0n), 0n);
  const rows = BigInt(columns[0] === undefined ? 0 : rowsOf(columns[0]));
  file.row_groups.push({
    columns: written.map(({ chunk }) => chunk),
    total_byte_size: bytesOf((chunk) => chunk.meta_data?.total_uncompressed_size),
    total_compressed_size: bytesOf((chunk) => chunk.meta_data?.total_compressed_size),
    num_rows: rows,
  });
  file.num_rows = rows;
  file.pendingIndexes.push(...written);
  void file.finish(); // no promise: nothing of this writer waits
  return writer.getBytes();
}

function rowsOf(column: LogColumn): number {
  if (column.kind === 'repeated') return column.present.length;
  if (column.kind === 'numbers') return column.rows;
  return column.lengths?.length ?? column.data.length;
}

function writeOne(writer: ByteWriter, column: LogColumn, root: SchemaElement): WrittenColumn {
  if (column.kind === 'repeated') return writeRepeated(writer, column);
  if (column.kind === 'numbers') return writeNumbers(writer, column);
  return writeColumn({ writer, column: encoderOf(column, root), pageData: pageDataOf(column) });
}

/** A dictionary, and a page of indexes into it. */
function writeRepeated(writer: ByteWriter, column: RepeatedColumn): WrittenColumn {
  const { dictionary, indexes, present } = column;
  const isNullable = column.elements[0]?.repetition_type !== 'REQUIRED';
  const start = writer.offset;
  const dictionaryBytes = dictionary.length === 0 ? null : writeDictionary(writer, column);
  const firstPage = writer.offset;
  const data = new ByteWriter();
  if (dictionaryBytes !== null) {
    const bits = bitsFor(indexes.largest);
    data.appendUint8(bits);
    indexes.writeTo(data, bits);
  }
  const encoding = dictionaryBytes === null ? 'PLAIN' : 'RLE_DICTIONARY';
  const pageBytes = writePage(writer, {
    ...{ values: present.length, nulls: present.length - indexes.length, rows: present.length },
    ...{ encoding, data: data.getBytes(), isCompressed: false },
    ...{ repetition: null, definition: isNullable ? { runs: present, most: 1 } : null },
  });
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        ...describe(column, { codec: 'UNCOMPRESSED', values: present.length }),
        encodings: ['PLAIN', 'RLE_DICTIONARY'],
        total_compressed_size: BigInt(writer.offset - start),
        total_uncompressed_size: BigInt((dictionaryBytes ?? 0) + pageBytes),
        ...(dictionaryBytes !== null && { dictionary_page_offset: BigInt(start) }),
        data_page_offset: BigInt(firstPage),
        statistics: statisticsOf(column),
      },
    },
  };
}

/** @returns its bytes. */
function writeDictionary(writer: ByteWriter, { name, elements, dictionary }: RepeatedColumn) {
  const [element] = elements;
  if (element === undefined) throw new RangeError(`column ${name} has no type`);
  const isLong = element.type === 'INT64';
  return writeDictionaryPage(
    writer,
    {
      ...{ columnName: name, element, schemaPath: [element] },
      ...{ codec: 'UNCOMPRESSED', compressors: {} },
      ...{ stats: false, pageSize: 0, columnIndex: false, offsetIndex: false },
    },
    isLong ? dictionary.map((cell) => BigInt(cell ?? 0)) : [...dictionary],
  );
}

/** What only time has is worth its bytes: everything else is spread over each file. */
function statisticsOf({ name, dictionary }: RepeatedColumn): Statistics {
  if (name !== 'time') return undefined;
  const times = dictionary.map(Number);
  const at = (pick: (one: number, other: number) => number) =>
    times.length === 0 ? undefined : BigInt(times.reduce((one, other) => pick(one, other)));
  return { min_value: at(Math.min), max_value: at(Math.max), null_count: 0n };
}

/** One page of the bytes as they lie in memory. */
function writeNumbers(writer: ByteWriter, column: NumberColumn): WrittenColumn {
  const { parts, rows, definition, repetition } = column;
  const start = writer.offset;
  const isList = column.elements.length > 1;
  const bytes = Buffer.concat(
    parts.map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ),
  );
  const values = parts.reduce((sum, { length }) => sum + length, 0);
  const pageBytes = writePage(writer, {
    ...{ values: definition.length, nulls: definition.length - values, rows },
    ...{ encoding: 'PLAIN', data: bytes, isCompressed: true },
    repetition: isList ? { runs: repetition, most: 1 } : null,
    definition: { runs: definition, most: isList ? 2 : 1 },
  });
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        ...describe(column, { codec: 'SNAPPY', values: definition.length }),
        encodings: ['PLAIN'],
        total_compressed_size: BigInt(writer.offset - start),
        total_uncompressed_size: BigInt(pageBytes),
        data_page_offset: BigInt(start),
      },
    },
  };
}

function describe(
  { name, elements }: RepeatedColumn | NumberColumn,
  { codec, values }: { codec: 'SNAPPY' | 'UNCOMPRESSED'; values: number },
) {
  const type = elements.at(-1)?.type;
  if (type === undefined) throw new RangeError(`column ${name} has no type`);
  const path = elements.map((element) => element.name);
  return { type, codec, path_in_schema: path, num_values: BigInt(values) };
}

/** Dremel's levels, and the largest that there may be. */
interface Levels {
  readonly runs: Runs;
  readonly most: number;
}

interface Page {
  /** Nulls included. */
  readonly values: number;
  readonly nulls: number;
  readonly rows: number;
  readonly encoding: 'PLAIN' | 'RLE_DICTIONARY';
  /** Null: there is one level only. */
  readonly repetition: Levels | null;
  readonly definition: Levels | null;
  readonly data: Uint8Array;
  readonly isCompressed: boolean;
}

/** A data page, version 2. @returns its bytes before compression, its header's included. */
function writePage(writer: ByteWriter, page: Page): number {
  const levels = new ByteWriter();
  page.repetition?.runs.writeTo(levels, bitsFor(page.repetition.most));
  const repetitionBytes = levels.offset;
  page.definition?.runs.writeTo(levels, bitsFor(page.definition.most));
  const levelBytes = levels.offset;
  const data = page.isCompressed ? snappyCompress(page.data) : page.data;
  const start = writer.offset;
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levelBytes + page.data.byteLength,
    compressed_page_size: levelBytes + data.byteLength,
    data_page_header_v2: {
      ...{ num_values: page.values, num_nulls: page.nulls, num_rows: page.rows },
      encoding: page.encoding,
      definition_levels_byte_length: levelBytes - repetitionBytes,
      repetition_levels_byte_length: repetitionBytes,
      is_compressed: page.isCompressed,
    },
  });
  const headerBytes = writer.offset - start;
  writer.appendBytes(levels.getBytes());
  writer.appendBytes(data);
  return headerBytes + levelBytes + page.data.byteLength;
}

/** How the library writes a column. */
function encoderOf({ name, elements }: ValueColumn, root: SchemaElement): ColumnEncoder {
  const element = elements.at(-1) ?? root;
  const isText = element.type === 'BYTE_ARRAY';
  return {
    ...{ columnName: name, element, schemaPath: [root, ...elements] },
    ...{ codec: 'SNAPPY', compressors: { SNAPPY: snappyCompress } },
    stats: name === 'time',
    ...{ pageSize: isText ? PAGE_BYTES : 0, columnIndex: false, offsetIndex: true },
    // a dictionary takes -0 for 0, and is no gain on numbers
    ...(isText ? {} : { encoding: 'PLAIN' }),
    ...PACKING[name],
  };
}

/** Where the library's own choice is not the right one. */
const PACKING: Readonly<Record<string, Pick<ColumnSource, 'codec' | 'encoding'>>> = {
  // so that a person is found in a file too that cannot be read any more
  customer: { codec: 'UNCOMPRESSED' },
};

/** A column's values with Dremel's levels: what is null, and where a row's list begins. */
function pageDataOf({ elements, data, lengths }: ValueColumn): PageData {
  const values = [...data];
  if (lengths === undefined) {
    const isNullable = elements[0]?.repetition_type !== 'REQUIRED';
    return {
      ...{ values, repetitionLevels: [], maxDefinitionLevel: isNullable ? 1 : 0 },
      definitionLevels: isNullable ? values.map((value) => (value === null ? 0 : 1)) : [],
    };
  }
  const repetitionLevels = new Array<number>(values.length).fill(1);
  let first = 0;
  for (const length of lengths) {
    repetitionLevels[first] = 0;
    first += length;
  }
  const definitionLevels = values.map((value) => (value === null ? 0 : 2));
  return { values, definitionLevels, repetitionLevels, maxDefinitionLevel: 2 };
}
