import type { LiveChange, LiveChangeResult } from '../live-state.js';

/** Asks the workflow `liveModel` to change what serves; it is started where it does not run yet. */
export interface LivePointer {
  /**
   * @param requestId - Names the wish: asking again with it gives the first answer.
   * Throws `TemporalUnreachable` (retryable) or what the change itself threw.
   */
  ask(model: string, change: LiveChange, requestId: string): Promise<LiveChangeResult>;
}
