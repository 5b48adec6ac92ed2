import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  setHandler,
  TimeoutFailure,
} from '@temporalio/workflow';
import {
  acceptUndoSchema,
  isOpenUndo,
  refusalOfAccept,
  refusalOfRetry,
  retryUndoSchema,
  type AcceptUndo,
  type RetryUndo,
  type UndoRow,
  type UndosNow,
} from '../domain/undo.js';
import { parseEntry, refusal } from './door.js';
import { acceptUndo, retryUndo } from './messages.js';

/** Characters of what a failed undo said. */
const NOTE_KEPT = 500;

/** What an undo found. */
export interface Undone {
  readonly end: 'restored' | 'already-clean' | 'conflicted';
  readonly note: string;
}

/** Puts a step's effect back; safe whether or not the step ran, and safe to run again. `attempt` counts from 1. */
export type Undo = (attempt: number) => Promise<Undone>;

interface Registered {
  readonly step: string;
  readonly undo: Undo;
  attempts: number;
}

/** Undos of one lifecycle and how each ended. */
export class Ledger implements UndosNow {
  #rows: readonly UndoRow[] = [];
  #registered: Registered[] = [];
  /** Steps whose undo runs, or is about to be tried again. */
  #running: readonly string[] = [];
  readonly #changed: (ended?: UndoRow) => void;

  /** @param changed - Called when what people see of it has changed, with the row where an undo has ended. */
  constructor(changed: (ended?: UndoRow) => void = () => undefined) {
    this.#changed = changed;
  }

  /** The undos that have run, each with its end. */
  get rows(): readonly UndoRow[] {
    return this.#rows;
  }

  get running(): readonly string[] {
    return this.#running;
  }

  /** Failed undos that wait for a person. */
  get open(): readonly UndoRow[] {
    return this.#rows.filter((row) => isOpenUndo(row) && !this.#running.includes(row.step));
  }

  /**
   * Call it BEFORE the step: an undo is safe whether or not its step ran. A step that is registered again keeps its place, and
   * its new undo replaces the old one, so it must also undo what the earlier try may have done.
   */
  register(step: string, undo: Undo): void {
    const next = { step, undo, attempts: 0 };
    const index = this.#registered.findIndex((each) => each.step === step);
    if (index === -1) this.#registered.push(next);
    else this.#registered[index] = next;
  }

  /** The work is done: there is nothing to undo any more, whatever comes. */
  commit(): void {
    this.#registered = [];
  }

  /** Runs every undo, newest first, also while the run is being cancelled. A failed one is a row, and the rest still run. */
  undoAll(): Promise<void> {
    return CancellationScope.nonCancellable(async () => {
      for (const each of this.#registered.toReversed()) {
        this.#running = [...this.#running, each.step];
        await this.#run(each);
      }
    });
  }

  /**
   * Waits until a person has had each failed undo tried again with success, or has closed it; also while the run is being
   * cancelled, so that nothing is swallowed. Nothing is waited for where none failed.
   */
  settled(): Promise<void> {
    return CancellationScope.nonCancellable(async () => {
      while (this.#rows.some(isOpenUndo)) {
        await condition(() => this.#running.length > 0 || !this.#rows.some(isOpenUndo));
        const again = this.#registered.filter(({ step }) => this.#running.includes(step));
        for (const each of again.reverse()) await this.#run(each);
      }
      await condition(allHandlersFinished); // who ordered the last of it hears how it ended
    });
  }

  /** Has failed undos tried again; resolves when they have ended. */
  async retry(order: RetryUndo): Promise<void> {
    const steps = order.step === undefined ? this.open.map(({ step }) => step) : [order.step];
    const retried = { by: order.by, at: new Date().toISOString() };
    this.#rows = this.#rows.map((row) => (steps.includes(row.step) ? { ...row, retried } : row));
    this.#running = [...this.#running, ...steps];
    this.#changed();
    await CancellationScope.nonCancellable(() =>
      condition(() => !steps.some((step) => this.#running.includes(step))),
    );
  }

  /** Closes a failed undo as it is. */
  accept({ step, by, reason }: AcceptUndo): void {
    const accepted = { by, reason, at: new Date().toISOString() };
    this.#rows = this.#rows.map((row) => (row.step === step ? { ...row, accepted } : row));
    this.#changed();
  }

  /** Runs one undo, whose step is among the running ones, and keeps its end as the step's row. */
  async #run(registered: Registered): Promise<void> {
    const { step, undo } = registered;
    this.#changed();
    registered.attempts += 1;
    const ended = await outcomeOf(() => undo(registered.attempts));
    this.#running = this.#running.filter((each) => each !== step);
    const before = this.#rows.find((row) => row.step === step);
    const row: UndoRow = {
      ...{ step, ...ended },
      ...(before?.retried && { retried: before.retried }),
    };
    this.#rows =
      before === undefined
        ? [...this.#rows, row]
        : this.#rows.map((each) => (each === before ? row : each));
    this.#changed(row);
  }
}

/** A ledger without handlers; `openLedger` has them. */
export function createLedger(changed?: (ended?: UndoRow) => void): Ledger {
  return new Ledger(changed);
}

/** A ledger with its handlers, whose validators refuse. Call it before a workflow's first await, so that nothing sent early is lost. */
export function openLedger(changed?: (ended?: UndoRow) => void): Ledger {
  const ledger = new Ledger(changed);
  setHandler(
    retryUndo,
    async (order) => {
      await ledger.retry(parseEntry('order', retryUndoSchema, order));
      return { ledger: ledger.rows };
    },
    {
      description:
        'Try undos that failed again, all or one: {"by": "grace@example.com", "reason": "access is granted", "step": "staging"}',
      validator: (order) => {
        refuse(refusalOfRetry(parseEntry('order', retryUndoSchema, order), ledger));
      },
    },
  );
  setHandler(
    acceptUndo,
    (order) => {
      ledger.accept(parseEntry('order', acceptUndoSchema, order));
      return { ledger: ledger.rows };
    },
    {
      description:
        'Close an undo that failed as it is: {"step": "staging", "by": "grace@example.com", "reason": "deleted by hand"}',
      validator: (order) => {
        refuse(refusalOfAccept(parseEntry('order', acceptUndoSchema, order), ledger));
      },
    },
  );
  return ledger;
}

function refuse(why: string | null): void {
  if (why !== null) throw refusal(why, 'UndoRefused');
}

async function outcomeOf(undo: () => Promise<Undone>): Promise<Omit<UndoRow, 'step'>> {
  try {
    return await undo();
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof ApplicationFailure || error instanceof ActivityFailure) {
      const why = cause instanceof Error ? cause.message : 'unknown';
      const isOver = cause instanceof TimeoutFailure;
      const note = isOver ? `it was tried in vain until its time was over (${why})` : why;
      return { end: 'failed', note: note.slice(0, NOTE_KEPT) };
    }
    throw error; // our bug: the workflow task stalls visibly
  }
}
