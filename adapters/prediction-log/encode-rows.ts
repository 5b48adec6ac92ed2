import type { SchemaElement } from 'hyparquet';
import type { Datatype } from '../../domain/manifest.js';
import type { RuntimeFacts } from '../../domain/runtime-facts.js';
import { NumberCells, RepeatedCells, type Cell, type LogColumn } from './columns.js';
import {
  fixedElements,
  tensorColumnName,
  tensorElements,
  type FixedColumn,
} from './log-columns.js';
import { textsOf, type ChunkTensor, type RowChunk } from './row-chunk.js';
import { encodeColumns } from './write-columns.js';

/** What is the same for every row of a log. */
export interface LogFacts {
  readonly model: string;
  readonly runtime: RuntimeFacts;
}

/** A file of the log, as it is to be stored. */
export interface EncodedFile {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** When its earliest request was answered, in milliseconds since 1970. */
  readonly firstAtMs: number;
}

/** Chunks as Parquet files: one, or one each for versions whose tensors have the same name and another type. */
export function encodeRows(chunks: readonly RowChunk[], facts: LogFacts): readonly EncodedFile[] {
  return compatible(chunks).map((group) => {
    const columns = [
      ...fixedColumns(group, facts),
      ...tensorColumns(group, 'input'),
      ...tensorColumns(group, 'output'),
    ];
    return {
      bytes: encodeColumns(columns),
      rows: group.reduce((sum, { rows }) => sum + total(rows), 0),
      firstAtMs: group.reduce(
        (first, { atMs }) => atMs.reduce((a, b) => Math.min(a, b), first),
        Number.POSITIVE_INFINITY,
      ),
    };
  });
}

/** Groups that fit into one schema. */
function compatible(chunks: readonly RowChunk[]): readonly (readonly RowChunk[])[] {
  const groups: { forms: Map<string, string>; chunks: RowChunk[] }[] = [];
  for (const chunk of chunks) {
    const forms = formsOf(chunk);
    const fitting = groups.find((group) =>
      [...forms].every(([name, form]) => (group.forms.get(name) ?? form) === form),
    );
    if (fitting === undefined) {
      groups.push({ forms, chunks: [chunk] });
      continue;
    }
    for (const [name, form] of forms) fitting.forms.set(name, form);
    fitting.chunks.push(chunk);
  }
  return groups.map((group) => group.chunks);
}

function formsOf({ inputs, outputs }: RowChunk): Map<string, string> {
  const form = ({ datatype, rank }: ChunkTensor) => `${datatype} ${rank === 1 ? '' : 'list'}`;
  return new Map([
    ...inputs.map((tensor) => [tensorColumnName('input', tensor.name), form(tensor)] as const),
    ...outputs.map((tensor) => [tensorColumnName('output', tensor.name), form(tensor)] as const),
  ]);
}

function fixedColumns(
  chunks: readonly RowChunk[],
  { model, runtime }: LogFacts,
): readonly LogColumn[] {
  const { onnxruntime, node, platform, cpu } = runtime;
  const column = (name: FixedColumn, append: (into: RepeatedCells, chunk: RowChunk) => void) => {
    const cells = new RepeatedCells();
    for (const chunk of chunks) append(cells, chunk);
    return cells.column(name, fixedElements(name));
  };
  const constant = (name: FixedColumn, valueOf: (chunk: RowChunk) => Cell) =>
    column(name, (into, chunk) => into.add(valueOf(chunk), total(chunk.rows)));
  const perRequest = (name: FixedColumn, valuesOf: (chunk: RowChunk) => readonly Cell[]) =>
    column(name, (into, chunk) => {
      const values = valuesOf(chunk);
      for (const [request, rows] of chunk.rows.entries()) into.add(values[request] ?? null, rows);
    });
  const ownOfRequest = (name: FixedColumn, valuesOf: (chunk: RowChunk) => readonly Cell[]) =>
    column(name, (into, chunk) => {
      const values = valuesOf(chunk);
      for (const [request, rows] of chunk.rows.entries())
        into.addNew(values[request] ?? null, rows);
    });
  return [
    ownOfRequest('request_id', ({ requestIds }) => requestIds),
    column('row', (into, { rows }) => {
      for (const count of rows) for (let row = 0; row < count; row++) into.add(row, 1);
    }),
    perRequest('time', ({ atMs }) => atMs),
    constant('model', () => model),
    constant('version', ({ version }) => version),
    constant('digest', ({ digest }) => digest),
    constant('artifact', ({ artifact }) => artifact),
    constant('onnxruntime', () => onnxruntime),
    constant('node', () => node),
    constant('platform', () => platform),
    constant('cpu', () => cpu),
    perRequest('customer', ({ customers }) => customers),
    column('label', appendLabels),
    probabilities(chunks),
    ownOfRequest('latency_ms', ({ latencyMs }) => latencyMs),
    perRequest('batch_rows', ({ batchRows }) => batchRows),
    perRequest('error', ({ errors }) => errors),
    ownOfRequest('inputs_sha256', ({ inputsSha256 }) => inputsSha256),
    perRequest('row_shapes', shapesOf),
  ];
}

