import assert from 'node:assert/strict';
import { attackedTrust } from './forgeries.js';
import { asking, ENVIRONMENT } from '../support/signers.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { fallBackDirectly } from '../../client/direct-fallback.js';
import { personSealer, witnessSealer } from '../../client/signing/sealers.js';
import { newSigningKey, sealWith } from '../../client/signing/signing-key.js';
import { failure } from '../adapters/registry/builders.js';
import { auditKey, liveKey } from '../../adapters/registry/keys.js';
import { encodeJson } from '../../adapters/registry/stored-json.js';
import { digestOfBytes } from '../../domain/digest.js';
import type { LiveState } from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';
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
    const sealer = witnessSealer(witness, source);
    await using open = await openEndpoint(source, keys, sealer);
    const { store, registry, model, good, evil, reported } = open;
    const read = async () => (await registry.live(model)) ?? assert.fail();
    const write = (state: LiveState) => store.put(liveKey(model), encodeJson(state), 'none');
    const refusal = (why: RegExp) =>
      reported(`it is refused: ${why.source}`, ({ problem }) => why.test(problem ?? ''));
    const served = async (generation: number) => {
      const found = await reported(`generation ${generation} is followed`, (each) => {
        return each.generation === generation && each.problem === null;
      });
      return found.digest;
    };
    const about = { version: evil.version, digest: evil.digest, artifact: evil.artifact };
    const decisions = approvalsOf(keys, model, evil);
    const candidate = { ...about, evidence: evil.evidence, decisions };
    const promotion = { kind: 'promote', candidate, baseline: good.digest } as const;

    // approved, and nobody put it there who may
    const now = new Date().toISOString();
    const before = await read();
    const given = { model, writeId: 'forged', now };
    await write(stepLive(before.state, promotion, given).next ?? assert.fail());
    await refusal(/^live\.json is refused: generation 2 has no seal of a witness$/);
    await assert.rejects(
      registry.changeLive(model, { ...promotion, baseline: evil.digest }, 'built on it'),
      failure('StoreRefused', /is not as a worker wrote it: generation 2 has no seal/),
    );
    await write(before.state);

    // as it was: a worker promotes it, and a person falls back past liveModel
    const worker = new ObjectRegistry(store, { sealer });
    await worker.changeLive(model, promotion, 'honest 2');
    assert.equal(await served(2), evil.digest);
    const said = { by: keys.grace.person, reason: 'it is wrong' };
    const without = personSealer(() => Promise.resolve(null), source);
    await assert.rejects(
      fallBackDirectly(new ObjectRegistry(store, { sealer: without }), model, said),
      failure('InvalidRequest', /nobody would follow this fallback: .* SWITCHYARD_KEY/),
    );
    const own = personSealer(() => Promise.resolve(keys.grace), source);
    await fallBackDirectly(new ObjectRegistry(store, { sealer: own }), model, said);
    assert.equal(await served(3), good.digest);

    // what that person seals besides counts for nothing
    const { state } = await read();
    const [order] = state.direct;
    const thawed: LiveState = {
      ...{ ...state, generation: 4, writeId: 'forged 4', live: evil.digest },
      served: [...state.served].reverse(),
      direct: [...state.direct, { ...(order ?? assert.fail()), generation: 4 }],
      audit: { previous: digestOfBytes(encodeJson(state)) },
    };
    await store.put(auditKey(model, 3), encodeJson(state), 'none');
    await write({ ...thawed, seal: await sealWith(keys.grace, thawed) });
    await refusal(/a person's seal is for a fallback of that person alone/);
    await write({ ...thawed, withdrawn: [] });
    await refusal(/does not know any more that .* was withdrawn/);
    const order5 = { kind: 'freeze', by: 'grace', reason: 'look at what is there' } as const;
    await write({ ...state, generation: 4, writeId: 'forged once more', seal: null });
    await refusal(/generation 4 has no seal/);
    await worker.changeLive(model, order5, 'a person has looked');
    assert.equal(await served(5), good.digest);
  }).timeout(90_000);

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
