import { decodeRows } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import { evidenceSchema, parityReportSchema, testReportSchema } from '../../domain/evidence.js';
import {
  personsRows,
  redactParityReport,
  redactTestReport,
  type PersonsRows,
} from '../../domain/forgetting.js';
import { decodeLabels } from '../../domain/monitor/labels.js';
import { manifestSchema } from '../../domain/manifest.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ListedObject, ObjectStore } from '../../domain/ports/object-store.js';
import { inputCells } from '../../domain/report/origin-sections.js';
import { sliceCell } from '../../domain/report/verdict-sections.js';
import { inParallel } from '../registry/files.js';
import { splitLines } from './person-lines.js';

/** A snapshot that holds rows of a person. */
export interface HeldSnapshot {
  readonly source: string;
  readonly digest: string;
  readonly rows: number;
  readonly of: number;
}

/** A report that shows inputs of a person. */
export interface ShowingReport {
  readonly model: string;
  readonly manifest: string;
  readonly digest: string;
  readonly inputs: number;
  /** The first runs of the lifecycles whose evidence names it: their histories may show excerpts too. */
  readonly lifecycles: readonly string[];
}

/** A page that shows inputs of a person, or a slice named after them. */
export interface ShowingPage {
  readonly model: string;
  readonly manifest: string;
  readonly digest: string;
}

/** Objects that hold lines of a person. */
export interface HeldLines {
  readonly model: string;
  readonly key: string;
  readonly lines: number;
}

