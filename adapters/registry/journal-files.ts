import { canonicalJson, digestOfBytes, digestOfJson } from '../../domain/digest.js';
import { PortError } from '../../domain/failures.js';
import type { JournalHead } from '../../domain/journal-head.js';
import {
  journalLineSchema,
  trustLineSchema,
  type JournalEntry,
  type JournalLine,
  type TrustLine,
} from '../../domain/journal.js';
import { HEADS_REMEMBERED, type LiveState } from '../../domain/live-state.js';
import type { Journal } from '../../domain/ports/journal.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { NO_SEALER, type Sealer } from '../../domain/ports/sealer.js';
import { NO_TRUST, type TrustSource } from '../../domain/ports/trust.js';
import { digestToSeal } from '../../domain/signing/seal.js';
import type { Trust } from '../../domain/signing/trust.js';
import { inParallel } from './files.js';
import {
  journalChain,
  journalKey,
  journalPrefix,
  parseJournalKey,
  parseTrustKey,
  trustKey,
  trustPrefix,
} from './keys.js';
import { encodeJson, missingObject, parseStored } from './stored-json.js';

/** How often a change of the trust file is tried to be noted while others note theirs. */
const NOTE_TRIES = 20;

interface Place {
  readonly model: string;
  readonly workflowId: string;
  readonly run: string;
}

/**
 * Journals as objects: `models/<model>/journal/<run>/<line>.json`, each put where nothing is. A run alone writes its own, so two writers
 * of a line are two attempts at the same one. The trust file's changes are a chain beside them, `trust/<line>.json`.
 */
export class JournalFiles implements Journal {
  readonly #store: ObjectStore;
  readonly #sealer: Sealer;
  readonly #trust: TrustSource;
  readonly #now: () => Date;
  /** Digest of a trust file that is known to be a line of its chain. */
  #noted: string | null = null;

  constructor(
    store: ObjectStore,
    given: {
      readonly sealer?: Sealer;
      readonly trust?: TrustSource;
      readonly now?: () => Date;
    } = {},
  ) {
    this.#store = store;
    this.#sealer = given.sealer ?? NO_SEALER;
    this.#trust = given.trust ?? NO_TRUST;
    this.#now = given.now ?? (() => new Date());
  }

  async write({ after, entries, ...place }: Parameters<Journal['write']>[0]): Promise<JournalHead> {
    const trust = await this.#noteTrust();
    const [first, ...rest] = entries;
    let head = await this.#append(place, { after, entry: first, trust });
    for (const entry of rest) head = await this.#append(place, { after: head, entry, trust });
    return head;
  }

