import type { SchemaElement } from 'hyparquet';
import type { Datatype } from '../../domain/manifest.js';

/** What every file has, whatever the model; docs/reference.md, "Prediction log", says what each means. */
export const FIXED_COLUMNS = {
  request_id: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  row: { type: 'INT32', repetition_type: 'REQUIRED' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' },
  model: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  version: { type: 'INT32', repetition_type: 'REQUIRED' },
  digest: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  artifact: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  onnxruntime: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  node: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  platform: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  cpu: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  customer: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  label: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  probability: { type: 'FLOAT', repetition_type: 'OPTIONAL' },
  latency_ms: { type: 'DOUBLE', repetition_type: 'REQUIRED' },
  batch_rows: { type: 'INT32', repetition_type: 'OPTIONAL' },
  error: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  inputs_sha256: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  row_shapes: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
} as const satisfies Readonly<Record<string, Omit<SchemaElement, 'name'>>>;

export type FixedColumn = keyof typeof FIXED_COLUMNS;

/** The column of a tensor: no name of a fixed column begins so. */
export const tensorColumnName = (kind: 'input' | 'output', name: string): string =>
  `${kind}_${name}`;

/** The tensor that a column is of; null for a fixed one. */
export function tensorOfColumn(
  column: string,
): { readonly kind: 'input' | 'output'; readonly name: string } | null {
  if (column.startsWith('input_')) return { kind: 'input', name: column.slice(6) };
  if (column.startsWith('output_')) return { kind: 'output', name: column.slice(7) };
  return null;
}

const TYPES = {
  BYTES: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  FP32: { type: 'FLOAT' },
  INT32: { type: 'INT32' },
  INT64: { type: 'INT64' },
} as const satisfies Readonly<Record<Datatype, Omit<SchemaElement, 'name'>>>;

export function fixedElements(name: FixedColumn): readonly SchemaElement[] {
  return [{ name, ...FIXED_COLUMNS[name] }];
}

/** A value a row, or a list a row; null where the request has no such tensor. */
export function tensorElements(
  name: string,
  { datatype, isList }: { datatype: Datatype; isList: boolean },
): readonly SchemaElement[] {
  const type = TYPES[datatype];
  if (!isList) return [{ name, ...type, repetition_type: 'OPTIONAL' }];
  return [
    {
      ...{ name, repetition_type: 'OPTIONAL', num_children: 1 },
      ...{ converted_type: 'LIST', logical_type: { type: 'LIST' } },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...type, repetition_type: 'REQUIRED' },
  ];
}

/** The datatype of a tensor's column. @throws RangeError for a column that no endpoint writes. */
export function datatypeOfElement({ name, type }: SchemaElement): Datatype {
  const found = DATATYPES.find((datatype) => TYPES[datatype].type === type);
  if (found === undefined) throw new RangeError(`the column of ${name} is of type ${type ?? '-'}`);
  return found;
}

const DATATYPES = ['BYTES', 'FP32', 'INT32', 'INT64'] as const;
