import type { Trust } from '../signing/trust.js';

/** Whom this installation trusts. */
export interface TrustSource {
  /**
   * What the trust file says now; null: decisions are not signed here.
   * @throws PortError `TrustUnreadable` where it cannot be read, or is wrong: it may be being written.
   */
  read(): Promise<Trust | null>;
}

/** The same, where one that cannot be read, for it is being written, must stop nothing: then the last one counts, if there was one. */
export function keepingLast(source: TrustSource): TrustSource {
  let last: Trust | null | undefined;
  return {
    read: async () => {
      last = await source.read().catch((error: unknown) => {
        if (last === undefined) throw error;
        return last;
      });
      return last;
    },
  };
}

/** Where decisions are not signed. */
export const NO_TRUST: TrustSource = { read: () => Promise.resolve(null) };
