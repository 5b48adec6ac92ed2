/** Rows of a batch at most: beyond them no model was seen to get faster a row, and what a graph needs grows with them. */
const MOST_ROWS = 1_024;
/** Rows of the first batches, while nobody knows what a row takes. */
const FIRST_ROWS = 64;
/** How long a batch may take: as long does a customer wait for the batch at work before its own is formed. */
const TARGET_MS = 250;
/** A shorter batch costs its hand-over more than a tenth. */
const SHORT_MS = 1;
/** A longer one must be worth the waiting: by so much cheaper a row than batches of half the size. */
const WORTH = 0.9;
/** Full batches of one size until it is known what a row takes in them. */
const SAMPLES = 4;
/** Share of the newest batch in what a row is taken to cost. */
const WEIGHT = 0.2;

/** How many rows a batch may have, from how long the last ones took. */
export class BatchSize {
  #atMost = FIRST_ROWS;
  /** What fits into the model's memory, as far as is known. */
  #fits = MOST_ROWS;
  #msPerRow = 0;
  /** What a row took in full batches of this size, and at the end of the size before. */
  #full = { batches: 0, ms: 0 };
  #fullBeforeMs = Number.POSITIVE_INFINITY;

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
    if (elapsedMs > TARGET_MS && rows > 1) {
      this.#change(Math.min(this.#atMost, Math.floor(TARGET_MS / own)));
    } else if (rows >= this.#atMost) {
      this.#full = { batches: this.#full.batches + 1, ms: this.#full.ms + own };
      if (elapsedMs < TARGET_MS / 2 && (elapsedMs < SHORT_MS || this.#isWorthMore())) {
        this.#change(this.#atMost * 2);
      }
    }
  }

  /** A batch did not fit into the model's memory. */
  wasTooLarge(rows: number): void {
    this.#fits = Math.max(1, Math.min(this.#fits, Math.floor(rows / 2)));
    this.#change(this.#atMost);
  }

  /** Rows got cheaper by the last growth, so they may by the next. */
  #isWorthMore(): boolean {
    const { batches, ms } = this.#full;
    return batches >= SAMPLES && ms / batches < WORTH * this.#fullBeforeMs;
  }

  #change(rows: number): void {
    const atMost = Math.max(1, Math.min(rows, this.#fits));
    if (atMost === this.#atMost) return;
    const { batches, ms } = this.#full;
    this.#fullBeforeMs = batches === 0 ? Number.POSITIVE_INFINITY : ms / batches;
    this.#full = { batches: 0, ms: 0 };
    this.#atMost = atMost;
  }
}
