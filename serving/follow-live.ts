import { liveVersionOf, type LiveState, type ServedVersion } from '../domain/live-state.js';
import { shortDigest } from '../domain/names.js';
import type { Registry } from '../domain/ports/registry.js';
import type { Target } from '../domain/ports/target.js';
import { LiveWatch } from './live-watch.js';
import { SILENT, type Log } from './log.js';
import { repeat } from './repeat.js';

export interface FollowLiveOptions {
  readonly registry: Pick<Registry, 'liveIfChanged'>;
  readonly model: string;
  /**
   * Called with each version that is to serve now, one at a time, and after a fallback with the version before; null: none is
   * to. Where it throws it is called again, with the version that is live by then.
   */
  readonly onVersion: (version: ServedVersion | null) => Promise<void>;
  /** How often `live.json` is looked at, and a failed call is made again; default 500. */
  readonly everyMs?: number;
  readonly log?: Log;
}

/** Somebody who follows; as a target it says what it has been told last, and why not the newest. */
export interface FollowingLive extends Target, AsyncDisposable {
  /** Ends it, after a call under way. */
  stop(): Promise<void>;
}

/**
 * Follows a model's `live.json`, for targets of one's own: an app, a table, a cluster. It pulls, so that a fallback reaches it
 * with no lifecycle running; an older state than one already seen is refused.
 *
 * @example
 * const following = followLive({ registry, model: 'tickets', onVersion: (version) => app.load(version) });
 */
export function followLive(options: FollowLiveOptions): FollowingLive {
  const { registry, model, onVersion, everyMs = 500, log = SILENT } = options;
  let newest: LiveState | null = null;
  let applied: LiveState | null = null;
  let failure: string | null = null;
  let refusal: string | null = null;
  const apply = async () => {
    const state = newest;
    if (state === null || (applied !== null && isSameFile(applied, state))) return;
    try {
      await onVersion(liveVersionOf(state));
      applied = state;
      failure = null;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      log.error({ model, digest: state.live, err: error }, 'a version could not be taken over');
    }
  };
  let applying = Promise.resolve();
  const applyNext = () => (applying = applying.then(apply));
  const watch = new LiveWatch({
    ...{ registry, model, pollMs: everyMs, log },
    onState: (state) => {
      newest = state;
      void applyNext();
    },
    onProblem: (problem) => {
      refusal = problem;
    },
  });
  const again = repeat(everyMs, applyNext);
  void watch.poll();
  const stop = async () => {
    await Promise.all([watch.stop(), again.stop()]);
    await applying;
  };
  return {
    stop,
    [Symbol.asyncDispose]: stop,
    serving: ({ digest }) => {
      const has = applied?.live ?? null;
      const shown = has === null ? 'nothing' : shortDigest(has);
      const why = failure ?? refusal;
      const note = `it has ${shown}${why === null ? '' : ` (${why})`}`;
      return Promise.resolve({ serves: has === digest, note });
    },
  };
}

/** A version may have served before by another of its files. */
function isSameFile(one: LiveState, other: LiveState): boolean {
  const artifactOf = (state: LiveState) => liveVersionOf(state)?.artifact;
  return one.live === other.live && artifactOf(one) === artifactOf(other);
}
