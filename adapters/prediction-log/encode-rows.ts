import type { Datatype } from '../../domain/manifest.js';
import type { RuntimeFacts } from '../../domain/runtime-facts.js';
import { inputsSha256 } from './inputs-sha256.js';
import {
  fixedElements,
  tensorColumnName,
  tensorElements,
  type FixedColumn,
  type LogColumn,
} from './log-columns.js';
import { encodeColumns } from './parquet-file.js';
import type { ChunkTensor, RowChunk } from './row-chunk.js';

/** What is the same for every row of a log. */
export interface LogFacts {
  readonly model: string;
  readonly runtime: RuntimeFacts;
  /** Whether the inputs are written, or their digests only. */
  readonly includesInputs: boolean;
}

/** A file of the log, as it is to be stored. */
export interface EncodedFile {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** When its earliest request was answered, in milliseconds since 1970. */
  readonly firstAtMs: number;
}

type Cell = string | number | bigint | null;

/** Chunks as Parquet files: one, or one each for versions whose tensors have the same name and another type. */
export function encodeRows(chunks: readonly RowChunk[], facts: LogFacts): readonly EncodedFile[] {
  return compatible(chunks).map((group) => {
    const columns = [
      ...fixedColumns(group, facts),
      ...(facts.includesInputs ? tensorColumns(group, 'input') : []),
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
  { model, runtime, includesInputs }: LogFacts,
): readonly LogColumn[] {
  const { onnxruntime, node, platform, cpu } = runtime;
  const column = (name: FixedColumn, append: (into: Cell[], chunk: RowChunk) => void) => {
    const data: Cell[] = [];
    for (const chunk of chunks) append(data, chunk);
    return { name, elements: fixedElements(name), data };
  };
  const constant = (name: FixedColumn, valueOf: (chunk: RowChunk) => Cell) =>
    column(name, (into, chunk) => appendConstant(into, valueOf(chunk), total(chunk.rows)));
  const perRequest = (name: FixedColumn, valuesOf: (chunk: RowChunk) => readonly Cell[]) =>
    column(name, (into, chunk) => appendRepeated(into, valuesOf(chunk), chunk.rows));
  return [
    perRequest('request_id', ({ requestIds }) => requestIds),
    column('row', (into, { rows }) => {
      for (const count of rows) for (let row = 0; row < count; row++) into.push(row);
    }),
    perRequest('time', ({ atMs }) => atMs.map(BigInt)),
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
    column('probability', appendProbabilities),
    perRequest('latency_ms', ({ latencyMs }) => latencyMs),
    perRequest('batch_rows', ({ batchRows }) => batchRows),
    perRequest('error', ({ errors }) => errors),
    includesInputs ? constant('inputs_sha256', () => null) : column('inputs_sha256', appendDigests),
    perRequest('row_shapes', (chunk) => shapesOf(chunk, includesInputs)),
  ];
}

function tensorColumns(
  chunks: readonly RowChunk[],
  kind: 'input' | 'output',
): readonly LogColumn[] {
  const forms = new Map<string, { datatype: Datatype; isList: boolean }>();
  const of = (chunk: Pick<RowChunk, 'inputs' | 'outputs'>) =>
    kind === 'input' ? chunk.inputs : chunk.outputs;
  for (const { name, datatype, rank } of chunks.flatMap(of)) {
    forms.set(name, { datatype, isList: rank > 1 });
  }
  return [...forms].map(([name, form]) => {
    const data: Cell[] = [];
    const lengths: number[] = [];
    for (const { rows, ...chunk } of chunks) {
      const tensor = of(chunk).find((each) => each.name === name);
      if (tensor === undefined) appendConstant(data, null, total(rows));
      else for (const value of tensor.data) data.push(value);
      appendRepeated(lengths, tensor?.widths ?? rows.map(() => 1), rows);
    }
    const column = tensorColumnName(kind, name);
    const elements = tensorElements(column, form);
    return { name: column, elements, data, ...(form.isList && { lengths }) };
  });
}

/** Where each row's values lie in a tensor's data. */
function eachRow(
  widths: readonly number[],
  rows: readonly number[],
  visit: (from: number, until: number) => void,
): void {
  let from = 0;
  for (let request = 0; request < rows.length; request++) {
    const [width = 0, count = 0] = [widths[request], rows[request]];
    for (let row = 0; row < count; row++) {
      visit(from, from + width);
      from += width;
    }
  }
}

/** The answered label of a classifier. */
function appendLabels(into: Cell[], { outputs, rows }: RowChunk): void {
  const label = outputs.find(
    ({ name, datatype, rank }) => name === 'label' && datatype === 'BYTES' && rank === 1,
  );
  if (label === undefined) appendConstant(into, null, total(rows));
  else for (const value of label.data) into.push(value);
}

/** The largest of a row's probabilities, which the answered label has. */
function appendProbabilities(into: Cell[], { outputs, rows }: RowChunk): void {
  const tensor = outputs.find(({ name }) => name === 'probabilities');
  if (tensor === undefined || !(tensor.data instanceof Float32Array)) {
    appendConstant(into, null, total(rows));
    return;
  }
  const { data, widths } = tensor;
  eachRow(widths, rows, (from, until) => {
    let largest = 0;
    for (let index = from; index < until; index++) largest = Math.max(largest, data[index] ?? 0);
    into.push(largest);
  });
}

function appendDigests(into: Cell[], { inputs, rows }: RowChunk): void {
  const spans = inputs.map(({ widths }) => {
    const found: (readonly [number, number])[] = [];
    eachRow(widths, rows, (from, until) => found.push([from, until]));
    return found;
  });
  for (let line = 0, lines = total(rows); line < lines; line++) {
    const row = inputs.map(({ name, data }, index) => {
      const [from, until] = spans[index]?.[line] ?? [0, 0];
      return { name, data, from, until };
    });
    into.push(inputsSha256(row));
  }
}

/** Of each request, the shapes that lists alone do not tell, as JSON; null where there is none. */
function shapesOf({ inputs, outputs, rows }: RowChunk, includesInputs: boolean): readonly Cell[] {
  const deep = [
    ...(includesInputs ? inputs.map((tensor) => ['input', tensor] as const) : []),
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

function appendRepeated<T>(into: T[], values: readonly T[], rows: readonly number[]): void {
  values.forEach((value, request) => appendConstant(into, value, rows[request] ?? 0));
}

function appendConstant<T>(into: T[], value: T, times: number): void {
  for (let row = 0; row < times; row++) into.push(value);
}

const total = (rows: readonly number[]) => rows.reduce((sum, count) => sum + count, 0);
