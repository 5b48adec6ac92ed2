import { z } from 'zod';
import { setTimeout as delay } from 'node:timers/promises';
import { digestOfBytes } from '../../domain/digest.js';
import { isPortError, PortError } from '../../domain/failures.js';
import {
  liveStateSchema,
  liveWritten,
  type LiveChange,
  type LiveState,
  type LiveWritten,
} from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';
import { digestToSeal, type Sealed } from '../../domain/signing/seal.js';
import type { ObjectStore, StoredObject } from '../../domain/ports/object-store.js';
import { NO_SEALER, type Sealer } from '../../domain/ports/sealer.js';
import type { LiveReading } from '../../domain/ports/registry.js';
import { journalHeads } from './journal-files.js';
import { auditKey, liveKey } from './keys.js';
import { encodeJson, readAhead } from './stored-json.js';

/** How often a wish is tried again when others write at the same time. */
const CHANGE_TRIES = 20;

/** The last generation that was seen of a model, and the write that made it. */
interface Seen {
  readonly generation: number;
  readonly writeId: string;
}

/** A reading, and the fields that a newer build wrote. */
interface Looked extends LiveReading {
  readonly bytes: Uint8Array;
  readonly unknown: readonly string[];
}

/**
 * `live.json`: one object a model, changed by compare-and-set, never read backwards. Before a state is written over it is put into the
 * audit chain, whose newest digest the next one holds: so there is no moment at which a state is in neither.
 */
export class LivePointerFile {
  readonly #store: ObjectStore;
  readonly #now: () => Date;
  readonly #sealer: Sealer;
  readonly #seen = new Map<string, Seen>();

  constructor(
    store: ObjectStore,
    {
      now = () => new Date(),
      sealer = NO_SEALER,
    }: { readonly now?: () => Date; readonly sealer?: Sealer } = {},
  ) {
    this.#store = store;
    this.#now = now;
    this.#sealer = sealer;
  }

  async read(model: string): Promise<LiveReading | null> {
    const looked = await this.#look(model);
    await this.#verify(looked);
    return looked;
  }

