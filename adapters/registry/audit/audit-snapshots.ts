import { tombstoneSchema } from '../../../domain/forgetting.js';
import { decodeRows, labelsOf } from '../../../domain/dataset.js';
import { digestSchema, nameSchema } from '../../../domain/names.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import { snapshotFileSchema } from '../../snapshots/object-snapshots.js';
import { snapshotKey } from '../keys.js';
import { digestOfBytes } from '../../../domain/digest.js';
import { isAbandoned, type Audit } from './audit.js';

/** Holds every snapshot's rows against the digest that names it; resolves to the digests that something stands for. */
export async function auditSnapshots(
  audit: Audit,
  given: {
    readonly objects: readonly ListedObject[];
    /** Only these where given. */
    readonly only: ReadonlySet<string> | null;
    readonly now: Date;
  },
): Promise<ReadonlySet<string>> {
  const { only, now } = given;
  const known = new Set<string>();
  const places = new Map<string, ListedObject[]>();
  for (const object of given.objects) {
    const [, source = '', digest = '', file = ''] =
      /^datasets\/([^/]+)\/([^/]+)\/(.+)$/.exec(object.key) ?? [];
    const isNamed = nameSchema.safeParse(source).success && digestSchema.safeParse(digest).success;
    if (!isNamed || !FILES.includes(file)) {
      if (only === null) audit.note('foreign', object.key, 'is no part of a snapshot');
      continue;
    }
    if (only !== null && !only.has(digest)) continue;
    const place = `${source}/${digest}`;
    places.set(place, [...(places.get(place) ?? []), object]);
  }
  for (const [place, objects] of places) {
    const [source = '', digest = ''] = place.split('/');
    if (await auditSnapshot(audit, { source, digest, objects, now })) known.add(digest);
  }
  return known;
}

const FILES: readonly string[] = ['rows.jsonl', 'snapshot.json', 'tombstone.json'];

/** Whether it is a snapshot, or a tombstone says what became of it. */
async function auditSnapshot(
  audit: Audit,
  given: { source: string; digest: string; objects: readonly ListedObject[]; now: Date },
): Promise<boolean> {
  const { source, digest, objects, now } = given;
  const keyOf = (file: Parameters<typeof snapshotKey>[2]) => snapshotKey(source, digest, file);
  const has = (key: string) => objects.some((object) => object.key === key);
  const [rows, description, tombstone] = [
    keyOf('rows.jsonl'),
    keyOf('snapshot.json'),
    keyOf('tombstone.json'),
  ];
  if (has(tombstone)) await audit.json(tombstone, tombstoneSchema);
  const bytes = has(rows) ? await audit.bytes(rows) : null;
  if (bytes !== null) audit.holds(rows, digestOfBytes(bytes), digest);
  if (!has(description)) {
    if (has(tombstone)) return true;
    if (isAbandoned(objects, now)) {
      const why = 'is not there for over a day, so that its rows are no snapshot';
      audit.note('unfinished', description, why);
    }
    return false;
  }
  audit.counts.snapshots += 1;
  if (!has(rows)) audit.note('missing', rows, `is not there; ${description} describes it`);
  await auditDescription(audit, { source, digest, description, bytes });
  return true;
}

/** What `snapshot.json` says, against the rows where those are the digest's. */
async function auditDescription(
  audit: Audit,
  given: { source: string; digest: string; description: string; bytes: Uint8Array | null },
): Promise<void> {
  const { source, digest, description, bytes } = given;
  const said = await audit.json(description, snapshotFileSchema);
  if (said === null) return;
  if (said.digest !== digest || said.name !== source) {
    audit.note('changed', description, `describes the snapshot ${said.name} ${said.digest}`);
  }
  if (bytes === null || digestOfBytes(bytes) !== digest) return;
  const found = decodeRows(source, bytes);
  if (found.length === said.rows && labelsOf(found).join('\n') === said.labels.join('\n')) return;
  const why = 'has another number of rows, or other labels, than its rows';
  audit.note('changed', description, why);
}
