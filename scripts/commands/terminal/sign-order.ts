import { readKeyFile } from '../../../client/signing/key-file.js';
import { signOrder } from '../../../client/signing/signing-key.js';
import type { Ordered } from '../../../domain/signing/order.js';
import { findPlace } from './place.js';
import { thisPerson } from './person.js';

/** The option of commands that give orders. */
export const KEY_OPTION = {
  key: {
    type: 'string',
    value: 'FILE',
    about: 'the private key to sign with; SWITCHYARD_KEY where left out',
  },
} as const;

/** Who gives an order, and how it is signed. */
export interface Orderer {
  readonly by: string;
  /** Null where there is no key of that person: then it is only taken where nobody needs to sign. */
  readonly sign: (
    about: Pick<Ordered, 'order' | 'target' | 'role' | 'reason'>,
  ) => Promise<string | null>;
}

/** By the key's person, where there is a key and nobody else is named. */
export async function findOrderer(values: {
  readonly by: string | undefined;
  readonly key: string | undefined;
}): Promise<Orderer> {
  const file = values.key ?? (await findPlace()).keyFile;
  const key = file === null ? null : await readKeyFile(file);
  const by = values.by ?? key?.person ?? (await thisPerson());
  return {
    by,
    sign: (about) =>
      key === null || key.person !== by
        ? Promise.resolve(null)
        : signOrder(key, { ...about, by, reason: about.reason.trim() }),
  };
}
