import { z } from 'zod';
import type { GateResult, Measurement, ShownInput } from './gate.js';
import type { ParityReport, TestReport } from './evidence.js';
import { digestSchema, instantSchema } from './names.js';
import type { Row } from './ports/dataset-source.js';
import { shownInput } from './shown-input.js';

/** What stands where a person's rows were deleted from an immutable object: by what it was replaced, and never whose rows. */
export const tombstoneSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** Digest of the object without the person; null: nothing was left of it. */
  replacedBy: digestSchema.nullable(),
  at: instantSchema,
  reason: z.string().min(1).max(500),
  /** Rows, or shown inputs, that were deleted. */
  removed: z.int().min(1),
  /** The deletion's record, `forgotten/<person>.json`. */
  person: digestSchema,
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

/** A deletion: its name is a salted hash of the person's, so that a repeated one finds it, and what it came to. */
export const deletionSchema = z.strictObject({
  schemaVersion: z.literal(1),
  person: digestSchema,
  /** Rows up to this instant are never taken into a snapshot again, whatever a data source says. */
  at: instantSchema,
  reason: z.string().min(1).max(500),
  /** Null until everything was deleted: then it is to be run again. */
  finishedAt: instantSchema.nullable(),
  rows: z.int().min(0),
  snapshots: z.int().min(0),
  predictions: z.int().min(0),
  labels: z.int().min(0),
  reports: z.int().min(0),
});
export type Deletion = z.infer<typeof deletionSchema>;

/** What a deleted input shows instead. */
const DELETED = '[deleted]';

/** What is known of a person's rows: how reports would show them. */
export interface PersonsRows {
  readonly customer: string;
  /** Row ids with the texts they have. */
  readonly shown: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Collects how reports show a person's rows. */
export function personsRows(customer: string, rows: readonly Row[]): PersonsRows {
  const shown = new Map<string, Set<string>>();
  for (const row of rows.filter((each) => each.customer === customer)) {
    const { id, excerpt } = shownInput(row, '');
    shown.set(id, (shown.get(id) ?? new Set()).add(excerpt));
  }
  return { customer, shown };
}

/** The rows that stay. */
export function withoutPerson(rows: readonly Row[], customer: string): readonly Row[] {
  return rows.filter((row) => row.customer !== customer);
}

/** A report without a person's inputs, and how many there were. */
export interface Redacted<Report> {
  readonly report: Report;
  readonly removed: number;
}

/** Takes a person's inputs, and slices named after them, out of a test report; every number and verdict stays. */
export function redactTestReport(report: TestReport, person: PersonsRows): Redacted<TestReport> {
  let removed = 0;
  const clean = (inputs: readonly ShownInput[]): ShownInput[] =>
    inputs.map((input) => {
      const kept = redactInput(input, person);
      if (kept !== input) removed += 1;
      return kept;
    });
  const all = [...report.measurements, ...(report.twin?.other?.measurements ?? [])];
  const isSlice = all.some(({ slices }) => slices?.some(({ slice }) => slice === person.customer));
  if (isSlice) removed += 1;
  const unsliced = (text: string) => (isSlice ? withoutSlice(text, person.customer) : text);
  const measured = (measurements: readonly Measurement[]) =>
    measurements.map((measurement) => ({
      ...measurement,
      inputs: clean(measurement.inputs),
      ...(measurement.slices && {
        slices: measurement.slices.map((each) => ({
          ...each,
          slice: each.slice === person.customer ? DELETED : each.slice,
        })),
      }),
    }));
  const judged = (results: readonly GateResult[]) =>
    results.map((result) => ({ ...result, reason: unsliced(result.reason) }));
  const { twin } = report;
  const redacted: TestReport = {
    ...report,
    measurements: measured(report.measurements),
    results: judged(report.results),
    ...(twin && {
      twin: {
        ...twin,
        measurements: measured(twin.measurements),
        reason: unsliced(twin.reason),
        other: twin.other && {
          ...twin.other,
          measurements: measured(twin.other.measurements),
          results: judged(twin.other.results),
        },
      },
    }),
    findings: report.findings.map((finding) => ({
      ...finding,
      reason: unsliced(finding.reason),
      inputs: clean(finding.inputs),
    })),
  };
  return { report: redacted, removed };
}

/** As `redactTestReport`, of a parity report. */
export function redactParityReport(
  report: ParityReport,
  person: PersonsRows,
): Redacted<ParityReport> {
  const inputs = report.inputs.map((input) => redactInput(input, person));
  const removed = inputs.filter((input, index) => input !== report.inputs[index]).length;
  return { report: { ...report, inputs }, removed };
}

/** An id alone could be another source's; the same id with the same words is the row. */
function redactInput(input: ShownInput, person: PersonsRows): ShownInput {
  if (!person.shown.get(input.id)?.has(input.excerpt)) return input;
  const { value } = input;
  return { id: DELETED, excerpt: '', detail: DELETED, ...(value !== undefined && { value }) };
}

/** A gate's sentence names slices as `in ada 0.500 (12 rows), bob 0.600 (20 rows)`. */
function withoutSlice(text: string, customer: string): string {
  return text
    .replaceAll(`in ${customer} `, `in ${DELETED} `)
    .replaceAll(`, ${customer} `, `, ${DELETED} `);
}