function tensorColumns(
  chunks: readonly RowChunk[],
  kind: 'input' | 'output',
): readonly LogColumn[] {
  const forms = new Map<string, TensorForm>();
  for (const { name, datatype, rank } of chunks.flatMap((chunk) => tensorsOf(chunk, kind))) {
    forms.set(name, { datatype, isList: rank > 1 });
  }
  return [...forms].map(([tensor, form]) => {
    const name = tensorColumnName(kind, tensor);
    const elements = tensorElements(name, form);
    const all = chunks.map((chunk) => ({
      rows: chunk.rows,
      tensor: tensorsOf(chunk, kind).find((each) => each.name === tensor),
    }));
    if (form.datatype !== 'BYTES') return numberColumn(name, elements, all, form);
    const isLabel = kind === 'output' && !form.isList;
    return isLabel ? labelColumn(name, elements, all) : textColumn(name, elements, all, form);
  });
}

interface TensorForm {
  readonly datatype: Datatype;
  readonly isList: boolean;
}

/** A chunk's rows and their tensor, where it has it. */
interface TensorRows {
  readonly rows: readonly number[];
  readonly tensor: ChunkTensor | undefined;
}

const tensorsOf = (chunk: RowChunk, kind: 'input' | 'output') =>
  kind === 'input' ? chunk.inputs : chunk.outputs;

function numberColumn(
  name: string,
  elements: readonly SchemaElement[],
  all: readonly TensorRows[],
  { isList }: TensorForm,
): LogColumn {
  const cells = new NumberCells(isList);
  for (const { rows, tensor } of all) {
    if (tensor === undefined || !ArrayBuffer.isView(tensor.data)) cells.addNulls(total(rows));
    else cells.add(tensor.data, rows, tensor.widths);
  }
  return cells.column(name, elements);
}

/** Answered texts are few, and the same ones again. */
function labelColumn(
  name: string,
  elements: readonly SchemaElement[],
  all: readonly TensorRows[],
): LogColumn {
  const cells = new RepeatedCells();
  for (const { rows, tensor } of all) appendTexts(cells, rows, tensor);
  return cells.column(name, elements);
}

function appendTexts(
  into: RepeatedCells,
  rows: readonly number[],
  tensor: ChunkTensor | undefined,
): void {
  if (tensor === undefined) into.add(null, total(rows));
  else if (tensor.words && tensor.data instanceof Int32Array)
    into.addPlaces(tensor.data, tensor.words);
  else for (const text of textsOf(tensor)) into.add(text, 1);
}

function textColumn(
  name: string,
  elements: readonly SchemaElement[],
  all: readonly TensorRows[],
  { isList }: TensorForm,
): LogColumn {
  const data: unknown[] = [];
  const lengths: number[] = [];
  for (const { rows, tensor } of all) {
    if (tensor === undefined) appendConstant(data, null, total(rows));
    else for (const text of textsOf(tensor)) data.push(text);
    rows.forEach((count, request) => appendConstant(lengths, tensor?.widths[request] ?? 1, count));
  }
  return { kind: 'values', name, elements, data, ...(isList && { lengths }) };
}

/** The answered label of a classifier. */
function appendLabels(into: RepeatedCells, { outputs, rows }: RowChunk): void {
  const label = outputs.find(
    ({ name, datatype, rank }) => name === 'label' && datatype === 'BYTES' && rank === 1,
  );
  appendTexts(into, rows, label);
}

/** The largest of a row's probabilities, which the answered label has. */
function probabilities(chunks: readonly RowChunk[]): LogColumn {
  const cells = new NumberCells(false);
  for (const { outputs, rows } of chunks) {
    const tensor = outputs.find(({ name }) => name === 'probabilities');
    if (tensor?.data instanceof Float32Array) {
      cells.add(largestOfRows(tensor.data, rows, tensor.widths), rows, []);
    } else {
      cells.addNulls(total(rows));
    }
  }
  return cells.column('probability', fixedElements('probability'));
}

function largestOfRows(
  data: Float32Array,
  rows: readonly number[],
  widths: readonly number[],
): Float32Array {
  const found = new Float32Array(total(rows));
  let row = 0;
  let index = 0;
  for (const [request, width] of widths.entries()) {
    for (const until = row + (rows[request] ?? 0); row < until; row++) {
      let largest = 0;
      for (const end = index + width; index < end; index++) {
        const value = data[index] ?? 0;
        if (value > largest) largest = value;
      }
      found[row] = largest;
    }
  }
  return found;
}

/** Of each request, the shapes that lists alone do not tell, as JSON; null where there is none. */
function shapesOf({ inputs, outputs, rows }: RowChunk): readonly Cell[] {
  const deep = [
    ...inputs.map((tensor) => ['input', tensor] as const),
    ...outputs.map((tensor) => ['output', tensor] as const),
  ].filter(([, { rank }]) => rank > 2);
  if (deep.length === 0) return rows.map(() => null);
  return rows.map((_, request) =>
    JSON.stringify(
      Object.fromEntries(
        deep.map(([kind, { name, rowShapes }]) => [
          tensorColumnName(kind, name),
          rowShapes[request] ?? [],
        ]),
      ),
    ),
  );
}

function appendConstant<T>(into: T[], value: T, times: number): void {
  for (let row = 0; row < times; row++) into.push(value);
}

const total = (rows: readonly number[]) => rows.reduce((sum, count) => sum + count, 0);
