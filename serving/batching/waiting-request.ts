import type { Tensor } from '../../domain/ports/model-runtime.js';
import { cutRows, joinRows } from '../../domain/tensor-rows.js';
import { AnswerError } from '../answer-error.js';

/** Rows that somebody waits for. */
export interface RowsAsked {
  /** Tensors whose first dimension counts rows, by the model's contract. */
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Whose rows they are; `''`: of nobody who is named. */
  readonly customer: string;
  /** By `performance.now()`: what has not begun by then is not begun. */
  readonly deadlineMs: number;
  /** Turns true where nobody waits any more. */
  readonly asker: { readonly isGone: boolean };
}

/** Why rows are not to be run: nobody waits for them any more, or they waited too long; null: they are. */
export function whyUnwanted({
  asker,
  deadlineMs,
}: Pick<RowsAsked, 'asker' | 'deadlineMs'>): AnswerError | null {
  if (asker.isGone) {
    return new AnswerError(499, 'ClientGone', 'the client closed its connection');
  }
  if (performance.now() > deadlineMs) {
    return new AnswerError(504, 'TimedOut', 'the request waited for longer than it may take');
  }
  return null;
}

export interface RowsAnswered {
  readonly outputs: readonly Tensor[];
  /** Rows that ran together, those of other requests included; null where the request was cut into several runs. */
  readonly batchRows: number | null;
}

/** Rows `from` to `to` of a request. */
export interface Piece {
  readonly request: WaitingRequest;
  readonly from: number;
  readonly to: number;
}

/** A request whose rows are run in pieces; it settles once, with all of them or with the first failure. */
export class WaitingRequest {
  readonly asked: RowsAsked;
  readonly settled: Promise<RowsAnswered>;
  /** Rows before this one were taken. */
  taken = 0;
  isSettled = false;
  #resolve: (answer: RowsAnswered) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #answered = 0;
  readonly #parts: { from: number; batchRows: number; outputs: readonly Tensor[] }[] = [];

  constructor(asked: RowsAsked) {
    this.asked = asked;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The next rows that nobody took. */
  take(atMost: number): Piece {
    const from = this.taken;
    this.taken = Math.min(this.asked.rows, from + atMost);
    return { request: this, from, to: this.taken };
  }

  answer(piece: Piece, outputs: readonly Tensor[], batchRows: number): void {
    if (this.isSettled) return;
    this.#parts.push({ from: piece.from, batchRows, outputs });
    this.#answered += piece.to - piece.from;
    if (this.#answered < this.asked.rows) return;
    this.isSettled = true;
    this.#parts.sort((left, right) => left.from - right.from);
    const [first, second] = this.#parts;
    this.#resolve({
      outputs: (first?.outputs ?? []).map((_, index) =>
        joinRows(this.#parts.flatMap((part) => part.outputs[index] ?? [])),
      ),
      batchRows: second === undefined ? (first?.batchRows ?? null) : null,
    });
  }

  fail(error: unknown): void {
    this.isSettled = true;
    this.#reject(error);
  }
}

/** The inputs of pieces that are run together. */
export function inputsOf(pieces: readonly Piece[]): readonly Tensor[] {
  const cut = pieces.map(({ request, from, to }) =>
    request.asked.inputs.map((input) => cutRows(input, from, to)),
  );
  const [first = []] = cut;
  // each request has the contract's inputs, in an order of its own
  return first.map(({ name }) =>
    joinRows(cut.flatMap((inputs) => inputs.filter((input) => input.name === name))),
  );
}
