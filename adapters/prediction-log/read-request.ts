import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet';
import { z } from 'zod';
import type { LoggedRequest } from '../../domain/logged-request.js';
import type { Datatype } from '../../domain/manifest.js';
import { digestSchema } from '../../domain/names.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';
import { datatypeOfElement, tensorOfColumn } from './log-columns.js';
import { elementsByColumn, readRows, type FileRow } from './parquet-file.js';

const rowShapesSchema = z.record(z.string(), z.array(z.int().min(0)));

/** What a row says of its request. */
const rowSchema = z.object({
  request_id: z.string(),
  row: z.int().min(0),
  time: z.date(),
  model: z.string(),
  version: z.int().min(1),
  digest: digestSchema,
  artifact: z.string().nullable(),
  onnxruntime: z.string(),
  node: z.string(),
  platform: z.string(),
  cpu: z.string(),
  latency_ms: z.number(),
  batch_rows: z.int().nullable(),
  error: z.string().nullable(),
  inputs_sha256: z.string().nullable(),
  row_shapes: z.string().nullable(),
});

/**
 * The request whose first row is at `first`, read of those rows alone.
 * @throws whatever a file that is no file of the log makes of it.
 */
export async function readRequest(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { first, rows: count }: { readonly first: number; readonly rows: number },
): Promise<LoggedRequest> {
  const rows = await readRows(file, { metadata, rowStart: first, rowEnd: first + count });
  const parsed = rows.map((row) => rowSchema.parse(row));
  const [about] = parsed;
  if (about === undefined) throw new RangeError(`the file has no row ${first}`);
  const tensors = tensorsOf(rows, elementsByColumn(metadata), about.row_shapes);
  return {
    ...{ model: about.model, requestId: about.request_id, at: about.time.toISOString() },
    ...{ version: about.version, digest: about.digest, artifact: about.artifact },
    runtime: {
      ...{ onnxruntime: about.onnxruntime, node: about.node },
      ...{ platform: about.platform, cpu: about.cpu },
    },
    ...{ rows: rows.length, batchRows: about.batch_rows },
    ...{ latencyMs: about.latency_ms, error: about.error },
    inputs: about.inputs_sha256 === null ? tensors('input') : null,
    inputsSha256: about.inputs_sha256,
    outputs: about.error === null ? tensors('output') : [],
  };
}

function tensorsOf(
  rows: readonly FileRow[],
  columns: ReadonlyMap<string, readonly SchemaElement[]>,
  rowShapes: string | null,
) {
  const shapes = rowShapes === null ? {} : rowShapesSchema.parse(JSON.parse(rowShapes));
  return (kind: 'input' | 'output'): readonly Tensor[] =>
    [...columns].flatMap(([column, elements]) => {
      const tensor = tensorOfColumn(column);
      const leaf = elements.at(-1);
      const cells = rows.map((row) => row[column]);
      // another version's column of the same file
      const isOwn = cells.every((cell) => cell !== null && cell !== undefined);
      if (tensor?.kind !== kind || leaf === undefined || !isOwn) return [];
      const datatype = datatypeOfElement(leaf);
      const isList = elements.length > 1;
      const values = isList ? cells.flatMap(valuesOf) : cells;
      const rowShape = isList ? (shapes[column] ?? [values.length / rows.length]) : [];
      const data = dataOf(datatype, values);
      return [{ name: tensor.name, datatype, shape: [rows.length, ...rowShape], data }];
    });
}

function valuesOf(cell: unknown): readonly unknown[] {
  if (Array.isArray(cell)) return cell.map((value: unknown) => value);
  if (cell instanceof Float32Array || cell instanceof Int32Array) return Array.from(cell);
  if (cell instanceof BigInt64Array) return Array.from(cell);
  throw new RangeError('a row of the log has no list where its column has lists');
}

function dataOf(datatype: Datatype, values: readonly unknown[]): TensorData {
  switch (datatype) {
    case 'BYTES':
      return z.array(z.string()).parse(values);
    case 'FP32':
      return Float32Array.from(numbers(values));
    case 'INT32':
      return Int32Array.from(numbers(values));
    case 'INT64':
      return BigInt64Array.from(z.array(z.bigint()).parse(values));
    default:
      return datatype satisfies never;
  }
}

/** By hand: a number that is none, as outputs may be, is a number to nobody else. */
function numbers(values: readonly unknown[]): readonly number[] {
  return values.map((value) => {
    if (typeof value === 'number') return value;
    throw new RangeError('a row of the log has no number where its column has numbers');
  });
}
