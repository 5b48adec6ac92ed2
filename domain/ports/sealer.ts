import type { LiveState } from '../live-state.js';
import type { LineToSeal } from '../signing/line-seal.js';
import type { Sealed } from '../signing/seal.js';

/** Seals what is written into `live.json` and into journals, and knows what nobody should build on. */
export interface Sealer {
  /**
   * The seal (compact JWS) of a state that is to be written over another; null where nothing is sealed.
   * @throws PortError `LivePointerBusy` (retryable: another worker may have a key) or `InvalidRequest` where it should be sealed, and
   *   here is no key that counts: nobody would follow what is written.
   */
  seal(next: LiveState, over: LiveState | null): Promise<string | null>;
  /** The seal (compact JWS) of a line; null where nothing is sealed. @throws PortError as `seal`. */
  sealLine(line: LineToSeal): Promise<string | null>;
  /** Why nobody should build on a state; null where nothing is wrong. @param before - The state that a state names as the one before it. */
  faultOf(
    sealed: Sealed,
    before: (state: LiveState) => Promise<Sealed | null>,
  ): Promise<string | null>;
}

/** Where nothing is sealed. */
export const NO_SEALER: Sealer = {
  seal: () => Promise.resolve(null),
  sealLine: () => Promise.resolve(null),
  faultOf: () => Promise.resolve(null),
};
