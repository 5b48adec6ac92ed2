import { JournalFiles } from '../../adapters/registry/journal-files.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { fallBackDirectly } from '../../client/direct-fallback.js';
import { newSigningKey, signOrder, type SigningKey } from '../../client/signing/signing-key.js';
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

/** Of the lifecycle that is under way: nothing vouches for its journal yet. */
export const OPEN_RUN = '0195d1a0-0000-7000-8000-000000000300';

const STARTED = { kind: 'started', request: { model: MODEL } } as const;
const NOTHING = { version: null, digest: null, evidence: null } as const;
const ENDED = { kind: 'ended', reason: null, ...NOTHING } as const;

const LIFECYCLE_ID = 'lifecycle/tickets/1';

/**
 * A bucket with a history: three versions, approved and sealed; freezes, fallbacks, one of them past `liveModel`; the journals of the
 * lifecycles that brought them, of one that came to nothing and was reset before, and of one that is under way; a trust file that changed.
 */
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
  const files = (trusted: Trust) => {
    const source = { read: () => Promise.resolve(trusted) };
    return new JournalFiles(store, { sealer: sealerOf(witness), trust: source });
  };
  const journal = files(withWitness(trust, witness));
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
    const run = `0195d1a0-0000-7000-8000-00000000010${own}`;
    const place = { model: MODEL, workflowId: LIFECYCLE_ID, run };
    const decided = decisions.map((decision) => ({ kind: 'decided', decision }) as const);
    const begun = await journal.write({ ...place, after: null, entries: [STARTED, ...decided] });
    await change({ kind: 'promote', candidate, baseline: about.baseline });
    const live = { ...ENDED, outcome: 'live', version: own, digest, evidence } as const;
    await journal.write({ ...place, after: begun, entries: [live] });
  };
  const first = await tested(1, null);
  const second = await tested(2, first.digest);
  const third = await tested(3, first.digest);
  await promote(first);
  await resetAndCancelled(files(trust));
  await change({ kind: 'freeze', ...order });
  await change({ kind: 'thaw', ...order });
  await promote(second);
  const leaving = second.digest;
  const ordered = { order: 'fallback', target: leaving, role: null, ...said } as const;
  const signature = await signOrder(keys.grace, ordered);
  await change({ kind: 'fallback', leaving, said: { ...said, signature } });
  await promote(third);
  const own = new ObjectRegistry(store, { sealer: sealerOf(keys.grace) });
  await fallBackDirectly(own, MODEL, said);
  await change({ kind: 'freeze', ...order });
  const open = { model: MODEL, workflowId: 'lifecycle/tickets/3', run: OPEN_RUN };
  await journal.write({ ...open, after: null, entries: [STARTED] });
  return { store, keys, witness, trust: withWitness(trust, witness) };
}

/** A run that was reset after its first line, and the one that a reset began: it goes on after that line. */
async function resetAndCancelled(journal: JournalFiles): Promise<void> {
  const place = { model: MODEL, workflowId: 'lifecycle/tickets/2' };
  const [reset, next] = [1, 2].map((number) => `0195d1a0-0000-7000-8000-00000000020${number}`);
  const first = { ...place, run: reset ?? '' };
  const after = await journal.write({ ...first, after: null, entries: [STARTED] });
  const undone = { step: 'staging', end: 'restored', note: '3 objects deleted' } as const;
  const rest = [
    { kind: 'undone', row: undone },
    { ...ENDED, outcome: 'cancelled' },
  ] as const;
  await journal.write({ ...first, after, entries: rest });
  await journal.write({ ...place, run: next ?? '', after, entries: rest });
}
