import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { UndoRow } from '../domain/lifecycle.js';

/** What an undo found. */
export interface Undone {
  readonly end: 'restored' | 'already-clean' | 'conflicted';
  readonly note: string;
}

export interface Ledger {
  readonly rows: readonly UndoRow[];
  /** Call it BEFORE the step: an undo is safe whether or not its step ran. */
  register(step: string, undo: () => Promise<Undone>): void;
  /** The work is done: there is nothing to undo any more, whatever comes. */
  commit(): void;
  /** Runs every undo, newest first, also while the run is being cancelled. A failed one is a row, and the rest still run. */
  undoAll(): Promise<void>;
}

/** Undos of one lifecycle and how each ended. `changed` is called when an undo has ended. */
export function createLedger(changed: () => void = () => undefined): Ledger {
  const rows: UndoRow[] = [];
  const undos: { step: string; undo: () => Promise<Undone> }[] = [];
  return {
    rows,
    register: (step, undo) => {
      undos.push({ step, undo });
    },
    commit: () => {
      undos.length = 0;
    },
    undoAll: () =>
      CancellationScope.nonCancellable(async () => {
        for (let next = undos.pop(); next !== undefined; next = undos.pop()) {
          rows.push({ step: next.step, ...(await outcomeOf(next.undo)) });
          changed();
        }
      }),
  };
}

async function outcomeOf(undo: () => Promise<Undone>): Promise<Omit<UndoRow, 'step'>> {
  try {
    return await undo();
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof ApplicationFailure || error instanceof ActivityFailure) {
      return { end: 'failed', note: cause instanceof Error ? cause.message : 'unknown' };
    }
    throw error; // our bug: the workflow task stalls visibly
  }
}
