import assert from 'node:assert/strict';
import { attackedTrust } from './forgeries.js';
import { withRevoked } from '../../domain/signing/trust-edits.js';
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
    const asking = { ...trust, models: { tickets: { quorum: 2, roles: ['engineering'] } } };
    const lastYear = new Date(Date.now() - 365 * 86_400_000);
    const honest: PredictorAttack = {
      name: 'no attack',
      make: ({ model, evil: version }) => ({
        decisions: approvalsOf(keys, model, version, lastYear),
      }),
    };
    const { served, evil } = await servedUnder(asking, honest, keys);
    assert.equal(served, evil);
  });

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
    assert.match(problem ?? '', /^version 1 serves on, but is not approved any more: 0 of the 1 /);
    assert.match(await metrics(), /^switchyard_approved\{model="tickets"\} 0$/m);
    state.trust = trust;
    await open.reported('it is over', (each) => each.problem === null);
  }).timeout(60_000);
});
