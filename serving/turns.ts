import { setImmediate as afterOthers } from 'node:timers/promises';

/** Large pieces of work, one in each turn of the event loop: small requests are read and answered in between. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when nobody who came before has the turn any more. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => afterOthers());
    return this.#last;
  }
}
