import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { fallBackDirectly } from '../../client/direct-fallback.js';
import { newSigningKey, type SigningKey } from '../../client/signing/signing-key.js';
import type { LiveChange } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { withWitness } from '../../domain/signing/trust-edits.js';
import type { Trust } from '../../domain/signing/trust.js';
import { anEvidence } from '../adapters/registry/builders.js';
import {
  LIFECYCLE,
  publishSound,
  soundSnapshot,
  testSound,
} from '../adapters/registry/audit/sound-bucket.js';
import type { Published } from '../bench/lifecycle/publish-versions.js';
import { ENVIRONMENT, sealerOf } from '../support/signers.js';
import { attackedTrust, type Keys } from './forgeries.js';
import { approvalsOf } from './predictors.js';

export const MODEL = 'tickets';

/** A bucket with a history: three versions, approved and sealed; freezes, fallbacks, one of them past `liveModel`. */
export interface AuditWorld {
  readonly store: ObjectStore;
  readonly keys: Keys;
  readonly witness: SigningKey;
  readonly trust: Trust;
}

/** Writes that history into an empty bucket. */
export async function writeHistory(store: ObjectStore): Promise<AuditWorld> {
  const { keys, trust } = attackedTrust();
  const witness = newSigningKey('worker-1', ENVIRONMENT);
  const registry = new ObjectRegistry(store, { sealer: sealerOf(witness) });
  const data = await soundSnapshot(store);
  /** A version that was measured against what it is to replace. */
  const tested = async (name: number, baseline: string | null): Promise<Published> => {
    const registered = await publishSound(registry, { model: MODEL, number: name, data });
    const { version, digest } = registered;
    const given = { model: MODEL, version: registered, data, baseline };
    const evidence = await testSound(registry, given);
    const nonce = anEvidence(MODEL, digest).nonce;
    const about = { run: LIFECYCLE, nonce, baseline };
    return { version, digest, artifact: 'model.onnx', evidence, about };
  };
  const said = { by: keys.grace.person, reason: 'wrong queues' };
  const order = { reason: 'an audit', by: keys.grace.person };
  let number = 0;
  const change = async (wish: LiveChange) => {
    number += 1;
    await registry.changeLive(MODEL, wish, `write-${number}`);
  };
  const promote = async (version: Published) => {
    const { version: own, digest, artifact, evidence, about } = version;
    const decisions = approvalsOf(keys, MODEL, version);
    const candidate = { version: own, digest, artifact, evidence, decisions };
    await change({ kind: 'promote', candidate, baseline: about.baseline });
  };
  const first = await tested(1, null);
  const second = await tested(2, first.digest);
  const third = await tested(3, first.digest);
  await promote(first);
  await change({ kind: 'freeze', ...order });
  await change({ kind: 'thaw', ...order });
  await promote(second);
  await change({ kind: 'fallback', leaving: second.digest, said });
  await promote(third);
  const own = new ObjectRegistry(store, { sealer: sealerOf(keys.grace) });
  await fallBackDirectly(own, MODEL, said);
  await change({ kind: 'freeze', ...order });
  return { store, keys, witness, trust: withWitness(trust, witness) };
}
