import { decodeRows } from '../../domain/dataset.js';
import { digestOfBytes } from '../../domain/digest.js';
import { PortError } from '../../domain/failures.js';
import { withoutPerson, type Deletion, type Tombstone } from '../../domain/forgetting.js';
import { decodeLabels, encodeLabels } from '../../domain/monitor/labels.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { RetentionSpec } from '../../domain/retention.js';
import {
  evidenceKey,
  evidenceTombstoneKey,
  labelsKey,
  pageKey,
  snapshotKey,
} from '../registry/keys.js';
import { encodeJson } from '../registry/stored-json.js';
import { ObjectSnapshots } from '../snapshots/object-snapshots.js';
import {
  findPerson,
  redact,
  type HeldLines,
  type HeldSnapshot,
  type ShowingPage,
  type ShowingReport,
  type TracesOfPerson,
} from './find-person.js';
import { ForgottenPeople } from './forgotten-people.js';
import { splitLines } from './person-lines.js';

export interface ForgetGiven {
  readonly store: ObjectStore;
  readonly customer: string;
  /** For the record and the tombstones; it must not name the person. */
  readonly reason: string;
  readonly now: Date;
  /** What becomes of a model's lines of the prediction log. */
  readonly linesOf: (model: string) => RetentionSpec['forgotten'];
}

/** A deletion, and what of the person is still there: it goes with the runs that are open. */
export interface Forgotten {
  readonly deletion: Deletion;
  readonly left: TracesOfPerson;
}

/**
 * Deletes a person's rows wherever they lie. First the record, so that no new snapshot takes them in; then what is found by
 * the snapshots (labels, log lines, reports); the snapshots last. Killed at any point, another run does the rest.
 * @throws PortError `InvalidRequest` where the reason names the person.
 */
export async function forgetPerson(given: ForgetGiven): Promise<Forgotten> {
  const { store, customer, reason, now } = given;
  const record = await openRecord(given);
  const traces = await findPerson(store, customer);
  for (const each of traces.labels) {
    await rewriteLabels(store, each, traces);
    await record.add({ labels: each.lines });
  }
  for (const each of traces.predictions) {
    await rewritePredictions(given, each);
    await record.add({ predictions: each.lines });
  }
  const at = now.toISOString();
  const tombstone = { schemaVersion: 1, at, reason, person: record.person } as const;
  for (const each of traces.pages) await removePage(store, each, tombstone); // before what it was made of
  for (const each of traces.reports) {
    await replaceReport(store, each, traces, tombstone);
    await record.add({ reports: 1 });
  }
  for (const each of traces.snapshots) {
    await replaceSnapshot(given, each, tombstone);
    await record.add({ snapshots: 1, rows: each.rows });
  }
  const left = { ...(await findPerson(store, customer)), staging: traces.staging };
  const { staging, snapshots, reports, pages, predictions, labels } = left;
  const isOver = [staging, snapshots, reports, pages, predictions, labels].every(
    (each) => each.length === 0,
  );
  return { deletion: await record.close(isOver ? at : null), left };
}

/** Writes the person's record before anything is deleted, and counts in it what is. */
async function openRecord({ store, customer, reason, now }: ForgetGiven) {
  if (namesPerson(reason, customer)) {
    throw new PortError(
      'InvalidRequest',
      'the reason names the person: it stays in the record, so say it otherwise',
    );
  }
  const people = new ForgottenPeople(store);
  const person = await people.personOf(customer);
  const nothing = { rows: 0, snapshots: 0, predictions: 0, labels: 0, reports: 0 };
  let deletion: Deletion = {
    ...((await people.record(person)) ?? { schemaVersion: 1, person, ...nothing }),
    ...{ at: now.toISOString(), reason, finishedAt: null },
  };
  await people.write(deletion);
  return {
    person,
    add: async (counts: Partial<Record<Counted, number>>) => {
      for (const name of COUNTED) {
        deletion = { ...deletion, [name]: deletion[name] + (counts[name] ?? 0) };
      }
      await people.write(deletion);
    },
    close: async (finishedAt: string | null) => {
      deletion = { ...deletion, finishedAt };
      await people.write(deletion);
      return deletion;
    },
  };
}

