import type { LoggedRequest } from '../../domain/logged-request.js';
import { isPortError } from '../../domain/failures.js';
import type { ListedObject, ObjectStore } from '../../domain/ports/object-store.js';
import { predictionsDayPrefix, predictionsHourPrefix } from '../registry/keys.js';
import { describeFile, ObjectGone, readRows, storedFile } from './parquet-file.js';
import { readRequest } from './read-request.js';

const DAY_MS = 86_400_000;
/** Files of which the column of ids is on its way at once. */
const FILES_AT_ONCE = 8;

/** Where a request is looked for. */
export interface FindRequest {
  readonly models: readonly string[];
  readonly requestId: string;
  /** UTC days, looked through in this order. */
  readonly days: readonly Date[];
  /** Told of each day before it is looked through. */
  readonly onDay?: (day: Date) => void;
}

/** What was found, and what it took. */
export interface FoundRequest {
  /** Null: no file of these days has it. */
  readonly request: LoggedRequest | null;
  readonly key: string | null;
  /** Files whose ids were read. */
  readonly files: number;
  /** Files that are none of the log, or torn: it may have been in one of them. */
  readonly unreadable: readonly string[];
}

/**
 * Looks for a request, the newest hour first, and stops at the first file that has it: of every other one only its description
 * and its column of ids are read. An id that came several times is taken at its last.
 */
export async function findRequest(store: ObjectStore, given: FindRequest): Promise<FoundRequest> {
  const unreadable: string[] = [];
  let files = 0;
  for (const [index, day] of given.days.entries()) {
    given.onDay?.(day);
    const isLast = index === given.days.length - 1;
    for (const hour of await hoursOf(store, given.models, { day, isLast })) {
      for (let start = 0; start < hour.length; start += FILES_AT_ONCE) {
        const some = hour.slice(start, start + FILES_AT_ONCE);
        const found = await Promise.all(some.map((file) => lookInto(store, file, given.requestId)));
        files += some.length;
        const hit = latest(found.filter((each) => typeof each === 'object'));
        if (hit !== null) return { ...hit, files, unreadable };
        unreadable.push(
          ...some.flatMap(({ key }, at) => (found[at] === 'unreadable' ? [key] : [])),
        );
      }
    }
  }
  return { request: null, key: null, files, unreadable };
}

interface Hit {
  readonly request: LoggedRequest;
  readonly key: string;
}

function latest(hits: readonly Hit[]): Hit | null {
  return hits.reduce<Hit | null>(
    (best, hit) => (best === null || hit.request.at > best.request.at ? hit : best),
    null,
  );
}

/**
 * A day's files by hours, the newest first; after the last day those of the hour before it: a file is named by its first row, and may hold
 * some of the next hour.
 */
async function hoursOf(
  store: ObjectStore,
  models: readonly string[],
  { day, isLast }: { readonly day: Date; readonly isLast: boolean },
): Promise<readonly (readonly ListedObject[])[]> {
  const before = new Date(day.getTime() - 1);
  const prefixes = models.flatMap((model) => [
    predictionsDayPrefix(model, day),
    ...(isLast ? [predictionsHourPrefix(model, before)] : []),
  ]);
  const listed = await Promise.all(prefixes.map((prefix) => store.list(prefix)));
  const hours = new Map<string, ListedObject[]>();
  for (const object of listed.flatMap(({ objects }) => objects)) {
    if (!object.key.endsWith('.parquet')) continue;
    const [, , date = '', hour = ''] = object.key.split('/');
    const known = hours.get(`${date}/${hour}`);
    if (known) known.push(object);
    else hours.set(`${date}/${hour}`, [object]);
  }
  const newestFirst = (one: ListedObject, other: ListedObject) =>
    other.modifiedAt.getTime() - one.modifiedAt.getTime();
  return [...hours]
    .sort(([one], [other]) => (one < other ? 1 : -1))
    .map(([, objects]) => objects.sort(newestFirst));
}

async function lookInto(
  store: ObjectStore,
  object: ListedObject,
  requestId: string,
): Promise<Hit | 'absent' | 'unreadable'> {
  const file = storedFile(store, object);
  try {
    const metadata = await describeFile(file);
    const ids = await readRows(file, { metadata, columns: ['request_id', 'row'] });
    const last = ids.findLastIndex((row) => row['request_id'] === requestId && row['row'] === 0);
    if (last === -1) return 'absent';
    let end = last + 1;
    while (ids[end]?.['request_id'] === requestId && ids[end]?.['row'] === end - last) end += 1;
    const request = await readRequest(file, metadata, { first: last, rows: end - last });
    return { request, key: object.key };
  } catch (error) {
    if (isPortError(error)) throw error;
    return error instanceof ObjectGone ? 'absent' : 'unreadable';
  }
}

/** Days back from one, that one first. */
export function daysBack(from: Date, count: number): readonly Date[] {
  const midnightMs = Math.floor(from.getTime() / DAY_MS) * DAY_MS;
  return Array.from({ length: count }, (_, index) => new Date(midnightMs - index * DAY_MS));
}
