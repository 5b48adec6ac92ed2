import {
  ApplicationFailure,
  currentUpdateInfo,
  getExternalWorkflowHandle,
  log,
  TimeoutFailure,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import {
  FALLBACK_OWNER,
  fallenBackDirectly,
  type FallenBack,
} from '../domain/fallback-follow-up.js';
import {
  answerBefore,
  NOTHING_CARRIED,
  settleDoubtful,
  shortened,
  type CarriedLive,
  type KnownLive,
} from '../domain/live-carried.js';
import {
  liveDetails,
  NOTES_KEPT,
  noteOf,
  noteOfDirect,
  type LiveNote,
} from '../domain/live-details.js';
import type { LiveChange, LiveChangeResult, LiveWritten } from '../domain/live-state.js';
import { pointerWrite } from './activity-options.js';
import { showDetails } from './details.js';
import { count, recordTime } from './measure.js';
import { lookAgain, requestOf, type FallbackOrder } from './messages.js';

/** Answers that are remembered; the server forgets update ids at every continue-as-new. */
const ANSWERS_KEPT = 100;
/** Workflows that are told of a thaw; the others look again by themselves. */
const STOPPED_REMEMBERED = 100;
/** Characters of a workflow id that is told: the server takes 1,000 bytes, and a signal that it does not take stalls the run. */
const LONGEST_TOLD = 300;
/** What whoever orders something says of it. */
export type Said = Omit<FallbackOrder, 'leaving'>;

/** The changes of a model's live pointer: one write at a time, one answer a request, and what people are shown of them. */
export class LiveChanges {
  /** Since this run began. */
  count = 0;
  readonly #model: string;
  #carried: CarriedLive;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(model: string, carried: CarriedLive | undefined) {
    this.#model = model;
    this.#carried = carried ?? NOTHING_CARRIED;
    this.#show();
  }

  /** What `live.json` last said. */
  get known(): KnownLive | null {
    return this.#carried.known;
  }

  /** For the next run: at most 32 KB. */
  get carried(): CarriedLive {
    return shortened(this.#carried);
  }

  /** The oldest fallback whose follow-up is not open yet. */
  get nextToFollow(): FallenBack | undefined {
    return this.#carried.pending[0];
  }

  /** Its follow-up is open, or never will be. */
  followed({ generation }: FallenBack): void {
    const { pending } = this.#carried;
    const others = pending.filter((each) => each.generation !== generation);
    this.#carried = { ...this.#carried, pending: others };
  }

  /** Reads what was written past this workflow, beside the changes: nobody waits for it, and where it fails the next change does it. */
  async look(): Promise<void> {
    try {
      const read = pointerWrite(`${this.#model}: read live.json`);
      const given = { model: this.#model, change: { kind: 'adopt' }, writeId: uuid4() } as const;
      this.#takeIn(await read.writeLive(given));
      this.#show();
    } catch (error) {
      log.warn('live.json could not be read', { model: this.#model, error: asFailure(error) });
    }
  }

  /** Its turn comes when the changes before it have ended. Every unknown error becomes an `ApplicationFailure`. */
  async apply(wish: LiveChange, said: Said | null = null): Promise<LiveChangeResult> {
    const id = requestOf(currentUpdateInfo()?.id ?? uuid4());
    const askedAt = Date.now();
    this.count += 1;
    const turn = this.#queue.then(() => this.#once(id, wish, said));
    this.#queue = turn.catch(() => undefined); // its own caller hears of it; the next one's turn comes all the same
    try {
      const result = await turn;
      count('switchyard_live_changes', { model: this.#model, kind: result.kind });
      if (wish.kind === 'fallback') {
        recordTime('switchyard_fallback', Date.now() - askedAt, { model: this.#model });
      }
      return result;
    } catch (error) {
      count('switchyard_live_changes', { model: this.#model, kind: 'failed' });
      throw asFailure(error);
    }
  }

  async #once(id: string, wish: LiveChange, said: Said | null): Promise<LiveChangeResult> {
    const before = answerBefore(this.#carried, id);
    if (before !== null) return before;
    const note = noteOf(wish, said);
    const write = pointerWrite(`${this.#model}: ${note.what}`);
    const given = { model: this.#model, change: wish, writeId: id };
    const written = await write.writeLive(given).catch((error: unknown) => {
      if (wish.kind === 'fallback') this.#doubt(fallenBy(wish, said));
      throw error;
    });
    if (written.kind === 'fallen-back' && wish.kind === 'fallback') this.#settled(wish.leaving);
    this.#takeIn(written);
    const { kind, generation } = written;
    const result = answerOf(written);
    if (wish.kind !== 'adopt') {
      const { answered } = this.#carried;
      this.#carried = {
        ...this.#carried,
        answered: [...answered, { id, ...result }].slice(-ANSWERS_KEPT),
        stopped: this.#stoppedAfter(wish, written),
      };
      const at = new Date().toISOString();
      this.#note({ at, ...note, answer: kind, generation });
      if (wish.kind === 'fallback' && kind === 'fallen-back') {
        this.#follow({ ...fallenBy(wish, said), at, generation, version: written.left });
      }
    }
    this.#show();
    return result;
  }

  /** Takes in what `live.json` holds, and the fallbacks that were written past this workflow since. */
  #takeIn({ kind, generation, live, frozen, picture, left, direct }: LiveWritten): void {
    const seen = this.#carried.known?.generation ?? 0;
    if (generation < seen) return; // a read that a write overtook
    for (const order of direct.filter((each) => each.generation > seen)) {
      this.#note(noteOfDirect(order));
      this.#follow(fallenBackDirectly(order));
    }
    const { fallen, others } = settleDoubtful(this.#carried.doubtful, {
      generation,
      picture,
      left,
    });
    for (const each of fallen) this.#follow(each);
    this.#carried = { ...this.#carried, doubtful: others };
    const known = { kind, generation, live, ...(frozen && { frozen }), picture };
    this.#carried = { ...this.#carried, known };
  }

  #note(note: LiveNote): void {
    const { notes } = this.#carried;
    this.#carried = { ...this.#carried, notes: [...notes, note].slice(-NOTES_KEPT) };
  }

  #follow(fallen: FallenBack): void {
    this.#carried = { ...this.#carried, pending: [...this.#carried.pending, fallen] };
  }

  /** A fallback that got no answer may have been written all the same: its follow-up waits until what is read tells. */
  #doubt(fallen: FallenBack): void {
    if (this.#carried.known?.picture?.withdrawn.includes(fallen.leaving)) return;
    this.#settled(fallen.leaving);
    const { doubtful } = this.#carried;
    this.#carried = { ...this.#carried, doubtful: [...doubtful, fallen] };
  }

  #settled(leaving: string): void {
    const doubtful = this.#carried.doubtful.filter((each) => each.leaving !== leaving);
    this.#carried = { ...this.#carried, doubtful };
  }

  /** Who waits for a thaw after a change; a thaw tells all of them. */
  #stoppedAfter(wish: LiveChange, { kind }: LiveWritten): string[] {
    const { stopped } = this.#carried;
    if (kind === 'thawed') {
      for (const workflowId of stopped) void tell(workflowId, `${this.#model} is thawed`);
      return [];
    }
    if (wish.kind !== 'promote' || wish.asker === undefined) return stopped;
    const { asker } = wish;
    const others = stopped.filter((each) => each !== asker);
    const canBeTold = asker.length <= LONGEST_TOLD && asker !== workflowInfo().workflowId;
    const isAdded = kind === 'frozen' && canBeTold;
    return (isAdded ? [...others, asker] : others).slice(-STOPPED_REMEMBERED);
  }

  #show(): void {
    const { known, notes } = this.#carried;
    const generation = known?.generation ?? 0;
    showDetails(() => liveDetails(this.#model, known?.picture ?? null, { generation, notes }));
  }
}

/** A fallback as far as its order tells it. */
function fallenBy(
  { leaving }: Extract<LiveChange, { kind: 'fallback' }>,
  said: Said | null,
): FallenBack {
  const { by = '', reason = '', owner = FALLBACK_OWNER, inputs = [] } = said ?? {};
  const at = new Date().toISOString();
  return { leaving, generation: 1, version: null, by, reason, owner, at, inputs, isDirect: false };
}

function answerOf({ kind, generation, live, frozen }: LiveChangeResult): LiveChangeResult {
  return { kind, generation, live, ...(frozen && { frozen }) };
}

/** Who has ended meanwhile needs no telling. */
async function tell(workflowId: string, because: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(lookAgain, { because });
  } catch (error) {
    log.warn('a workflow was not told of a thaw', { workflowId, error });
  }
}

/** Activity failures as they are known, a write that took too long as what may work later; anything else is a bug that may cost this answer only. */
function asFailure(error: unknown): ApplicationFailure {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof ApplicationFailure) return cause;
  const message = cause instanceof Error ? cause.message : 'unknown error';
  if (cause instanceof TimeoutFailure) {
    const why = cause.cause?.message ?? message;
    const sentence = `live.json was not written in time: ${why}`;
    return ApplicationFailure.create({ message: sentence, type: 'StoreUnreachable' });
  }
  return ApplicationFailure.create({ message, type: 'LiveChangeFailed', nonRetryable: false });
}