/** Everywhere that a person's rows lie. */
export interface TracesOfPerson {
  readonly snapshots: readonly HeldSnapshot[];
  readonly reports: readonly ShowingReport[];
  /** Pages made of such reports. */
  readonly pages: readonly ShowingPage[];
  readonly predictions: readonly HeldLines[];
  readonly labels: readonly HeldLines[];
  /** Staged files that show inputs; they go with their run. */
  readonly staging: readonly { readonly run: string; readonly key: string }[];
  /** Versions that were trained on such snapshots; one may have to be trained again. */
  readonly versions: readonly {
    readonly model: string;
    readonly version: number;
    readonly snapshot: string;
  }[];
  /** What identifies the person's rows and requests elsewhere. */
  readonly person: PersonsRows;
  /** Requests of the person, by model. */
  readonly requestIds: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Reads the whole bucket for a person's rows. Changes nothing.
 * @throws PortError `InvalidRequest` where the name is empty.
 */
export async function findPerson(store: ObjectStore, customer: string): Promise<TracesOfPerson> {
  if (customer === '') throw new PortError('InvalidRequest', 'the name of the customer is empty');
  const { snapshots, rows } = await heldSnapshots(store, customer);
  const person = personsRows(customer, rows);
  const { predictions, requestIds } = await heldPredictions(store, customer);
  const models = (await store.list('models/')).objects;
  const digests = new Set(snapshots.map(({ digest }) => digest));
  const { reports, pagesOf } = await showingReports(store, models, person);
  const named = new Set(reports.flatMap(({ digest }) => pagesOf.get(digest) ?? []));
  return {
    ...{ snapshots, predictions, person, requestIds, reports },
    pages: await showingPages(store, models, { person, named }),
    labels: await heldLabels(store, models, requestIds),
    staging: await showingStaging(store, person),
    versions: await trainedVersions(store, models, digests),
  };
}

async function heldSnapshots(store: ObjectStore, customer: string) {
  const snapshots: HeldSnapshot[] = [];
  const rows: Row[] = [];
  const named = JSON.stringify(customer);
  for (const { key } of (await store.list('datasets/')).objects) {
    const [, source, digest] = /^datasets\/([^/]+)\/([0-9a-f]{64})\/rows\.jsonl$/.exec(key) ?? [];
    if (source === undefined || digest === undefined) continue;
    const stored = await store.get(key); // one at a time: a snapshot may be large
    if (stored === null || !Buffer.from(stored.bytes).includes(named)) continue;
    const all = decodeRows(source, stored.bytes);
    const own = all.filter((row) => row.customer === customer);
    if (own.length === 0) continue;
    snapshots.push({ source, digest, rows: own.length, of: all.length });
    for (const row of own) rows.push(row);
  }
  return { snapshots, rows };
}

async function heldPredictions(store: ObjectStore, customer: string) {
  const requestIds = new Map<string, Set<string>>();
  const { objects } = await store.list('predictions/');
  const found = await inParallel(objects, async ({ key }) => {
    const model = /^predictions\/([^/]+)\/.*\.parquet$/.exec(key)?.[1];
    const stored = model === undefined ? null : await store.get(key);
    const split = stored === null ? null : await splitLines(stored.bytes, customer);
    if (model === undefined || split === null) return [];
    const known = requestIds.get(model) ?? new Set();
    for (const id of split.requestIds) known.add(id);
    requestIds.set(model, known);
    return [{ model, key, lines: split.removed }];
  });
  return { predictions: found.flat(), requestIds };
}

async function heldLabels(
  store: ObjectStore,
  objects: readonly ListedObject[],
  requestIds: TracesOfPerson['requestIds'],
): Promise<readonly HeldLines[]> {
  const found = await inParallel(objects, async ({ key }) => {
    const model = /^models\/([^/]+)\/labels\/[0-9a-f]{64}\.jsonl$/.exec(key)?.[1];
    const ids = model === undefined ? undefined : requestIds.get(model);
    const stored = ids === undefined ? null : await store.get(key);
    if (model === undefined || ids === undefined || stored === null) return [];
    const lines = decodeLabels(stored.bytes).filter(({ requestId }) => ids.has(requestId)).length;
    return lines === 0 ? [] : [{ model, key, lines }];
  });
  return found.flat();
}

const DOCUMENT = /^models\/([^/]+)\/evidence\/([0-9a-f]{64})\/([0-9a-f]{64})\.json$/;

async function showingReports(
  store: ObjectStore,
  objects: readonly ListedObject[],
  person: PersonsRows,
): Promise<{
  readonly reports: readonly ShowingReport[];
  /** Digests of the pages made of a report. */
  readonly pagesOf: ReadonlyMap<string, readonly string[]>;
}> {
  const lifecycles = new Map<string, string[]>();
  const pagesOf = new Map<string, string[]>();
  const found = await inParallel(objects, async ({ key }) => {
    const [, model, manifest, digest] = DOCUMENT.exec(key) ?? [];
    const text = digest === undefined ? null : await textOf(store, key);
    if (model === undefined || manifest === undefined || digest === undefined || text === null) {
      return [];
    }
    const document = jsonOf(text);
    const evidence = evidenceSchema.safeParse(document);
    if (evidence.success) {
      const { lifecycle, testReport, parityReport, page } = evidence.data;
      for (const each of [testReport, parityReport]) {
        if (page !== undefined) pagesOf.set(each, [...(pagesOf.get(each) ?? []), page]);
        lifecycles.set(each, [...(lifecycles.get(each) ?? []), lifecycle]);
      }
    }
    const inputs = redact(document, person)?.removed ?? 0;
    return inputs === 0 ? [] : [{ model, manifest, digest, inputs }];
  });
  const reports = found
    .flat()
    .map((each) => ({ ...each, lifecycles: [...new Set(lifecycles.get(each.digest) ?? [])] }));
  return { reports, pagesOf };
}

const PAGE = /^models\/([^/]+)\/evidence\/([0-9a-f]{64})\/([0-9a-f]{64})\.html$/;

/** Those that evidence names beside a report of the person, and any other that shows what a page would show of the person's rows. */
async function showingPages(
  store: ObjectStore,
  objects: readonly ListedObject[],
  { person, named }: { person: PersonsRows; named: ReadonlySet<string> },
): Promise<readonly ShowingPage[]> {
  const { customer, shown } = person;
  const rows = [...shown].flatMap(([id, excerpts]) =>
    [...excerpts].map((excerpt) => inputCells({ id, excerpt })),
  );
  const marks = [...rows, [sliceCell(customer)]];
  const found = await inParallel(objects, async ({ key }) => {
    const [, model, manifest, digest] = PAGE.exec(key) ?? [];
    if (model === undefined || manifest === undefined || digest === undefined) return [];
    const text = await textOf(store, key);
    if (text === null) return [];
    const isShown =
      named.has(digest) || marks.some((parts) => parts.every((part) => text.includes(part)));
    return isShown ? [{ model, manifest, digest }] : [];
  });
  return found.flat();
}

/** A report without a person's inputs; null for what is no report. */
export function redact(document: unknown, person: PersonsRows) {
  const test = testReportSchema.safeParse(document);
  if (test.success) return redactTestReport(test.data, person);
  const parity = parityReportSchema.safeParse(document);
  return parity.success ? redactParityReport(parity.data, person) : null;
}

/** Measurements and parity reports on their way: searched as text for what reports would show of a row, its id and its excerpt. */
async function showingStaging(store: ObjectStore, { shown }: PersonsRows) {
  const rows = [...shown].flatMap(([id, excerpts]) =>
    [...excerpts].map((excerpt) => [JSON.stringify(id), JSON.stringify(excerpt)]),
  );
  const { objects } = await store.list('staging/');
  const found = await inParallel(objects, async ({ key }) => {
    const run = /^staging\/([^/]+)\/.*\.json$/.exec(key)?.[1];
    const text = run === undefined || rows.length === 0 ? null : await textOf(store, key);
    const isShown =
      text !== null && rows.some((parts) => parts.every((part) => text.includes(part)));
    return isShown && run !== undefined ? [{ run, key }] : [];
  });
  return found.flat();
}

async function trainedVersions(
  store: ObjectStore,
  objects: readonly ListedObject[],
  digests: ReadonlySet<string>,
): Promise<TracesOfPerson['versions']> {
  const found = await inParallel(objects, async ({ key }) => {
    const [, model, number] = /^models\/([^/]+)\/versions\/(\d+)\/manifest\.json$/.exec(key) ?? [];
    const text = number === undefined || digests.size === 0 ? null : await textOf(store, key);
    const parsed = text === null ? null : manifestSchema.safeParse(jsonOf(text));
    const snapshot = parsed?.success
      ? parsed.data.lineage.data.find((digest) => digests.has(digest))
      : undefined;
    if (model === undefined || snapshot === undefined) return [];
    return [{ model, version: Number(number), snapshot }];
  });
  return found.flat().sort((one, other) => one.version - other.version);
}

async function textOf(store: ObjectStore, key: string): Promise<string | null> {
  const stored = await store.get(key);
  return stored === null ? null : new TextDecoder().decode(stored.bytes);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null; // not ours
    throw error;
  }
}
