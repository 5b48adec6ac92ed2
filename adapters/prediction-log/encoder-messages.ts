import type { EncodedFile, LogFacts } from './encode-rows.js';
import type { RowChunk } from './row-chunk.js';

/** What the thread is told: rows of a log as they come, then to make files of all that came. */
export type ToEncoder =
  | { readonly kind: 'rows'; readonly log: number; readonly chunk: RowChunk }
  | {
      readonly kind: 'encode';
      readonly log: number;
      readonly id: number;
      readonly facts: LogFacts;
    };

/** What it answers: the files, or why they could not be made; the rows are gone then. */
export type FromEncoder =
  | { readonly id: number; readonly files: readonly EncodedFile[] }
  | { readonly id: number; readonly problem: string };
