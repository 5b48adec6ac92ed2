import { isPortError } from '../domain/failures.js';
import type { LiveState } from '../domain/live-state.js';
import type { LiveReading, Registry } from '../domain/ports/registry.js';
import { forgottenBy } from '../domain/signing/seal.js';
import type { Floor, LiveFloor } from './live-floor.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';

export interface LiveWatchOptions {
  readonly registry: Pick<Registry, 'liveIfChanged'>;
  readonly model: string;
  readonly pollMs: number;
  readonly log: Log;
  /** Called with every newer state, in order. */
  readonly onState: (state: LiveState) => void;
  /** Why nobody should follow a state, such as that no witness sealed it; null where nothing is wrong. */
  readonly faultOf?: (reading: LiveReading) => Promise<string | null>;
  /** Where what was followed last outlives this process; nowhere, where left out. */
  readonly floor?: LiveFloor;
  /** Called with why the newest `live.json` is refused or cannot be read, and with null at each look where neither is so. */
  readonly onProblem: (problem: string | null) => void;
}

/** Follows `live.json` by its tag. A state that is older than one already seen is refused: somebody put back old bytes. */
export class LiveWatch {
  #etag: string | null = null;
  #seen: Floor | null = null;
  /** Whether what was followed before this process is known. */
  #isFloorRead = false;
  #isUnreachable = false;
  /** Why the newest was refused, so that it is logged once. */
  #refused: string | null = null;
  #readAtMs = performance.now();
  #failures = 0;
  #looking: Promise<void> = Promise.resolve();
  readonly #options: LiveWatchOptions;
  readonly #polling: { stop(): Promise<void> };

  constructor(options: LiveWatchOptions) {
    this.#options = options;
    this.#polling = repeat(options.pollMs, () => this.poll());
  }

  /** How long ago `live.json` was last read and followed, in milliseconds, and how often it could not be. */
  get reading(): { readonly ageMs: number; readonly failures: number } {
    return { ageMs: performance.now() - this.#readAtMs, failures: this.#failures };
  }

  /** Looks now, after a look under way, so that an older reading never follows a newer one. */
  poll(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { registry, model, log, floor, onProblem } = this.#options;
    try {
      if (floor && !this.#isFloorRead) this.#seen = await floor.read();
      this.#isFloorRead = true;
      const reading = await registry.liveIfChanged(model, this.#etag);
      if (this.#isUnreachable) log.info({ model }, 'live.json can be read again');
      this.#isUnreachable = false;
      if (reading === 'unchanged') {
        this.#readAtMs = performance.now();
        onProblem(null); // what was read under this tag is followed; it could not be read since
        return;
      }
      const fault = await this.#faultOf(reading);
      // one that is refused is read again: the trust file may change
      this.#etag = fault === null ? (reading?.etag ?? null) : null;
      if (fault !== null) {
        this.#refuse(fault);
        return;
      }
      this.#readAtMs = performance.now();
      await this.#accept(reading?.state ?? null);
    } catch (error) {
      this.#failures += 1;
      // what serves keeps serving: the registry is needed to change, not to answer
      if (!this.#isUnreachable) log.warn({ model, err: error }, 'live.json cannot be read');
      this.#isUnreachable = true;
      if (isPortError(error) && error.kind === 'terminal') {
        onProblem(`live.json cannot be read: ${error.message}`);
      }
    }
  }

  stop(): Promise<void> {
    return this.#polling.stop();
  }

  async #faultOf(reading: LiveReading | null): Promise<string | null> {
    const state = reading?.state ?? null;
    const seen = this.#seen;
    const isOlder =
      seen !== null &&
      (state === null ||
        state.generation < seen.generation ||
        (state.generation === seen.generation && state.writeId !== seen.writeId));
    if (isOlder) {
      const found = state === null ? 'is gone' : `has generation ${state.generation}`;
      const { floor } = this.#options;
      const way = floor && `, unless you made the bucket anew: then delete ${floor.file}`;
      return `live.json ${found} after generation ${seen.generation} was seen; it is refused${way ?? ''}`;
    }
    const fault =
      reading === null
        ? null
        : ((seen && forgottenBy(seen, reading.state)) ??
          (await this.#options.faultOf?.(reading)) ??
          null);
    return fault && `live.json is refused: ${fault}`;
  }

  #refuse(problem: string): void {
    const { log, model, onProblem } = this.#options;
    if (problem !== this.#refused) log.error({ model, seen: this.#seen?.generation }, problem);
    this.#refused = problem;
    onProblem(problem);
  }

  async #accept(state: LiveState | null): Promise<void> {
    const { onState, onProblem, floor } = this.#options;
    this.#refused = null;
    onProblem(null);
    if (state === null) return;
    const isNew = state.generation !== this.#seen?.generation;
    this.#seen = state;
    onState(state);
    if (isNew) await floor?.write(state);
  }
}
