/** Large pieces are worked on for so long, then whatever else has come has its turn. */
const TURN_MS = 0.5;

/** Large pieces of work, a few in each turn of the event loop: small requests are read and answered in between. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #startedMs = 0;
  #isRunning = false;

  /** Resolves when nobody who came before has the turn any more. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(this.#begin);
    });
  }

  readonly #begin = (): void => {
    this.#startedMs = performance.now();
    this.#giveOne();
  };

  readonly #giveOne = (): void => {
    const resolve = this.#waiting.shift();
    this.#isRunning = resolve !== undefined;
    if (resolve === undefined) return;
    resolve();
    // behind the work that this resolves
    queueMicrotask(this.#goOn);
  };

  readonly #goOn = (): void => {
    if (performance.now() - this.#startedMs < TURN_MS) this.#giveOne();
    else setImmediate(this.#begin);
  };
}
