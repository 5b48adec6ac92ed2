import { isPortError, PortError } from '../../domain/failures.js';
import type { InferResult, Tensor } from '../../domain/ports/model-runtime.js';
import { bytesOf, cutRows } from '../../domain/tensor-rows.js';
import { AnswerError, failedRow } from '../answer-error.js';
import { hasItsShare, HeldBytes } from '../fair-share.js';
import { BatchSize } from './batch-size.js';
import { FairQueue } from './fair-queue.js';
import { withoutOddRow } from './odd-row.js';
import {
  inputsOf,
  WaitingRequest,
  whyUnwanted,
  type Piece,
  type RowsAnswered,
  type RowsAsked,
} from './waiting-request.js';

export interface RowQueueLimits {
  /** Requests that wait at most. */
  readonly maxWaiting: number;
  /** Bytes of inputs that wait or are at work, at most. */
  readonly maxWaitingBytes: number;
  /** A request is refused that would wait longer than this, at the pace of the last batches. */
  readonly maxWaitMs: number;
}

/** How many batches are at the model: a second one only where it is full, so that it never waits for the next. */
const MOST_AT_WORK = 2;
/**
 * After a batch the next one may wait for so much of its time for those who were just answered: where they ask again at once two halves of
 * the clients would take turns for ever, each batch half as large as it could be.
 */
const GRACE = 0.01;
/** Less is no time in which anybody can ask again. */
const LEAST_GRACE_MS = 1;
const MOST_GRACE_MS = 10;

/** So long after a small request beside large ones batches are brief, one at a time: its customer may ask again. */
const BRIEF_FOR_MS = 100;

interface Grace {
  readonly rows: number;
  readonly timer: NodeJS.Timeout | undefined;
}

const NO_GRACE: Grace = { rows: 0, timer: undefined };

/**
 * Requests for one version on their way into batches. What comes to an idle model is run at the end of this turn of the event loop, and what
 * comes meanwhile is the next batch, an equal share of each customer. A request that makes a batch fail fails alone.
 */
export class RowQueue {
  readonly #limits: RowQueueLimits;
  readonly #run: (inputs: readonly Tensor[]) => Promise<InferResult>;
  readonly #waiting = new FairQueue();
  /** Batches that are formed already: of rows that must not be mixed with others. */
  readonly #formed: Piece[][] = [];
  readonly #size = new BatchSize();
  #atWork = 0;
  #isDue = false;
  /** A batch waits for so many rows, until the timer ends. */
  #grace = NO_GRACE;
  #isBriefUntilMs = 0;
  readonly #held: HeldBytes;

  constructor(limits: RowQueueLimits, run: (inputs: readonly Tensor[]) => Promise<InferResult>) {
    this.#limits = limits;
    this.#held = new HeldBytes(limits.maxWaitingBytes);
    this.#run = run;
  }

  /** Why a request of this customer finds no place now; null: it does. */
  refusal(customer: string): AnswerError | null {
    const { maxWaiting, maxWaitMs } = this.#limits;
    const { requests } = this.#waiting;
    const waitMs = this.#size.expectedMs(this.#waiting.rowsBefore(customer));
    const isFull =
      hasItsShare(this.#waiting.requestsOf(customer), maxWaiting - requests) ||
      this.#held.hasItsShare(customer) ||
      waitMs > maxWaitMs;
    if (!isFull) return null;
    const whose = customer === '' ? '' : ` of "${customer}"`;
    return new AnswerError(
      429,
      'Overloaded',
      `${requests} requests wait already, about ${Math.ceil(waitMs)} ms of work; no place for one more${whose}`,
      { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) },
    );
  }

