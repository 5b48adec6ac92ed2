import { isPortError } from '../domain/failures.js';
import type { LiveState } from '../domain/live-state.js';
import type { Registry } from '../domain/ports/registry.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';

export interface LiveWatchOptions {
  readonly registry: Pick<Registry, 'liveIfChanged'>;
  readonly model: string;
  readonly pollMs: number;
  readonly log: Log;
  /** Called with every newer state, in order. */
  readonly onState: (state: LiveState) => void;
  /** Called with why the newest `live.json` is refused, and with null once it is accepted again. */
  readonly onProblem: (problem: string | null) => void;
}

/** Follows `live.json` by its tag. A state that is older than one already seen is refused: somebody put back old bytes. */
export class LiveWatch {
  #etag: string | null = null;
  #seen: LiveState | null = null;
  #isUnreachable = false;
  #readAtMs = performance.now();
  #failures = 0;
  readonly #options: LiveWatchOptions;
  readonly #polling: { stop(): Promise<void> };

  constructor(options: LiveWatchOptions) {
    this.#options = options;
    this.#polling = repeat(options.pollMs, () => this.poll());
  }

  /** How long ago `live.json` was last read, in milliseconds, and how often it could not be. */
  get reading(): { readonly ageMs: number; readonly failures: number } {
    return { ageMs: performance.now() - this.#readAtMs, failures: this.#failures };
  }

  /** Looks now; the endpoint's start waits for the first look. */
  async poll(): Promise<void> {
    const { registry, model, log } = this.#options;
    try {
      const reading = await registry.liveIfChanged(model, this.#etag);
      this.#readAtMs = performance.now();
      if (this.#isUnreachable) log.info({ model }, 'live.json can be read again');
      this.#isUnreachable = false;
      if (reading === 'unchanged') return;
      this.#etag = reading?.etag ?? null;
      this.#accept(reading?.state ?? null);
    } catch (error) {
      this.#failures += 1;
      // what serves keeps serving: the registry is needed to change, not to answer
      if (!this.#isUnreachable) log.warn({ model, err: error }, 'live.json cannot be read');
      this.#isUnreachable = true;
      if (isPortError(error) && error.kind === 'terminal') {
        this.#options.onProblem(`live.json cannot be read: ${error.message}`);
      }
    }
  }

  stop(): Promise<void> {
    return this.#polling.stop();
  }

  #accept(state: LiveState | null): void {
    const { log, model, onState, onProblem } = this.#options;
    const seen = this.#seen;
    const isOlder =
      seen !== null &&
      (state === null ||
        state.generation < seen.generation ||
        (state.generation === seen.generation && state.writeId !== seen.writeId));
    if (isOlder) {
      const found = state === null ? 'is gone' : `has generation ${state.generation}`;
      const problem = `live.json ${found} after generation ${seen.generation} was seen; it is refused`;
      log.error({ model, seen: seen.generation, found: state?.generation ?? null }, problem);
      onProblem(problem);
      return;
    }
    onProblem(null);
    if (state === null) return;
    this.#seen = state;
    onState(state);
  }
}