  async #append(
    { model, workflowId, run }: Place,
    given: { after: JournalHead | null; entry: JournalEntry; trust: string | null },
  ): Promise<JournalHead> {
    const { after, entry, trust } = given;
    const number = (after?.line ?? 0) + 1;
    const line: JournalLine = {
      ...{ schemaVersion: 1, model, workflowId, run, line: number },
      ...{
        previous: after?.digest ?? null,
        at: this.#now().toISOString(),
        trust,
        entry,
        seal: null,
      },
    };
    const key = journalKey(model, run, number);
    const bytes = encodeJson(
      journalLineSchema.parse(await this.#sealed(journalChain(model, run), line)),
    );
    const { kind } = await this.#store.put(key, bytes, 'absent');
    if (kind === 'written') return { run, line: number, digest: digestOfBytes(bytes) };
    const stored = await this.#store.get(key);
    if (stored === null) throw missingObject(key, 'it was there a moment ago');
    const written = parseStored(key, stored.bytes, journalLineSchema);
    if (canonicalJson(written.entry) !== canonicalJson(entry)) {
      throw new PortError('StoreRefused', `${key} is another line than this run writes there`);
    }
    return { run, line: number, digest: digestOfBytes(stored.bytes) };
  }

  /** Digest of what the trust file is now, once that is a line of its chain; null where nothing is signed. */
  async #noteTrust(): Promise<string | null> {
    const trust = await this.#trust.read();
    if (trust === null) return null;
    const digest = digestOfJson(trust);
    if (this.#noted === digest) return digest;
    for (let attempt = 1; attempt <= NOTE_TRIES; attempt += 1) {
      if (await this.#noteOnce(trust, digest)) {
        this.#noted = digest;
        return digest;
      }
    }
    throw new PortError('LivePointerBusy', 'the trust file changes faster than it can be noted');
  }

  /** True where it is a line now, false where somebody else noted something at the same time. */
  async #noteOnce(trust: Trust, digest: string): Promise<boolean> {
    const { objects } = await this.#store.list(trustPrefix());
    const known = objects.flatMap(({ key }) => parseTrustKey(key) ?? []);
    const lines = await inParallel(known, async (line) => {
      const stored = await this.#store.get(trustKey(line));
      return stored === null ? [] : [{ line, bytes: stored.bytes }];
    });
    // an older file that another worker still has is no change
    if (lines.flat().some(({ bytes }) => digestIn(bytes) === digest)) return true;
    const last = Math.max(0, ...known);
    const before = lines.flat().find(({ line }) => line === last);
    const line: TrustLine = {
      ...{ schemaVersion: 1, line: last + 1, at: this.#now().toISOString(), digest, trust },
      ...{ previous: before === undefined ? null : digestOfBytes(before.bytes), seal: null },
    };
    const bytes = encodeJson(trustLineSchema.parse(await this.#sealed(trustPrefix(), line)));
    return (await this.#store.put(trustKey(last + 1), bytes, 'absent')).kind === 'written';
  }

  async #sealed<Line extends JournalLine | TrustLine>(chain: string, line: Line): Promise<Line> {
    const digest = digestToSeal(line);
    return {
      ...line,
      seal: await this.#sealer.sealLine({ chain, line: line.line, at: line.at, digest }),
    };
  }
}

/** The trust file that a line names; null where it is none: `audit verify` names that, and no lifecycle waits for it. */
function digestIn(bytes: Uint8Array): string | null {
  try {
    return trustLineSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).digest;
  } catch {
    return null;
  }
}

/**
 * The newest line of each run's journal that was written since, and until when those were; the oldest first, where there are more than
 * `live.json` has room for: the next promotion goes on from there.
 * @param since - By the store's clock, included; null: from the beginning.
 */
export async function journalHeads(
  store: ObjectStore,
  model: string,
  since: string | null,
): Promise<Pick<LiveState, 'journals' | 'journalsUntil'>> {
  const { objects } = await store.list(journalPrefix(model));
  const newest = new Map<string, { run: string; line: number; writtenMs: number }>();
  for (const { key, modifiedAt } of objects) {
    const place = parseJournalKey(model, key);
    if (place === null || place.line <= (newest.get(place.run)?.line ?? 0)) continue;
    newest.set(place.run, { ...place, writtenMs: modifiedAt.getTime() });
  }
  const sinceMs = since === null ? 0 : Date.parse(since);
  const later = [...newest.values()].filter(({ writtenMs }) => writtenMs >= sinceMs);
  const first = later
    .sort((one, other) => one.writtenMs - other.writtenMs)
    .slice(0, HEADS_REMEMBERED);
  const journals = await inParallel(first, async ({ run, line }) => {
    const stored = await store.get(journalKey(model, run, line));
    return stored === null ? [] : [{ run, line, digest: digestOfBytes(stored.bytes) }];
  });
  const last = first.at(-1);
  const journalsUntil = last === undefined ? since : new Date(last.writtenMs).toISOString();
  return { journals: journals.flat(), journalsUntil };
}

/** Every line of a model's journals, by time. Nothing is verified. @throws PortError `StoreRefused` where one is none. */
export async function readJournals(
  store: ObjectStore,
  model: string,
): Promise<readonly JournalLine[]> {
  const { objects } = await store.list(journalPrefix(model));
  const lines = await inParallel(objects, async ({ key }) => {
    const stored = parseJournalKey(model, key) === null ? null : await store.get(key);
    return stored === null ? [] : [parseStored(key, stored.bytes, journalLineSchema)];
  });
  return lines
    .flat()
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || one.line - other.line);
}
