import { z } from 'zod';
import { canonicalJson } from './digest.js';
import { PortError } from './failures.js';
import { instantSchema } from './names.js';
import type { Row } from './ports/dataset-source.js';
import type { TimeCut } from './spec.js';

/** The most rows that one snapshot holds. */
const MAX_ROWS = 5_000_000;

/** The most labels that a model's contract can name. */
const MAX_LABELS = 10_000;

const rowSchema = z.object({
  id: z.string().min(1, 'it is empty').max(300),
  at: instantSchema,
  label: z.string().min(1, 'it is empty').max(200),
  text: z.string(),
  slice: z.string().min(1, 'it is empty').max(200).optional(),
  customer: z.string().min(1, 'it is empty').max(200).optional(),
});

const loneSurrogate = /\p{Surrogate}/u;

/**
 * Checks a source's rows and puts them in the one order that gives the same rows the same bytes: by time, then by id.
 * Columns besides those of `Row` are left out, times are written in milliseconds.
 * @throws PortError `InvalidDataset` (terminal) that names the source, the row and what is wrong with it.
 */
export function parseRows(source: string, given: readonly unknown[], cut: TimeCut): readonly Row[] {
  if (given.length === 0) throw invalid(source, `it has no rows ${describeCut(cut)}`);
  if (given.length > MAX_ROWS) {
    throw invalid(
      source,
      `it has ${given.length} rows, at most ${MAX_ROWS} fit a snapshot; narrow the time cut`,
    );
  }
  const rows = given.map((row, index) => parseRow(source, row, index));
  const ids = new Set<string>();
  for (const { id, at } of rows) {
    if (ids.has(id)) throw invalid(source, `the id ${JSON.stringify(id)} occurs twice`);
    ids.add(id);
    if (!inCut(at, cut)) {
      throw invalid(
        source,
        `row ${JSON.stringify(id)} is of ${at}, but rows ${describeCut(cut)} were asked for`,
      );
    }
  }
  const labels = labelsOf(rows);
  if (labels.length === 1) {
    throw invalid(
      source,
      `all ${rows.length} rows have the label ${JSON.stringify(labels[0])}; at least two are needed`,
    );
  }
  if (labels.length > MAX_LABELS) {
    throw invalid(source, `it has ${labels.length} labels, at most ${MAX_LABELS} are possible`);
  }
  return rows.sort(byTimeAndId);
}

/** The labels of some rows, each once, sorted by code unit. */
export function labelsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ label }) => label))].sort();
}

/** True for an instant from `from` (included) until `until` (left out). */
export function inCut(at: string, cut: TimeCut): boolean {
  const time = Date.parse(at);
  return (
    (cut.from === undefined || time >= Date.parse(cut.from)) &&
    (cut.until === undefined || time < Date.parse(cut.until))
  );
}

/** Rows as JSON lines in canonical JSON: the bytes that a snapshot's digest is taken of. */
export function encodeRows(rows: readonly Row[]): Uint8Array[] {
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < rows.length; start += 1_000) {
    const lines = rows.slice(start, start + 1_000).map((row) => `${canonicalJson(row)}\n`);
    chunks.push(encoder.encode(lines.join('')));
  }
  return chunks;
}

/** A row as a trainer gets it: whose it is must not become a feature. */
export function trainerRow(row: Row): Row {
  const { id, at, label, text, slice } = row;
  return { id, at, label, text, ...(slice !== undefined && { slice }) };
}

/**
 * Reads what `encodeRows` wrote.
 * @throws PortError `InvalidDataset` for a line that is no row.
 */
export function decodeRows(source: string, bytes: Uint8Array): readonly Row[] {
  const rows: Row[] = [];
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const row: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    rows.push(parseRow(source, row, rows.length));
    start = end + 1;
  }
  return rows;
}

/**
 * Held-out rows must be new to the model: a row that it was trained on says nothing about its quality.
 * @throws PortError `InvalidDataset` that names the first ids which are in both.
 */
export function assertDisjoint(trainIds: Iterable<string>, heldOutIds: Iterable<string>): void {
  const train = new Set(trainIds);
  const shared = [...heldOutIds].filter((id) => train.has(id));
  if (shared.length === 0) return;
  const named = shared
    .slice(0, 5)
    .map((id) => JSON.stringify(id))
    .join(', ');
  throw new PortError(
    'InvalidDataset',
    `${shared.length} held-out rows were also trained on (${named}${shared.length > 5 ? ', …' : ''}); separate the time cuts`,
    { details: { shared: shared.length, ids: shared.slice(0, 5) } },
  );
}

function parseRow(source: string, row: unknown, index: number): Row {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) throw invalid(source, `row ${index + 1} ${rowProblem(row, parsed.error)}`);
  const { id, label, text, slice, customer } = parsed.data;
  const texts = { id, label, text, slice: slice ?? '', customer: customer ?? '' };
  for (const [column, value] of Object.entries(texts)) {
    if (loneSurrogate.test(value)) {
      throw invalid(
        source,
        `row ${index + 1} has half a character (a lone surrogate) in "${column}"`,
      );
    }
  }
  const at = new Date(parsed.data.at).toISOString();
  return {
    ...{ id, at, label, text },
    ...(slice !== undefined && { slice }),
    ...(customer !== undefined && { customer }),
  };
}

function rowProblem(row: unknown, error: z.ZodError): string {
  const [issue] = error.issues;
  const column = String(issue?.path[0] ?? '');
  if (column === '') return 'is not an object';
  const value = typeof row === 'object' && row !== null ? Object.entries(row) : [];
  const found = value.find(([key, each]) => key === column && each !== undefined);
  if (!found) return `has no column "${column}"`;
  if (column === 'at')
    return `has no instant in "at" (${show(found[1])}); write it as 2002-09-01T00:00:00Z`;
  return `has a wrong "${column}" (${show(found[1])}): ${issue?.message ?? ''}`;
}

function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 60))
    : String(value).slice(0, 60);
}

function byTimeAndId(left: Row, right: Row): number {
  const [one, other] = left.at === right.at ? [left.id, right.id] : [left.at, right.at];
  return one < other ? -1 : 1;
}

function describeCut({ from, until }: TimeCut): string {
  return `from ${from ?? 'the beginning'} until ${until ?? 'the end'}`;
}

function invalid(source: string, problem: string): PortError {
  return new PortError('InvalidDataset', `the data source "${source}" cannot be used: ${problem}`, {
    details: { source },
  });
}
