/** Rows of a batch at most: beyond them no model was seen to get faster a row, and what a graph needs grows with them. */
const MOST_ROWS = 1_024;
/** Rows of the first batches, while nobody knows what a row takes. */
const FIRST_ROWS = 64;
/** How long a batch may take: as long does a customer wait for the batch at work before its own is formed. */
const TARGET_MS = 250;
/** Share of the newest batch in what a row is taken to cost. */
const WEIGHT = 0.2;

/** How many rows a batch may have, from how long the last ones took. */
export class BatchSize {
  #atMost = FIRST_ROWS;
  /** What fits into the model's memory, as far as is known. */
  #fits = MOST_ROWS;
  #msPerRow = 0;

  get atMost(): number {
    return this.#atMost;
  }

  /** What so many rows will take, in milliseconds, at the pace of the last batches; 0 before the first. */
  expectedMs(rows: number): number {
    return rows * this.#msPerRow;
  }

  /** A batch has been answered. */
  took(rows: number, elapsedMs: number): void {
    const own = elapsedMs / rows;
    this.#msPerRow = this.#msPerRow === 0 ? own : this.#msPerRow + (own - this.#msPerRow) * WEIGHT;
    const isFull = rows >= this.#atMost;
    if (isFull && elapsedMs < TARGET_MS / 2) {
      this.#atMost = Math.min(this.#fits, this.#atMost * 2);
    } else if (elapsedMs > TARGET_MS && rows > 1) {
      this.#atMost = Math.max(1, Math.min(this.#atMost, Math.floor(TARGET_MS / own)));
    }
  }

  /** A batch did not fit into the model's memory. */
  wasTooLarge(rows: number): void {
    this.#fits = Math.max(1, Math.min(this.#fits, Math.floor(rows / 2)));
    this.#atMost = Math.min(this.#atMost, this.#fits);
  }
}
