/** Term ids and counts of several texts, one after the other: text i has those from `offsets[i]` to `offsets[i + 1]`. */
export interface TermCounts {
  readonly ids: Int32Array;
  readonly counts: Float32Array;
  readonly offsets: Int32Array;
}

/** Two padded tensors of shape [rows, width], as the graph takes them. */
export interface EncodedTexts {
  readonly ids: Int32Array;
  readonly counts: Float32Array;
  readonly rows: number;
  /** At least 1, also where no text has a known term. */
  readonly width: number;
}

/** Counts terms text by text, each id once a text. */
export class Bag {
  readonly #seen: Float32Array;
  readonly #isBinary: boolean;
  readonly #offsets: number[] = [0];
  #ids = new Int32Array(1_024);
  #counts = new Float32Array(1_024);
  #length = 0;

  /** @param seen - A zero for every id; zeros again after each text. */
  constructor(seen: Float32Array, isBinary: boolean) {
    this.#seen = seen;
    this.#isBinary = isBinary;
  }

  add(id: number): void {
    const before = this.#seen[id] ?? 0;
    this.#seen[id] = before + 1;
    if (before > 0) return;
    if (this.#length === this.#ids.length) this.#grow();
    this.#ids[this.#length++] = id;
  }

  endText(): void {
    for (let index = this.#offsets.at(-1) ?? 0; index < this.#length; index++) {
      const id = this.#ids[index] ?? 0;
      this.#counts[index] = this.#isBinary ? 1 : (this.#seen[id] ?? 0);
      this.#seen[id] = 0;
    }
    this.#offsets.push(this.#length);
  }

  counted(): TermCounts {
    return {
      ids: this.#ids.slice(0, this.#length),
      counts: this.#counts.slice(0, this.#length),
      offsets: new Int32Array(this.#offsets),
    };
  }

  #grow(): void {
    const ids = new Int32Array(this.#length * 2);
    const counts = new Float32Array(this.#length * 2);
    ids.set(this.#ids);
    counts.set(this.#counts);
    this.#ids = ids;
    this.#counts = counts;
  }
}

/**
 * The chosen texts' ids and counts, padded with 0 to the longest of them.
 * @param order - Indexes of texts; all of them, in their order, where left out.
 */
export function padRows(terms: TermCounts, order?: readonly number[]): EncodedTexts {
  const chosen = order ?? Array.from({ length: terms.offsets.length - 1 }, (_, index) => index);
  const width = Math.max(1, ...chosen.map((index) => termsIn(terms, index)));
  const ids = new Int32Array(chosen.length * width);
  const counts = new Float32Array(chosen.length * width);
  for (const [row, index] of chosen.entries()) {
    const from = terms.offsets[index] ?? 0;
    const to = terms.offsets[index + 1] ?? from;
    ids.set(terms.ids.subarray(from, to), row * width);
    counts.set(terms.counts.subarray(from, to), row * width);
  }
  return { ids, counts, rows: chosen.length, width };
}

/** How many different known terms a text has. */
export function termsIn(terms: TermCounts, index: number): number {
  return (terms.offsets[index + 1] ?? 0) - (terms.offsets[index] ?? 0);
}
