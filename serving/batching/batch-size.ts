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
/** While small requests come beside large ones a batch takes no longer than that, where it has no fewer rows than the first ones. */
const BRIEF_MS = 0.5;
/** Full batches after one that did not fit until twice as many rows are tried again; after each such failure twice as many. */
const PATIENCE = 50;
/** Full batches of one size until it is known what a row takes in them. */
const SAMPLES = 4;
/** Share of the newest batch in what a row is taken to cost. */
const WEIGHT = 0.2;

/** How many rows a batch may have, from how long the last ones took. */
export class BatchSize {
  #atMost = FIRST_ROWS;
  /** What fits into the model's memory, as far as is known: rows may have been large ones, so more are tried after so many full batches. */
  #fits = { rows: MOST_ROWS, batches: 0, patience: 0 };
  #msPerRow = 0;
  /** What a row took in full batches of this size, and at the end of the size before. */
  #full = { batches: 0, ms: 0 };
  #fullBeforeMs = Number.POSITIVE_INFINITY;

  get atMost(): number {
    return this.#atMost;
  }

  /** Rows of a brief batch. */
  get brief(): number {
    const rows = this.#msPerRow === 0 ? FIRST_ROWS : Math.floor(BRIEF_MS / this.#msPerRow);
    return Math.min(this.#atMost, Math.max(FIRST_ROWS, rows));
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
    } else if (rows >= this.#atMost && !this.#triesMore(rows)) {
      this.#full = { batches: this.#full.batches + 1, ms: this.#full.ms + own };
      if (elapsedMs < TARGET_MS / 2 && (elapsedMs < SHORT_MS || this.#isWorthMore())) {
        this.#change(this.#atMost * 2);
      }
    }
  }

  /** A batch did not fit into the model's memory. */
  wasTooLarge(rows: number): void {
    const fits = Math.max(1, Math.min(this.#fits.rows, Math.floor(rows / 2)));
    const patience = Math.max(PATIENCE, this.#fits.patience * 2);
    this.#fits = { rows: fits, batches: 0, patience };
    this.#change(this.#atMost);
  }

  /** Whether a batch as large as fits was one too many to believe that no more does. */
  #triesMore(rows: number): boolean {
    const { rows: fits, batches, patience } = this.#fits;
    if (fits === MOST_ROWS || rows < fits) return false;
    const isTried = batches + 1 >= patience;
    this.#fits = isTried
      ? { rows: Math.min(MOST_ROWS, fits * 2), batches: 0, patience }
      : { rows: fits, batches: batches + 1, patience };
    if (isTried) this.#change(fits * 2);
    return isTried;
  }

  /** Rows got cheaper by the last growth, so they may by the next. */
  #isWorthMore(): boolean {
    const { batches, ms } = this.#full;
    return batches >= SAMPLES && ms / batches < WORTH * this.#fullBeforeMs;
  }

  #change(rows: number): void {
    const atMost = Math.max(1, Math.min(rows, this.#fits.rows));
    if (atMost === this.#atMost) return;
    const { batches, ms } = this.#full;
    this.#fullBeforeMs = batches === 0 ? Number.POSITIVE_INFINITY : ms / batches;
    this.#full = { batches: 0, ms: 0 };
    this.#atMost = atMost;
  }
}
