import { NO_SEALER, type Sealer } from '../../domain/ports/sealer.js';
import {
  newSigningKey,
  sealLineWith,
  sealWith,
  type SigningKey,
} from '../../client/signing/signing-key.js';
import type { ToSign } from '../../domain/lifecycle.js';
import { emptyTrust, withKey } from '../../domain/signing/trust-edits.js';
import { trustSchema, type Least, type Trust } from '../../domain/signing/trust.js';
import { aDigest } from '../../testing/builders.js';

export const ENVIRONMENT = 'production';

/** People by name, each with a key, and the trust file that trusts them for these roles. */
export function signersOf<Name extends string>(
  roles: Readonly<Record<Name, readonly string[]>>,
): { keys: Record<Name, SigningKey>; trust: Trust };
export function signersOf(roles: Readonly<Record<string, readonly string[]>>) {
  const keys: Record<string, SigningKey> = {};
  let trust = emptyTrust(ENVIRONMENT);
  for (const [name, own] of Object.entries(roles)) {
    const key = newSigningKey(`${name}@example.com`, ENVIRONMENT);
    keys[name] = key;
    if (own.length > 0) trust = withKey(trust, key, own);
  }
  return { keys, trust };
}

/** Seals by a key whatever it is asked to. */
export const sealerOf = (key: SigningKey): Sealer => ({
  ...NO_SEALER,
  seal: (next) => sealWith(key, next),
  sealLine: (line) => sealLineWith(key, line),
});

/** The same trust file, that asks this at least of a model. */
export function asking(trust: Trust, model: string, least: Partial<Least>): Trust {
  return trustSchema.parse({ ...trust, models: { ...trust.models, [model]: least } });
}

/** What a decision of a test is about. */
export function toSign(overrides: Partial<ToSign> = {}): ToSign {
  return {
    environment: ENVIRONMENT,
    ...{ wid: 'lifecycle/tickets/1', run: '0195d1a0-0000-7000-8000-000000000001' },
    ...{ model: 'tickets', manifest: aDigest('version 2'), artifact: 'model.onnx' },
    ...{ baseline: aDigest('version 1'), evidence: aDigest('evidence'), nonce: 'n'.repeat(32) },
    ...overrides,
  };
}
