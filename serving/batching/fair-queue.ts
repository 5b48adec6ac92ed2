import type { Piece, WaitingRequest } from './waiting-request.js';

/**
 * Requests that wait, a line for each customer. Rows are taken from the lines in turn, an equal share of a batch from each, so that
 * whoever has much waits for itself and for no more than a share of the others (fair queuing by rows, as by bytes in
 * "Efficient fair queuing using deficit round robin", Shreedhar and Varghese 1995; a request can be cut, so no deficit is kept).
 */
export class FairQueue {
  /** In the order in which their turn comes. */
  readonly #lines = new Map<string, WaitingRequest[]>();
  #requests = 0;
  #rows = 0;

  /** Rows that nobody took yet. */
  get rows(): number {
    return this.#rows;
  }

  get requests(): number {
    return this.#requests;
  }

  get customers(): number {
    return this.#lines.size;
  }

  requestsOf(customer: string): number {
    return this.#lines.get(customer)?.length ?? 0;
  }

  add(request: WaitingRequest): void {
    const { customer, rows } = request.asked;
    const line = this.#lines.get(customer);
    if (line) line.push(request);
    else this.#lines.set(customer, [request]);
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
    const line = this.#lines.get(customer) ?? [];
    const pieces: Piece[] = [];
    let room = atMost;
    let done = 0;
    for (const request of line) {
      if (room === 0) break;
      if (!isWanted(request)) {
        this.#rows -= request.asked.rows - request.taken;
        done += 1;
        continue;
      }
      const piece = request.take(room);
      const rows = piece.to - piece.from;
      pieces.push(piece);
      room -= rows;
      this.#rows -= rows;
      if (request.taken === request.asked.rows) done += 1;
    }
    line.splice(0, done);
    this.#requests -= done;
    this.#lines.delete(customer);
    if (line.length > 0) this.#lines.set(customer, line);
    return pieces;
  }
}
