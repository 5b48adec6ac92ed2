import assert from 'node:assert/strict';
import { attackedTrust } from './forgeries.js';
import { asking, ENVIRONMENT } from '../support/signers.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { fallBackDirectly } from '../../client/direct-fallback.js';
import { newSigningKey, sealWith } from '../../client/signing/signing-key.js';
import { writePast } from './effects.js';
import { withRevoked, withWitness } from '../../domain/signing/trust-edits.js';
import { approvalsOf, openEndpoint, servedUnder, type PredictorAttack } from './predictors.js';
import { runApprovals } from './approvals.js';

describe('approvals', () => {
  it('that are forged, replayed, stale or misdirected never count, and honest ones do', async () => {
    const { figures, violations } = await runApprovals({ count: 40, say: () => undefined });
    assert.deepEqual(violations, []);
    const [attacks = ''] = figures;
    assert.ok(Number.parseInt(attacks, 10) >= 60, attacks);
    assert.match(figures.at(-1) ?? '', /^40 of 40 honest decisions accepted$/);
  }).timeout(180_000);

  it('by the people that a trust file asks for are all that an endpoint needs, a year later too', async () => {
    const { keys, trust } = attackedTrust();
    const least = asking(trust, 'tickets', { quorum: 2, roles: ['engineering'] });
    const lastYear = new Date(Date.now() - 365 * 86_400_000);
    const honest: PredictorAttack = {
      name: 'no attack',
      make: ({ model, evil: version }) => ({
        decisions: approvalsOf(keys, model, version, lastYear),
      }),
    };
    const { served, evil } = await servedUnder(least, honest, keys);
    assert.equal(served, evil);
  });

  it('do not help whoever writes a live.json that no witness sealed', async () => {
    const { keys, trust } = attackedTrust();
    const witness = newSigningKey('worker-1', ENVIRONMENT);
    const source = { read: () => Promise.resolve(withWitness(trust, witness)) };
    await using open = await openEndpoint(source, keys, sealWith(witness));
    const { store, registry, model, good, evil, reported } = open;
    const about = { version: evil.version, digest: evil.digest, artifact: evil.artifact };
    const decisions = approvalsOf(keys, model, evil);
    const candidate = { ...about, evidence: evil.evidence, decisions };
    // approved, and nobody who may write put it there: old approvals of what was never promoted, say
    await writePast(new ObjectRegistry(store), model, candidate, 'forged');
    const { digest, problem } = await reported('it is refused', (each) => each.problem !== null);
    assert.equal(digest, good.digest);
    assert.match(problem ?? '', /^live\.json is refused: generation 2 has no seal of a witness$/);
    const own = new ObjectRegistry(store, { seal: sealWith(keys.grace) });
    const said = { by: keys.grace.person, reason: 'it is forged' };
    await fallBackDirectly(own, model, said);
    await reported('the way back, which a person sealed, is followed', ({ generation }) => {
      return generation === 3;
    });
    await registry.changeLive(model, { kind: 'freeze', by: 'ada', reason: 'look' }, 'honest again');
    const after = await reported('so is what a worker sealed', (each) => each.generation === 4);
    assert.deepEqual([after.digest, after.problem], [good.digest, null]);
  }).timeout(60_000);

  it('by a key that is revoked later leave what serves serving, and say so', async () => {
    const { keys, trust } = attackedTrust();
    const state = { trust };
    const source = { read: () => Promise.resolve(state.trust) };
    await using open = await openEndpoint(source, keys);
    const metrics = async () => (await fetch(`${open.endpoint.url}/metrics`)).text();
    assert.match(await metrics(), /^switchyard_approved\{model="tickets"\} 1$/m);
    const before = new Date(Date.now() - 60_000).toISOString();
    const noOther = withRevoked(trust, keys.joan.kid, before);
    state.trust = withRevoked(noOther, keys.ada.kid, before);
    const { digest, problem } = await open.reported('it says so', (each) => each.problem !== null);
    assert.equal(digest, open.good.digest);
    assert.match(
      problem ?? '',
      /^version 1 serves on, and would not be opened any more: version 1 is not approved: 0 of the 1 /,
    );
    assert.match(await metrics(), /^switchyard_approved\{model="tickets"\} 0$/m);
    state.trust = trust;
    await open.reported('it is over', (each) => each.problem === null);
  }).timeout(60_000);
});
