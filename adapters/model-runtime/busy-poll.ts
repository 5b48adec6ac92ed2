import { availableParallelism } from 'node:os';

/**
 * How long a process looks for its peer's next word before it sleeps, in milliseconds. To wake a sleeping core takes 50 to 100
 * microseconds on a virtual machine, several times as long as a light model.
 */
export const BUSY_POLL_MS = 0.2;

/** Where there is one core, looking would keep it from whoever is to be looked for. */
const HAS_CORES = availableParallelism() > 1;

/** Busy polling (as Linux's `SO_BUSY_POLL`): the event loop does not sleep for a moment after something came or went. */
export class BusyPoll {
  readonly #forMs: number;
  #untilMs = 0;
  #isLooking = false;

  /** @param forMs - 0: never. */
  constructor(forMs: number) {
    this.#forMs = HAS_CORES ? forMs : 0;
  }

  /** From now on, once more. */
  start(): void {
    if (this.#forMs === 0) return;
    this.#untilMs = performance.now() + this.#forMs;
    if (this.#isLooking) return;
    this.#isLooking = true;
    setImmediate(this.#look);
  }

  /** As long as an immediate waits, the loop asks for what has come and does not sleep. */
  readonly #look = (): void => {
    this.#isLooking = performance.now() < this.#untilMs;
    if (this.#isLooking) setImmediate(this.#look);
  };
}
