import { ActivityFailure, CancellationScope, log } from '@temporalio/workflow';
import type { RecordedDecision } from '../domain/decision.js';
import type { JournalHead } from '../domain/journal-head.js';
import type { JournalEntry } from '../domain/journal.js';
import { bookkeeping, recording } from './activity-options.js';

/** Entries of one call: ten signed decisions fit into a payload. */
const AT_ONCE = 10;

type Options = ReturnType<typeof bookkeeping>;

/** What happened in one lifecycle, as it is kept in the bucket; nothing is, where nobody said that it began. */
export class Journal {
  readonly #model: string;
  #head: JournalHead | null = null;
  #isBegun = false;
  /** The last call: one at a time, for a line holds the digest of the one before. */
  #writing: Promise<unknown> = Promise.resolve();
  /** What is not known to be written: a call that was given up may have written it all the same, and finds that then. */
  #pending: readonly JournalEntry[] = [];
  readonly #decided = new Set<RecordedDecision>();

  constructor(model: string) {
    this.#model = model;
  }

  /** It has begun: that is the first line, whenever it is written. */
  begin(entry: Extract<JournalEntry, { kind: 'started' }>): void {
    this.#isBegun = true;
    this.#pending = [entry];
  }

  /** Writes the start down, before anything is done that has an effect. */
  async began(): Promise<void> {
    await this.#write([], bookkeeping(`write down the start of ${this.#model}`));
  }

  /** Begins to write down what was decided on one evidence, each decision once; who must know that it is there waits for `written`. */
  decided(decisions: readonly RecordedDecision[]): void {
    const entries = this.#newOf(decisions);
    this.#write(entries, this.#ofDecisions()).catch(() => undefined); // stays pending, and `written` fails by it
  }

  /** Until everything is there that was handed in. */
  async written(): Promise<void> {
    await this.#write([], this.#ofDecisions());
  }

  /** Who approved in the place of those who were asked. */
  async glassBroken(by: string[], insteadOf: string[]): Promise<void> {
    const entry: JournalEntry = { kind: 'glass-broken', by, insteadOf };
    await this.#write([entry], bookkeeping(`write down who broke the glass for ${this.#model}`));
  }

  /**
   * The last of it, also while the run is being cancelled; tried until the store takes it.
   * @returns Why it is not whole, where no trying again can help; null: it is.
   */
  ended(
    decisions: readonly RecordedDecision[],
    rest: readonly JournalEntry[],
  ): Promise<string | null> {
    return CancellationScope.nonCancellable(async () => {
      try {
        const entries = [...this.#newOf(decisions), ...rest];
        await this.#write(entries, recording(`write down the end of ${this.#model}`));
        return null;
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
        const why = error.cause?.message ?? error.message;
        log.error('the journal is not whole', { model: this.#model, why });
        return why;
      }
    });
  }

  #ofDecisions(): Options {
    return bookkeeping(`write down what was decided of ${this.#model}`);
  }

  #newOf(decisions: readonly RecordedDecision[]): readonly JournalEntry[] {
    const own = decisions.filter((decision) => !this.#decided.has(decision));
    for (const decision of own) this.#decided.add(decision);
    return own.map((decision) => ({ kind: 'decided', decision }));
  }

  async #write(entries: readonly JournalEntry[], options: Options): Promise<void> {
    if (!this.#isBegun) return;
    this.#pending = [...this.#pending, ...entries];
    const turn = this.#writing.then(() => this.#writePending(options));
    this.#writing = turn.catch(() => undefined); // its own caller hears of it, and what is pending stays
    await turn;
  }

  async #writePending({ writeJournal }: Options): Promise<void> {
    for (;;) {
      const [first, ...rest] = this.#pending.slice(0, AT_ONCE);
      if (first === undefined) return;
      const after = this.#head;
      this.#head = await writeJournal({ model: this.#model, after, entries: [first, ...rest] });
      this.#pending = this.#pending.slice(1 + rest.length);
    }
  }
}