  async #look(model: string): Promise<Looked | null> {
    const floor = this.#seen.get(model);
    return this.#accept(model, floor, await this.#store.get(liveKey(model)));
  }

  /** For who follows: what was followed last, and what is refused, is remembered there. */
  async readIfChanged(
    model: string,
    etag: string | null,
  ): Promise<LiveReading | 'unchanged' | null> {
    const stored = await this.#store.getIfChanged(liveKey(model), etag);
    return stored === 'unchanged' ? stored : this.#accept(model, undefined, stored);
  }

  /** One read and two writes where nothing races; `writeId` in what is read means that this wish was done before. */
  async change(
    model: string,
    change: LiveChange,
    writeId: string,
    signal?: AbortSignal,
  ): Promise<LiveWritten> {
    for (let attempt = 1; attempt <= CHANGE_TRIES; attempt += 1) {
      const reading = await this.#look(model);
      const state = reading?.state ?? null;
      if (state?.writeId === writeId) return ownAnswer(state, change);
      signal?.throwIfAborted();
      const fault = await this.#verify(reading);
      if (fault !== null && isOfALifecycle(change)) throw spoilt(model, fault);
      // the way back must be open to every build
      if (change.kind === 'promote' && reading !== null && reading.unknown.length > 0) {
        throw tooOld(model, reading.unknown);
      }
      const step = stepLive(state, change, { model, writeId, now: this.#now().toISOString() });
      if (step.next === null) return liveWritten(step.kind, state);
      if (await this.#write(model, step.next, reading)) return liveWritten(step.kind, step.next);
      await delay(Math.random() * 5 * attempt);
    }
    throw new PortError(
      'LivePointerBusy',
      `${liveKey(model)} was changed by others ${CHANGE_TRIES} times while this change was tried; try again`,
      { details: { model, writeId } },
    );
  }

  /** True where the state was written, false on a conflict. */
  async #write(model: string, step: LiveState, over: Looked | null): Promise<boolean> {
    const key = liveKey(model);
    // a fallback waits for nothing that it can do without
    const isPromotion = step.made?.kind === 'promoted';
    const chained = {
      ...step,
      ...(isPromotion && (await journalHeads(this.#store, model, step.journalsUntil))),
      audit: over && (await this.#archive(model, over)),
    };
    const next = { ...chained, seal: await this.#sealer.seal(chained, over?.state ?? null) };
    const bytes = encodeJson(liveStateSchema.parse(next));
    try {
      const result = await this.#store.put(
        key,
        bytes,
        over === null ? 'absent' : { etag: over.etag },
      );
      if (result.kind === 'conflict') return false;
    } catch (error) {
      if (!isPortError(error) || error.type !== 'StoreUnreachable') throw error;
      // The reply may have been lost after the write: only what the store holds now can tell.
      const now = await this.read(model).catch(() => null);
      if (now?.state.writeId !== next.writeId) throw error;
    }
    this.#remember(model, next);
    return true;
  }

  /** Why nobody should build on what was read; what nothing is wrong with is the least that is read from now on. */
  async #verify(looked: Looked | null): Promise<string | null> {
    if (looked === null) return null;
    const fault = await this.#sealer.faultOf(looked, (state) => this.before(state));
    if (fault === null) this.#remember(looked.state.model, looked.state);
    return fault;
  }

  /** The state before one, as the chain has it, by the digest that the later one names; null where it is not there. */
  async before({ model, generation, audit }: LiveState): Promise<Sealed | null> {
    if (audit === null || generation === 1) return null;
    const key = auditKey(model, generation - 1);
    const stored = await this.#store.get(key);
    if (stored === null || digestOfBytes(stored.bytes) !== audit.previous) return null;
    const { value: state } = readAhead(key, stored.bytes, liveStateSchema);
    return { state, toSeal: toSealOf(stored.bytes) };
  }

  /** Puts what is to be written over into the chain; whoever does it at the same time, or again, writes the same bytes. */
  async #archive(model: string, { state, bytes }: Looked): Promise<{ previous: string }> {
    await this.#store.put(auditKey(model, state.generation), bytes, 'none');
    return { previous: digestOfBytes(bytes) };
  }

  /**
   * Parses a reading and holds it against what was seen before the request was sent: a slower request may rightly bring an
   * older state than one that overtook it, but never an older one than was known at its start.
   */
  #accept(model: string, floor: Seen | undefined, stored: StoredObject | null): Looked | null {
    const key = liveKey(model);
    const read = stored === null ? null : readAhead(key, stored.bytes, liveStateSchema);
    const state = read?.value ?? null;
    if (state !== null && state.model !== model) {
      throw new PortError('StoreRefused', `${key} is the live state of model "${state.model}"`);
    }
    const generation = state?.generation ?? 0;
    if (floor !== undefined && generation < floor.generation) {
      throw new PortError(
        'StoreRefused',
        `${key} went back from generation ${floor.generation} to ${generation}; somebody restored or removed it, so it is not followed`,
        { details: { model, seen: floor.generation, read: generation } },
      );
    }
    if (floor?.generation === generation && floor.writeId !== state?.writeId) {
      throw new PortError(
        'StoreRefused',
        `${key} holds another generation ${generation} than was seen before`,
      );
    }
    if (stored === null || read === null || state === null) return null;
    const { etag, bytes } = stored;
    return { state, etag, bytes, toSeal: toSealOf(bytes), unknown: read.unknown };
  }

  #remember(model: string, { generation, writeId }: LiveState): void {
    if (generation > (this.#seen.get(model)?.generation ?? 0)) {
      this.#seen.set(model, { generation, writeId });
    }
  }
}

/** Of bytes that are a state. */
export function toSealOf(bytes: Uint8Array): string {
  return digestToSeal(z.looseObject({}).parse(JSON.parse(new TextDecoder().decode(bytes))));
}

/** Nobody orders it at that moment: it waits until somebody has looked at what is there. */
const isOfALifecycle = ({ kind }: LiveChange) => kind === 'promote' || kind === 'undo-promotion';

/**
 * What a lifecycle wants is not built on a state that somebody wrote past those who may: sealed with the rest, it would be followed. A
 * person's order goes on all the same, and so does the way back: the spoilt state stays in the chain.
 */
function spoilt(model: string, fault: string): PortError {
  return new PortError(
    'StoreRefused',
    `${liveKey(model)} is not as a worker wrote it: ${fault}; nothing is built on it, look at it with npx switchyard audit ${model}`,
    { details: { model } },
  );
}

/** What a newer build wrote would be lost by a write of this one; tried again, it may come to a worker of that build. */
function tooOld(model: string, unknown: readonly string[]): PortError {
  return new PortError(
    'LivePointerBusy',
    `${liveKey(model)} holds ${unknown.slice(0, 3).join(', ')}, which this build does not know: a newer one wrote it, so let that one change it`,
    { details: { model, unknown: unknown.slice(0, 20) } },
  );
}

/** The answer of a wish that was done before, from the state it left. */
function ownAnswer(state: LiveState, change: LiveChange): LiveWritten {
  const kind = ownKind(state, change);
  if (kind !== null) return liveWritten(kind, state);
  throw new PortError(
    'InvalidRequest',
    `the write id "${state.writeId}" already names another change of ${liveKey(state.model)}; give each change its own`,
  );
}

function ownKind(state: LiveState, change: LiveChange): LiveWritten['kind'] | null {
  switch (change.kind) {
    case 'promote':
      return state.live === change.candidate.digest ? 'promoted' : null;
    case 'fallback':
      return state.withdrawn.includes(change.leaving) ? 'fallen-back' : null;
    case 'undo-promotion':
      // one that nobody had an answer of, and whose own answer was lost too, may have found nothing to take back: it is as before
      if (change.unanswered === true && state.live === change.before) return 'already-clean';
      return isBack(state, change.before) ? 'restored' : 'forgotten';
    case 'freeze':
      return state.frozen === null ? null : 'frozen';
    case 'thaw':
      return state.frozen === null ? 'thawed' : null;
    case 'adopt':
      return null; // it writes nothing
    default:
      return change satisfies never;
  }
}

/** Whether what serves is what an undo went back to: what was before, or what was before that, where that was undone too. */
function isBack({ live, served }: LiveState, before: string | null): boolean {
  return live === before || (before !== null && !served.some(({ digest }) => digest === before));
}