  /** @throws AnswerError 429 `Overloaded`, 504 `TimedOut`; or what the model's process fails with. */
  async submit(asked: RowsAsked): Promise<RowsAnswered> {
    const refusal = this.refusal(asked.customer);
    if (refusal) throw refusal;
    const bytes = bytesOf(asked.inputs);
    const request = new WaitingRequest(asked);
    this.#held.add(asked.customer, bytes);
    if (this.#isSmallBesideLarge(asked)) this.#isBriefUntilMs = performance.now() + BRIEF_FOR_MS;
    this.#waiting.add(request);
    this.#sendSoon();
    try {
      return await request.settled;
    } finally {
      this.#held.add(asked.customer, -bytes);
    }
  }

  /** Its customer waits for no more than fits into one brief batch, and others for more. */
  #isSmallBesideLarge({ customer, rows }: RowsAsked): boolean {
    const own = this.#waiting.rowsOf(customer);
    const { brief } = this.#size;
    return own + rows <= brief && this.#waiting.rows - own > brief;
  }

  get #isBrief(): boolean {
    return this.#isBriefUntilMs > 0 && performance.now() < this.#isBriefUntilMs;
  }

  /** A full batch at once; another one with all that is read in this turn of the event loop: that waits for nothing. */
  #sendSoon(): void {
    if (this.#waiting.rows >= this.#size.atMost || this.#formed.length > 0) {
      this.#send();
    } else if (this.#waiting.rows >= this.#grace.rows && !this.#isDue) {
      this.#isDue = true;
      setImmediate(this.#sendDue);
    }
  }

  readonly #sendDue = (): void => {
    this.#isDue = false;
    if (this.#waiting.rows >= this.#grace.rows) this.#send();
  };

  /** The rows that wait, and those that were just answered, are worth waiting for, for a small part of what they took. */
  #waitForAnswered(batch: readonly Piece[], tookMs: number): void {
    clearTimeout(this.#grace.timer);
    this.#grace = NO_GRACE;
    const graceMs = Math.min(tookMs * GRACE, MOST_GRACE_MS);
    const isAlone = this.#waiting.rows === 0 && batch.length === 1;
    if (graceMs < LEAST_GRACE_MS || isAlone) return;
    const timer = setTimeout(() => {
      this.#grace = NO_GRACE;
      this.#sendSoon();
    }, graceMs);
    this.#grace = { rows: this.#waiting.rows + rowsOf(batch), timer };
  }

  #send(): void {
    const most = this.#isBrief ? 1 : MOST_AT_WORK;
    while (this.#atWork < most) {
      const mayBeSecond = this.#formed.length > 0 || this.#waiting.rows >= this.#size.atMost;
      if (this.#atWork > 0 && !mayBeSecond) return;
      const batch = this.#next();
      if (batch === null) return;
      void this.#work(batch);
    }
  }

  #next(): Piece[] | null {
    for (;;) {
      const formed = this.#formed.shift();
      if (formed) {
        const wanted = formed.filter(({ request }) => isWanted(request));
        if (wanted.length > 0) return wanted;
        continue;
      }
      const atMost = this.#isBrief ? this.#size.brief : this.#size.atMost;
      const taken = this.#waiting.take(atMost, isWanted);
      if (taken.length === 0) return null;
      this.#formed.push(...ofOneShape(taken));
    }
  }

  async #work(batch: readonly Piece[]): Promise<void> {
    const rows = rowsOf(batch);
    this.#atWork += 1;
    let outputs: readonly Tensor[] | null = null;
    try {
      const result = await this.#run(inputsOf(batch));
      this.#size.took(rows, result.computeMs);
      this.#waitForAnswered(batch, result.computeMs);
      outputs = result.outputs;
    } catch (error) {
      this.#failed(batch, error);
    }
    this.#atWork -= 1;
    this.#sendSoon();
    if (outputs !== null) answer(batch, outputs, rows);
  }

  /** Whose fault it is says the row, or running each request alone. */
  #failed(batch: readonly Piece[], error: unknown): void {
    if (error instanceof AnswerError) {
      for (const { request } of batch) request.fail(error); // none of them reached the model
      return;
    }
    const [first] = batch;
    const rows = rowsOf(batch);
    const guilty = pieceOfRow(batch, failedRow(error));
    if (guilty) {
      guilty.request.fail(ownError(error, guilty, batch));
      const others = batch.filter((piece) => piece !== guilty);
      if (others.length > 0) this.#formed.push(others);
    } else if (isPortError(error) && error.type === 'OutOfMemory' && rows > 1) {
      const parts = withoutOddRow(batch);
      if (parts === null) this.#size.wasTooLarge(rows);
      this.#formed.push(...(parts ?? halvesOf(batch)));
    } else if (batch.length === 1 && first) {
      first.request.fail(rows === 1 ? ofRow(error, first) : error);
    } else {
      this.#formed.push(...batch.map((piece) => [piece]));
    }
  }
}

