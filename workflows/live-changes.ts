import {
  ApplicationFailure,
  currentUpdateInfo,
  getExternalWorkflowHandle,
  log,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { liveDetails, NOTES_KEPT, noteOf } from '../domain/live-details.js';
import type { LiveChange, LiveChangeResult, LiveWritten } from '../domain/live-state.js';
import { pointerWrite } from './activity-options.js';
import { showDetails } from './details.js';
import { count, recordTime } from './measure.js';
import { lookAgain, type CarriedLive, type FreezeOrder, type KnownLive } from './messages.js';

/** Answers that are carried; the server forgets update ids at every continue-as-new. */
const ANSWERS_CARRIED = 100;
/** Workflows that are told of a thaw; the others look again by themselves. */
const STOPPED_REMEMBERED = 100;
/** Characters of a workflow id that is told: the server takes 1,000 bytes, and a signal that it does not take stalls the run. */
const LONGEST_TOLD = 300;
/** Characters of who froze it and why, in answers that are carried. */
const WHO_CARRIED = 100;
const WHY_CARRIED = 200;

/** The changes of a model's live pointer: one write at a time, one answer a request, and what people are shown of them. */
export class LiveChanges {
  /** Since this run began. */
  count = 0;
  readonly #model: string;
  #carried: CarriedLive;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(model: string, carried: CarriedLive | undefined) {
    this.#model = model;
    this.#carried = carried ?? { answered: [], known: null, notes: [], stopped: [] };
    this.#show();
  }

  /** What `live.json` last said. */
  get known(): KnownLive | null {
    return this.#carried.known;
  }

  /** For the next run. */
  get carried(): CarriedLive {
    return this.#carried;
  }

  /** Its turn comes when the changes before it have ended. Every unknown error becomes an `ApplicationFailure`. */
  async apply(wish: LiveChange, said: FreezeOrder | null = null): Promise<LiveChangeResult> {
    const id = currentUpdateInfo()?.id ?? uuid4();
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

  async #once(id: string, wish: LiveChange, said: FreezeOrder | null): Promise<LiveChangeResult> {
    const before = this.#carried.answered.find((each) => each.id === id);
    if (before) return answerOf(before);
    const note = noteOf(wish, said);
    const write = pointerWrite(`${this.#model}: ${note.what}`);
    const written = await write.writeLive({ model: this.#model, change: wish, writeId: id });
    const result = answerOf(written);
    const { answered, notes } = this.#carried;
    const { kind: answer, generation } = written;
    const at = new Date().toISOString();
    this.#carried = {
      answered: [...answered, { id, ...shortened(result) }].slice(-ANSWERS_CARRIED),
      known: written,
      notes: [...notes, { at, ...note, answer, generation }].slice(-NOTES_KEPT),
      stopped: this.#stoppedAfter(wish, written),
    };
    this.#show();
    return result;
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

function answerOf({ kind, generation, live, frozen }: LiveChangeResult): LiveChangeResult {
  return { kind, generation, live, ...(frozen && { frozen }) };
}

/** An answer small enough to be carried a hundred times. */
function shortened({ frozen, ...answer }: LiveChangeResult): LiveChangeResult {
  if (frozen === undefined) return answer;
  const [by, reason] = [frozen.by.slice(0, WHO_CARRIED), frozen.reason.slice(0, WHY_CARRIED)];
  return { ...answer, frozen: { ...frozen, by, reason } };
}

/** Who has ended meanwhile needs no telling. */
async function tell(workflowId: string, because: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(lookAgain, { because });
  } catch (error) {
    log.warn('a workflow was not told of a thaw', { workflowId, error });
  }
}

/** Activity failures as they are known; anything else is a bug that may cost this answer only. */
function asFailure(error: unknown): ApplicationFailure {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof ApplicationFailure) return cause;
  const message = cause instanceof Error ? cause.message : 'unknown error';
  return ApplicationFailure.create({ message, type: 'LiveChangeFailed', nonRetryable: false });
}
