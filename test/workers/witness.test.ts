import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeKeyFile } from '../../client/signing/key-file.js';
import { personSealer } from '../../client/signing/sealers.js';
import { newSigningKey } from '../../client/signing/signing-key.js';
import type { LiveState } from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';
import { withRetired, withWitness } from '../../domain/signing/trust-edits.js';
import type { Trust } from '../../domain/signing/trust.js';
import { requiredSealer } from '../../workers/witness.js';
import { aFolder, aPromotion, failure } from '../adapters/registry/builders.js';
import { ENVIRONMENT, signersOf } from '../support/signers.js';

const NOW = new Date().toISOString();

function aState(overrides: Partial<LiveState> = {}): LiveState {
  const given = { model: 'tickets', writeId: 'write-1', now: NOW };
  const { next } = stepLive(null, aPromotion('a', null), given);
  return { ...(next ?? assert.fail()), ...overrides };
}

describe('a worker’s sealer', () => {
  const { keys, trust } = signersOf({ ada: ['data-science'] });
  const witness = newSigningKey('worker-1', ENVIRONMENT);

  it('is needed where the trust file names witnesses, and must be one of them', async () => {
    await using folder = await aFolder();
    const file = join(folder.path, 'worker.json');
    await writeKeyFile(file, witness);
    const sealer = (witnessKey: string | undefined, trusted: Trust | null) =>
      requiredSealer({ witnessKey }, { read: () => Promise.resolve(trusted) });
    const named = withWitness(trust, witness);
    assert.equal(await (await sealer(undefined, trust)).seal(aState(), null), null);
    assert.equal(await (await sealer(undefined, null)).seal(aState(), null), null);
    await assert.rejects(sealer(undefined, named), failure('SetUpMissing', /set SWITCHYARD_WIT/));
    await assert.rejects(
      sealer(file, trust),
      failure('SetUpMissing', /is no witness of the trust/),
    );
    const retired = withRetired(named, witness.kid, NOW);
    await assert.rejects(sealer(file, retired), failure('SetUpMissing', /is no witness/));
    assert.match((await (await sealer(file, named)).seal(aState(), null)) ?? '', /^ey/);
  });

  it('goes by the trust file as it is then, and writes nothing that nobody would follow', async () => {
    await using folder = await aFolder();
    const file = join(folder.path, 'worker.json');
    await writeKeyFile(file, witness);
    const state: { trust: Trust | null } = { trust: withWitness(trust, witness) };
    const read = () =>
      state.trust === null
        ? Promise.reject(new Error('it is being written'))
        : Promise.resolve(state.trust);
    const sealer = await requiredSealer({ witnessKey: file }, { read });
    assert.match((await sealer.seal(aState(), null)) ?? '', /^ey/);
    const unsealed = { state: aState(), toSeal: '' };
    const nothing = () => Promise.resolve(null);
    assert.match((await sealer.faultOf(unsealed, nothing)) ?? '', /has no seal of a witness/);
    const known = state.trust;
    state.trust = null;
    assert.match((await sealer.seal(aState(), null)) ?? '', /^ey/, 'by what it knew');
    assert.ok(known !== null);
    state.trust = withRetired(known, witness.kid, NOW);
    await assert.rejects(
      sealer.seal(aState(), null),
      failure('LivePointerBusy', /nobody would follow/),
    );
    state.trust = trust;
    assert.equal(await sealer.seal(aState(), null), null, 'nothing is sealed any more');
    assert.equal(await sealer.faultOf(unsealed, nothing), null);
  });

  it('is a person’s own for a fallback past liveModel, where states are sealed', async () => {
    const order = { by: keys.ada.person, reason: 'x', at: NOW, leaving: 'a'.repeat(64) };
    const direct = [{ ...order, generation: 1, signature: null }];
    const source = { read: () => Promise.resolve(withWitness(trust, witness)) };
    const sealer = (key: typeof keys.ada | null, known = source) =>
      personSealer(() => Promise.resolve(key), known);
    assert.match((await sealer(keys.ada).seal(aState({ direct }), null)) ?? '', /^ey/);
    const refused = (sentence: RegExp) => failure('InvalidRequest', sentence);
    await assert.rejects(sealer(null).seal(aState({ direct }), null), refused(/SWITCHYARD_KEY/));
    await assert.rejects(sealer(keys.ada).seal(aState(), null), refused(/name who orders it/));
    const other = newSigningKey('eve@example.com', ENVIRONMENT);
    await assert.rejects(sealer(other).seal(aState({ direct }), null), refused(/not one that the/));
    const unknown = personSealer(() => Promise.resolve(keys.ada), null);
    assert.equal(await unknown.seal(aState({ direct }), aState()), null, 'nothing is sealed there');
    assert.match((await unknown.seal(aState({ direct }), aState({ seal: 'x' }))) ?? '', /^ey/);
  });
});