/** Whether a name stands in a text as words of their own: `ada` is not in "Canada". */
function namesPerson(text: string, customer: string): boolean {
  const words = (all: string) =>
    ` ${all
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .join(' ')} `;
  const name = words(customer);
  return name.trim() === '' ? text.includes(customer) : words(text).includes(name);
}

const COUNTED = ['rows', 'snapshots', 'predictions', 'labels', 'reports'] as const;
type Counted = (typeof COUNTED)[number];

/** The object without the person's labels first, then the one with them goes. */
async function rewriteLabels(
  store: ObjectStore,
  { model, key }: HeldLines,
  { requestIds }: TracesOfPerson,
): Promise<void> {
  const stored = await store.get(key);
  if (stored === null) return;
  const own = requestIds.get(model) ?? new Set();
  const kept = decodeLabels(stored.bytes).filter(({ requestId }) => !own.has(requestId));
  for (const bytes of encodeLabels(kept)) {
    await store.put(labelsKey(model, digestOfBytes(bytes)), bytes, 'absent');
  }
  await store.delete(key);
}

/** The same object in one write, so that no line is there twice or not at all. */
async function rewritePredictions(
  { store, customer, linesOf }: ForgetGiven,
  { model, key }: HeldLines,
): Promise<void> {
  const stored = await store.get(key);
  const split = stored === null ? null : await splitLines(stored.bytes, customer);
  if (split === null) return;
  const bytes = linesOf(model) === 'anonymise' ? split.anonymised : split.without;
  if (bytes === null) await store.delete(key);
  else await store.put(key, bytes, 'none');
}

/** The tombstone, then the page goes; nothing replaces it, for it is rendered anew from its reports whenever it is asked for. */
async function removePage(
  store: ObjectStore,
  { model, manifest, digest }: ShowingPage,
  tombstone: Omit<Tombstone, 'replacedBy' | 'removed'>,
): Promise<void> {
  const stone: Tombstone = { ...tombstone, replacedBy: null, removed: 1 };
  await store.put(evidenceTombstoneKey(model, manifest, digest), encodeJson(stone), 'none');
  await store.delete(pageKey(model, manifest, digest));
}

/** A copy without the person's inputs, then the tombstone that leads to it, then the original goes. */
async function replaceReport(
  store: ObjectStore,
  { model, manifest, digest }: ShowingReport,
  { person }: TracesOfPerson,
  tombstone: Omit<Tombstone, 'replacedBy' | 'removed'>,
): Promise<void> {
  const key = evidenceKey(model, manifest, digest);
  const stored = await store.get(key);
  if (stored === null) return;
  const document: unknown = JSON.parse(new TextDecoder().decode(stored.bytes));
  const redacted = redact(document, person);
  if (redacted === null) return;
  const bytes = encodeJson(redacted.report);
  const replacedBy = digestOfBytes(bytes);
  await store.put(evidenceKey(model, manifest, replacedBy), bytes, 'none');
  const stone: Tombstone = { ...tombstone, replacedBy, removed: redacted.removed };
  await store.put(evidenceTombstoneKey(model, manifest, digest), encodeJson(stone), 'none');
  await store.delete(key);
}

/** A snapshot without the person, then the tombstone, then the old one goes, its description first. */
async function replaceSnapshot(
  { store, customer }: ForgetGiven,
  { source, digest, rows }: HeldSnapshot,
  tombstone: Omit<Tombstone, 'replacedBy' | 'removed'>,
): Promise<void> {
  const stored = await store.get(snapshotKey(source, digest, 'rows.jsonl'));
  if (stored === null) return;
  const kept = withoutPerson(decodeRows(source, stored.bytes), customer);
  const replacedBy =
    kept.length === 0 ? null : (await new ObjectSnapshots(store, {}).store(source, kept)).digest;
  const stone: Tombstone = { ...tombstone, replacedBy, removed: rows };
  await store.put(snapshotKey(source, digest, 'tombstone.json'), encodeJson(stone), 'none');
  await store.delete(snapshotKey(source, digest, 'snapshot.json'));
  await store.delete(snapshotKey(source, digest, 'rows.jsonl'));
}
