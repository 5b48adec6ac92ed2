import type { Trust } from '../signing/trust.js';

/** Whom this installation trusts. */
export interface TrustSource {
  /**
   * What the trust file says now; null: decisions are not signed here.
   * @throws PortError `TrustUnreadable` where it cannot be read, or is wrong: it may be being written.
   */
  read(): Promise<Trust | null>;
}

/** Where decisions are not signed. */
export const NO_TRUST: TrustSource = { read: () => Promise.resolve(null) };
