import { PortError } from '../../domain/failures.js';
import type { Sealer } from '../../domain/ports/sealer.js';
import { keepingLast, type TrustSource } from '../../domain/ports/trust.js';
import { sealFault } from '../../domain/signing/seal.js';
import { keysOf, type TrustKey } from '../../domain/signing/trust.js';
import { sealLineWith, sealWith, type SigningKey } from './signing-key.js';

const isCurrent = ({ retired, compromised }: TrustKey) =>
  retired === undefined && compromised === undefined;

/**
 * How a worker seals: with its witness's key, where the trust file names witnesses by then. What it could not seal it does not write.
 * @param key - Null: it has none.
 */
export function witnessSealer(key: SigningKey | null, source: TrustSource): Sealer {
  const last = keepingLast(source);
  const trusted = async () => {
    const trust = await last.read();
    return trust !== null && trust.witnesses.length > 0 ? trust : null;
  };
  /** The key that counts now; null where nothing is sealed. */
  const current = async () => {
    const trust = await trusted();
    if (trust === null) return null;
    const own = trust.witnesses.find(({ kid }) => kid === key?.kid);
    if (key !== null && own !== undefined && isCurrent(own)) return key;
    throw new PortError(
      'LivePointerBusy',
      'the trust file names witnesses, and this worker has the key of none that counts: nobody would follow what it writes; give it one (SWITCHYARD_WITNESS_KEY)',
    );
  };
  return {
    seal: async (next) => {
      const own = await current();
      return own && sealWith(own, next);
    },
    sealLine: async (line) => {
      const own = await current();
      return own && sealLineWith(own, line);
    },
    faultOf: async (sealed, before) => {
      const trust = await trusted();
      return trust && sealFault(sealed, trust, before);
    },
  };
}

/**
 * How a person seals a fallback past `liveModel`: with their own key, where the trust file names witnesses, or, where none is known here,
 * over a state that is sealed.
 * @param readKey - Called where a key is needed; null: there is none.
 */
export function personSealer(
  readKey: () => Promise<SigningKey | null>,
  source: TrustSource | null,
): Sealer {
  return {
    seal: async (next, over) => {
      const trust = source && (await source.read());
      if (trust === null && over?.seal == null) return null;
      if (trust !== null && trust.witnesses.length === 0) return null;
      const key = await readKey();
      if (key === null) {
        throw refused('live.json is sealed here: name your key with SWITCHYARD_KEY');
      }
      const own = trust && keysOf(trust).find(({ kid }) => kid === key.kid);
      if (own === undefined || (own !== null && !isCurrent(own))) {
        throw refused(`the key ${key.kid} of ${key.person} is not one that the trust file trusts`);
      }
      const by = next.direct.at(-1)?.by;
      if (by !== key.person) {
        throw refused(
          `the order is by ${by ?? 'nobody'}, the key is ${key.person}’s: name who orders it with --by`,
        );
      }
      return sealWith(key, next);
    },
    sealLine: () => Promise.reject(refused('a person writes no journal')),
    faultOf: () => Promise.resolve(null),
  };
}

const refused = (why: string) =>
  new PortError('InvalidRequest', `nobody would follow this fallback: ${why}`);
