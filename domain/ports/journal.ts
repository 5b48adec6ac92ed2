import type { JournalHead } from '../journal-head.js';
import type { JournalEntry } from '../journal.js';

/** What happened in lifecycles, line by line, each with the digest of the one before it and sealed: it outlives Temporal's history. */
export interface Journal {
  /**
   * Writes entries as the lines after a head. Writing the same again finds what was written.
   * @returns The new head.
   * @throws PortError `StoreRefused` where another entry is in a line's place.
   */
  write(given: {
    readonly model: string;
    readonly workflowId: string;
    readonly run: string;
    /** Null: these are the first. */
    readonly after: JournalHead | null;
    readonly entries: readonly [JournalEntry, ...JournalEntry[]];
  }): Promise<JournalHead>;
}
