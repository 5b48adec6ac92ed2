import { ActivityFailure, CancellationScope, log } from '@temporalio/workflow';
import type { RecordedDecision } from '../domain/decision.js';
import type { JournalHead } from '../domain/journal-head.js';
import type { JournalEntry } from '../domain/journal.js';
import { bookkeeping, recording } from './activity-options.js';

/** Entries of one call: ten signed decisions fit into a payload. */
const AT_ONCE = 10;

type Options = ReturnType<typeof bookkeeping>;

/** What happened in one lifecycle, as it is kept in the bucket. */
export class Journal {
  readonly #model: string;
  #head: JournalHead | null = null;
  readonly #decided = new Set<RecordedDecision>();

  constructor(model: string) {
    this.#model = model;
  }

  /** Before anything else: nothing happens that nobody wrote down. */
  async began(entry: Extract<JournalEntry, { kind: 'started' }>): Promise<void> {
    await this.#write([entry], bookkeeping(`write down the start of ${this.#model}`));
  }

  /** What was decided on one evidence, before anything comes of it; each decision once. */
  async decided(decisions: readonly RecordedDecision[]): Promise<void> {
    const entries = this.#newOf(decisions);
    await this.#write(entries, bookkeeping(`write down what was decided of ${this.#model}`));
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

  #newOf(decisions: readonly RecordedDecision[]): readonly JournalEntry[] {
    return decisions
      .filter((decision) => !this.#decided.has(decision))
      .map((decision) => ({ kind: 'decided', decision }));
  }

  async #write(entries: readonly JournalEntry[], { writeJournal }: Options): Promise<void> {
    for (let from = 0; from < entries.length; from += AT_ONCE) {
      const [first, ...rest] = entries.slice(from, from + AT_ONCE);
      if (first === undefined) return;
      const after = this.#head;
      this.#head = await writeJournal({ model: this.#model, after, entries: [first, ...rest] });
      for (const entry of [first, ...rest]) {
        if (entry.kind === 'decided') this.#decided.add(entry.decision);
      }
    }
  }
}