function rowsOf(batch: readonly Piece[]): number {
  return batch.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Each request gets the rows that it asked about. */
function answer(batch: readonly Piece[], outputs: readonly Tensor[], rows: number): void {
  let offset = 0;
  for (const piece of batch) {
    const end = offset + piece.to - piece.from;
    try {
      const own = outputs.map((output) => cutRows(output, offset, end));
      piece.request.answer(piece, own, rows);
    } catch (error) {
      piece.request.fail(error); // such as rows of two widths, which are no one tensor
    }
    offset = end;
  }
}

/** Whether its rows are still to be run; where nobody will wait for them it is settled. */
function isWanted(request: WaitingRequest): boolean {
  if (request.isSettled) return false;
  const why = whyUnwanted(request.asked);
  if (why) request.fail(why);
  return why === null;
}

/** A graph takes rows of one shape at once; where its contract leaves more than the number of rows open they may differ. */
function ofOneShape(pieces: readonly Piece[]): Piece[][] {
  const byShape = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const shapes = piece.request.asked.inputs
      .filter(({ shape }) => shape.length > 1)
      .map(({ name, shape }) => `${name} ${shape.slice(1).join(' ')}`);
    const key = shapes.length > 1 ? shapes.sort().join() : (shapes[0] ?? '');
    const same = byShape.get(key);
    if (same) same.push(piece);
    else byShape.set(key, [piece]);
  }
  return [...byShape.values()];
}

function pieceOfRow(batch: readonly Piece[], row: number | null): Piece | null {
  let left = row ?? Number.POSITIVE_INFINITY;
  for (const piece of batch) {
    left -= piece.to - piece.from;
    if (left < 0) return piece;
  }
  return null;
}

/** The failure as its request sees it: by its own rows, whatever was run with them. */
function ownError(error: unknown, guilty: Piece, batch: readonly Piece[]): unknown {
  const row = failedRow(error);
  if (row === null || !isPortError(error)) return error;
  const own = row - rowsOf(batch.slice(0, batch.indexOf(guilty))) + guilty.from;
  const message = error.message.replace(`row ${row}:`, `row ${own}:`);
  return new PortError(error.type, message, { details: { ...error.details, row: own } });
}

/** A row that does not fit into the memory alone is named to a request that has others. */
function ofRow(error: unknown, { request, from }: Piece): unknown {
  const isOneOfMany = request.asked.rows > 1 && isPortError(error) && error.type === 'OutOfMemory';
  if (!isOneOfMany) return error;
  const details = { ...error.details, row: from };
  return new PortError(error.type, `row ${from}: ${error.message}`, { details, cause: error });
}

function halvesOf(batch: readonly Piece[]): Piece[][] {
  const half = Math.ceil(rowsOf(batch) / 2);
  const halves: [Piece[], Piece[]] = [[], []];
  let before = 0;
  for (const { request, from, to } of batch) {
    const middle = Math.min(to, Math.max(from, from + half - before));
    if (middle > from) halves[0].push({ request, from, to: middle });
    if (to > middle) halves[1].push({ request, from: middle, to });
    before += to - from;
  }
  return halves;
}
