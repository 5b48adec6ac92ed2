import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { decodeRows, encodeRows, labelsOf, parseRows, trainerRow } from '../../domain/dataset.js';
import { isPortError, PortError } from '../../domain/failures.js';
import { digestSchema } from '../../domain/names.js';
import { nearestName } from '../../domain/nearest-name.js';
import { snapshotRefSchema, type SnapshotRef } from '../../domain/lifecycle.js';
import type { DatasetSource, Row, Snapshots } from '../../domain/ports/dataset-source.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { TimeCut } from '../../domain/spec.js';
import { ForgottenPeople } from '../forget/forgotten-people.js';
import { snapshotKey } from '../registry/keys.js';
import { digestMismatch, encodeJson, parseStored } from '../registry/stored-json.js';
import { missingSnapshot } from './tombstones.js';

/** `snapshot.json`: written last, so that a snapshot without it does not exist. It holds no time: same rows, same bytes. */
export const snapshotFileSchema = snapshotRefSchema.extend({ schemaVersion: z.literal(1) });

/** Snapshots as immutable objects; a row that is in one stays as it was. */
export class ObjectSnapshots implements Snapshots {
  readonly #store: ObjectStore;
  readonly #sources: Readonly<Record<string, DatasetSource>>;

  /** @param sources - The worker's data sources by name; a lifecycle can name no others. */
  constructor(store: ObjectStore, sources: Readonly<Record<string, DatasetSource>>) {
    this.#store = store;
    this.#sources = sources;
  }

  async take(source: string, cut: TimeCut): Promise<SnapshotRef> {
    const given = parseRows(source, await this.#source(source).rows(cut), cut);
    const allowed = await new ForgottenPeople(this.#store).allowed(given);
    const rows = allowed.length === given.length ? given : parseRows(source, allowed, cut);
    return this.store(source, rows);
  }

  async count(source: string, cut: TimeCut, after: string | null) {
    const afterMs = after === null ? Number.NEGATIVE_INFINITY : Date.parse(after);
    const times = (await this.#source(source).rows(cut)).map(({ at }) => Date.parse(at));
    const later = times.filter((time) => time > afterMs);
    const newestMs = later.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
    const newest = later.length === 0 ? null : new Date(newestMs).toISOString();
    return { rows: later.length, newest };
  }

  /** Stores rows as a snapshot. Same rows, same digest, same object. */
  async store(source: string, rows: readonly Row[]): Promise<SnapshotRef> {
    const bytes = Buffer.concat(encodeRows(rows));
    const digest = sha256(bytes);
    const ref: SnapshotRef = { name: source, digest, rows: rows.length, labels: labelsOf(rows) };
    const [key, rowsKey] = [
      snapshotKey(source, digest, 'snapshot.json'),
      snapshotKey(source, digest, 'rows.jsonl'),
    ];
    const isThere = (await this.#described(key, ref)) === 'there';
    // a description may have outlived its rows, where they were deleted while it was written
    if (isThere && (await this.#store.list(rowsKey)).objects.length > 0) return ref;
    await this.#store.put(rowsKey, bytes, 'none');
    const written = await this.#store.put(key, encodeJson({ schemaVersion: 1, ...ref }), 'absent');
    if (written.kind === 'conflict') await this.#described(key, ref);
    return ref;
  }

  async fetch(given: SnapshotRef, path: string): Promise<void> {
    const { key, digest, name } = locate(given);
    const got = await this.#store.getFile(key, path);
    if (got === null) throw await missingSnapshot(this.#store, name, digest);
    if (got.sha256 === digest) return dropCustomers(name, path);
    await rm(path, { force: true });
    throw digestMismatch(key, digest, got.sha256);
  }

  async rows(given: SnapshotRef): Promise<readonly Row[]> {
    const { key, digest, name } = locate(given);
    const stored = await this.#store.get(key);
    if (stored === null) throw await missingSnapshot(this.#store, name, digest);
    const actual = sha256(stored.bytes);
    if (actual !== digest) throw digestMismatch(key, digest, actual);
    return decodeRows(name, stored.bytes);
  }

  async rowsLeft(given: SnapshotRef): Promise<readonly Row[]> {
    try {
      return await this.rows(given);
    } catch (error) {
      if (!isPortError(error) || error.type !== 'SnapshotReplaced') throw error;
      const replacedBy = digestSchema.nullable().parse(error.details.replacedBy);
      return replacedBy === null ? [] : this.rows({ ...given, digest: replacedBy });
    }
  }

  #source(name: string): DatasetSource {
    const source = Object.hasOwn(this.#sources, name) ? this.#sources[name] : undefined;
    if (source) return source;
    const known = Object.keys(this.#sources);
    const nearest = nearestName(name, known);
    const hint = nearest === null ? '' : `; did you mean "${nearest}"?`;
    throw new PortError(
      'UnknownDataSource',
      `this worker has no data source "${name}"${hint} (it has ${known.join(', ') || 'none'}: see switchyard.config.ts)`,
      { details: { source: name, known } },
    );
  }

  /** Whether the snapshot is there; one that says something else under the same digest is refused. */
  async #described(key: string, ref: SnapshotRef): Promise<'there' | 'absent'> {
    const stored = await this.#store.get(key);
    if (stored === null) return 'absent';
    const found = parseStored(key, stored.bytes, snapshotFileSchema);
    const same =
      found.name === ref.name &&
      found.digest === ref.digest &&
      found.rows === ref.rows &&
      found.labels.join('\n') === ref.labels.join('\n');
    if (same) return 'there';
    throw new PortError(
      'DigestMismatch',
      `${key} describes another snapshot than the rows of its digest`,
    );
  }
}

/** Rewrites a file of rows as trainers get them, where its rows name customers. */
async function dropCustomers(source: string, path: string): Promise<void> {
  const bytes = await readFile(path);
  if (!bytes.includes('"customer":')) return;
  const rows = decodeRows(source, bytes).map(trainerRow);
  await writeFile(path, Buffer.concat(encodeRows(rows)));
}

function locate(given: SnapshotRef): { key: string; digest: string; name: string } {
  const parsed = snapshotRefSchema.safeParse(given);
  if (!parsed.success) {
    throw new PortError(
      'InvalidName',
      `a reference to a snapshot is wrong: ${parsed.error.message}`,
    );
  }
  const { name, digest } = parsed.data;
  return { key: snapshotKey(name, digest, 'rows.jsonl'), digest, name };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
