import { neverReachedModel } from '../not-asked.js';
import type { PredictionLine } from './prediction-line.js';
import { binOf, type ReferenceProfile } from './reference-profile.js';
import { rowKey, RowKeys } from './row-keys.js';

/** Rows of a window that are counted at most, so that its memory is bounded; more are counted as `beyond` and not judged. */
export const MAX_WINDOW_ROWS = 2_000_000;

/** Other versions that are named at most. */
const OTHERS_NAMED = 10;

/** A span of time, from (included) until (left out), in milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What a window's lines come to. */
export interface WindowTally {
  /** Of the live version: requests, those of them that failed, and rows. */
  readonly requests: number;
  readonly errors: number;
  readonly rows: number;
  /** Of requests that were answered; null without any. */
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  /** Answered rows by the profile's labels, and those of a label that it does not have. */
  readonly classes: readonly number[];
  readonly strangers: number;
  /** Answered rows by the profile's score bins. */
  readonly scores: readonly number[];
  /** Answered rows without a label; without a score that is a number. */
  readonly withoutLabel: number;
  readonly withoutScore: number;
  /** Rows by other versions, by digest. */
  readonly others: readonly { readonly digest: string; readonly rows: number }[];
  /** Rows that came again; rows beyond the bound. */
  readonly duplicates: number;
  readonly beyond: number;
}

/**
 * Counts the lines of one window, one at a time. A line of another time is not counted, nor one that never reached the model; one that
 * came before is a duplicate.
 */
export class WindowCounter {
  readonly #span: Span;
  readonly #digest: string | null;
  readonly #labels: ReadonlyMap<string, number>;
  readonly #edges: readonly number[];
  readonly #classes: number[];
  readonly #scores: number[];
  readonly #keys = new RowKeys();
  readonly #others = new Map<string, number>();
  readonly #latencies: number[] = [];
  #counts = { requests: 0, errors: 0, rows: 0, strangers: 0, withoutLabel: 0, withoutScore: 0 };
  #duplicates = 0;
  #beyond = 0;

  /** @param live - The version whose lines count, and its profile; null where nothing is live. */
  constructor(span: Span, live: { digest: string; profile: ReferenceProfile | null } | null) {
    this.#span = span;
    this.#digest = live?.digest ?? null;
    const classes = live?.profile?.classes ?? [];
    this.#labels = new Map(classes.map(({ label }, index) => [label, index]));
    this.#classes = classes.map(() => 0);
    this.#edges = live?.profile?.scores.edges ?? [];
    this.#scores = [0, ...this.#edges.map(() => 0)];
  }

  add(line: PredictionLine): void {
    const at = Date.parse(line.at);
    if (!(at >= this.#span.fromMs && at < this.#span.untilMs)) return;
    // nor is it the first of its id: who was refused may ask again by the same one
    if (neverReachedModel(line.error)) return;
    if (this.#keys.size >= MAX_WINDOW_ROWS) {
      this.#beyond += 1;
    } else if (!this.#keys.add(rowKey(line.requestId, line.row))) {
      this.#duplicates += 1;
    } else if (line.digest === this.#digest) {
      this.#count(line);
    } else {
      this.#others.set(line.digest, (this.#others.get(line.digest) ?? 0) + 1);
    }
  }

  tally(): WindowTally {
    const sorted = Float64Array.from(this.#latencies).sort();
    const others = [...this.#others].sort(([, one], [, other]) => other - one);
    return {
      ...this.#counts,
      latencyP50Ms: percentile(sorted, 0.5),
      latencyP99Ms: percentile(sorted, 0.99),
      classes: this.#classes,
      scores: this.#scores,
      others: others.slice(0, OTHERS_NAMED).map(([digest, rows]) => ({ digest, rows })),
      duplicates: this.#duplicates,
      beyond: this.#beyond,
    };
  }

  #count(line: PredictionLine): void {
    const counts = this.#counts;
    counts.rows += 1;
    // every row repeats its request's latency and failure: the first one stands for it
    if (line.row === 0) {
      counts.requests += 1;
      if (line.error === null) this.#latencies.push(line.latencyMs);
      else counts.errors += 1;
    }
    if (line.error !== null) return;
    if (line.label === null) counts.withoutLabel += 1;
    else this.#countLabel(line.label);
    if (line.probability === null) counts.withoutScore += 1;
    else increase(this.#scores, binOf(this.#edges, line.probability));
  }

  #countLabel(label: string): void {
    const index = this.#labels.get(label);
    if (index === undefined) this.#counts.strangers += 1;
    else increase(this.#classes, index);
  }
}

function increase(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

/** By nearest rank; null of nothing. */
function percentile(sorted: Float64Array, share: number): number | null {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? null;
}
