import type { Piece, WaitingRequest } from './waiting-request.js';

/** What one customer waits for. */
interface Line {
  readonly requests: WaitingRequest[];
  /** Of them, that nobody took yet. */
  rows: number;
}

/**
 * Requests that wait, a line for each customer. Rows are taken from the lines in turn, an equal share of a batch from each, so that
 * whoever has much waits for itself and for no more than a share of the others (fair queuing by rows, as by bytes in
 * "Efficient fair queuing using deficit round robin", Shreedhar and Varghese 1995; a request can be cut, so no deficit is kept).
 */
export class FairQueue {
  /** In the order in which their turn comes. */
  readonly #lines = new Map<string, Line>();
  #requests = 0;
  #rows = 0;

  /** Rows that nobody took yet. */
  get rows(): number {
    return this.#rows;
  }

  get requests(): number {
    return this.#requests;
  }

  requestsOf(customer: string): number {
    return this.#lines.get(customer)?.requests.length ?? 0;
  }

  rowsOf(customer: string): number {
    return this.#lines.get(customer)?.rows ?? 0;
  }

  /** Rows that are run before a new one of this customer: its own, and as many of each other customer, where they have so many. */
  rowsBefore(customer: string): number {
    return Math.min(this.#rows, this.rowsOf(customer) * this.#lines.size);
  }

  add(request: WaitingRequest): void {
    const { customer, rows } = request.asked;
    const line = this.#lines.get(customer) ?? { requests: [], rows: 0 };
    line.requests.push(request);
    line.rows += rows;
    this.#lines.set(customer, line);
    this.#requests += 1;
    this.#rows += rows;
  }

  /** Rows of one batch, at most so many. `isWanted` says who is still to be answered. */
  take(atMost: number, isWanted: (request: WaitingRequest) => boolean): Piece[] {
    const pieces: Piece[] = [];
    let room = atMost;
    while (room > 0 && this.#lines.size > 0) {
      const share = Math.max(1, Math.ceil(room / this.#lines.size));
      for (const customer of [...this.#lines.keys()]) {
        if (room === 0) return pieces;
        const taken = this.#takeOf(customer, Math.min(share, room), isWanted);
        pieces.push(...taken);
        room -= taken.reduce((rows, { from, to }) => rows + to - from, 0);
      }
    }
    return pieces;
  }

  /** From one line; its next turn comes after the others'. */
  #takeOf(
    customer: string,
    atMost: number,
    isWanted: (request: WaitingRequest) => boolean,
  ): Piece[] {
    const line = this.#lines.get(customer) ?? { requests: [], rows: 0 };
    const pieces: Piece[] = [];
    let room = atMost;
    let done = 0;
    for (const request of line.requests) {
      if (room === 0) break;
      if (!isWanted(request)) {
        this.#leave(line, request.asked.rows - request.taken);
        done += 1;
        continue;
      }
      const piece = request.take(room);
      const rows = piece.to - piece.from;
      pieces.push(piece);
      room -= rows;
      this.#leave(line, rows);
      if (request.taken === request.asked.rows) done += 1;
    }
    line.requests.splice(0, done);
    this.#requests -= done;
    this.#lines.delete(customer);
    if (line.requests.length > 0) this.#lines.set(customer, line);
    return pieces;
  }

  #leave(line: Line, rows: number): void {
    line.rows -= rows;
    this.#rows -= rows;
  }
}
