import assert from 'node:assert/strict';
import { createDeployActivities } from '../../activities/deploy.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import type { RecordedDecision } from '../../domain/decision.js';
import type { Evidence, TestReport } from '../../domain/evidence.js';
import { signOrder, type SigningKey } from '../../client/signing/signing-key.js';
import { liveChangeSchema, type LiveChange } from '../../domain/live-state.js';
import type { Trust } from '../../domain/signing/trust.js';
import { aFolder, aManifest, anEvidence, aTestReport } from '../adapters/registry/builders.js';
import { aDecision, aDigest } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { asking, signersOf } from '../support/signers.js';
import { failed, runActivity } from './run-activity.js';

const MODEL = 'tickets';
const FILES = { 'model.onnx': 'weights' };

type Promotion = Extract<LiveChange, { kind: 'promote' }>;

interface Shop {
  readonly registry: ObjectRegistry;
  /** The promotion that both roles have approved. */
  readonly promotion: Promotion;
  readonly write: (change: LiveChange) => Promise<{ kind: string; generation: number }>;
  /** Other documents beside the same version, and the promotion that rests on them. */
  readonly promotionOn: (
    evidence: Partial<Evidence>,
    report?: Partial<TestReport>,
  ) => Promise<Promotion>;
}

/** A registry with one version, its report and its evidence. */
async function openShop(trust: Trust | null = null): Promise<Shop> {
  const registry = new ObjectRegistry(new MemoryObjectStore());
  await using folder = await aFolder(FILES);
  const { digest, version } = await registry.publish(aManifest(MODEL, FILES), folder.path);
  const { writeLive } = createDeployActivities({
    registry,
    ...{ targets: {}, trust: { read: () => Promise.resolve(trust) } },
    livePointer: { ask: () => Promise.reject(new Error('not asked here')) },
    notifier: { notify: () => Promise.resolve() },
  });
  const promotionOn: Shop['promotionOn'] = async (overrides, report = {}) => {
    const made = { ...aTestReport(MODEL, digest), ...report };
    const testReport = await registry.putEvidence(MODEL, digest, made);
    const evidence = await registry.putEvidence(MODEL, digest, {
      ...anEvidence(MODEL, digest),
      ...{ testReport, roles: ['data-science', 'engineering'], ...overrides },
    });
    const decisions = [decided('data-science', evidence), decided('engineering', evidence)];
    const candidate = { version, digest, artifact: 'model.onnx', evidence, decisions };
    return { kind: 'promote', candidate, baseline: overrides.baseline ?? null };
  };
  return {
    registry,
    promotion: await promotionOn({}),
    promotionOn,
    write: (change) => runActivity(writeLive, { model: MODEL, change, writeId: 'wish-1' }),
  };
}

function decided(role: string, evidence: string): RecordedDecision {
  return { ...aDecision({ role, evidence }), signature: null, at: '2026-01-01T00:00:00Z' };
}

describe('writeLive', () => {
  it('promotes what its evidence, its report and its approvals allow', async () => {
    const { registry, write, promotion } = await openShop();
    assert.equal((await write(promotion)).kind, 'promoted');
    assert.equal((await registry.live(MODEL))?.state.live, promotion.candidate.digest);
  });

  /** What is changed of a promotion that would be right, and the sentence that refuses it. */
  const wrongs: Readonly<Record<string, [(shop: Shop) => Promise<Promotion>, RegExp]>> = {
    'without evidence': [
      ({ promotion }) => Promise.resolve(changed(promotion, { evidence: aDigest('none') })),
      /there is no evidence/,
    ],
    'without the approval of one role': [
      ({ promotion }) => {
        const decisions = promotion.candidate.decisions.slice(0, 1);
        return Promise.resolve(changed(promotion, { decisions }));
      },
      /engineering did not approve this evidence/,
    ],
    'that one role has rejected': [
      ({ promotion }) => {
        const [one, other] = promotion.candidate.decisions.map((decision) => decision);
        const rejected = { ...(other ?? assert.fail()), decision: 'rejected' as const };
        return Promise.resolve(changed(promotion, { decisions: [one ?? assert.fail(), rejected] }));
      },
      /engineering did not approve this evidence/,
    ],
    'whose decisions are on other evidence': [
      ({ promotion }) => {
        const decisions = ['data-science', 'engineering'].map((role) =>
          decided(role, aDigest('older')),
        );
        return Promise.resolve(changed(promotion, { decisions }));
      },
      /data-science did not approve/,
    ],
    'whose report failed': [
      ({ promotionOn }) => promotionOn({}, { verdict: 'failed' }),
      /its gates did not pass/,
    ],
    'whose report is about another file': [
      ({ promotionOn }) => promotionOn({}, { artifact: 'model.int8.onnx' }),
      /its test report is about model\.int8\.onnx, not model\.onnx/,
    ],
    'whose report is gone': [
      ({ promotionOn }) => promotionOn({ testReport: aDigest('gone') }),
      /its gates did not pass/,
    ],
    'of another artifact': [
      ({ promotion }) => Promise.resolve(changed(promotion, { artifact: 'other.onnx' })),
      /another version or artifact/,
    ],
    'on the evidence of another version': [
      ({ promotion }) => {
        const digest = aDigest('another');
        return Promise.resolve(changed(promotion, { digest }));
      },
      /that number has another digest/,
    ],
    'that was compared with another version than it replaces': [
      async ({ promotionOn }) => ({
        ...(await promotionOn({ baseline: aDigest('live') })),
        baseline: null,
      }),
      /its evidence compares it with another version/,
    ],
    'under the number of another version': [
      ({ promotion }) => Promise.resolve(changed(promotion, { version: 2 })),
      /that number has another digest/,
    ],
  };
  for (const [what, [make, sentence]] of Object.entries(wrongs)) {
    it(`refuses a promotion ${what}`, async () => {
      const shop = await openShop();
      await assert.rejects(shop.write(await make(shop)), failed('EvidenceInvalid', sentence));
      assert.equal(await shop.registry.live(MODEL), null);
    });
  }

  it('falls back where the trust file wants orders signed by who signs it alone', async () => {
    const { keys, trust } = signersOf({ grace: ['engineering'], eve: [] });
    const leaving = aDigest('version 1');
    const by = keys.grace.person;
    const about = { order: 'fallback', target: leaving, role: null, reason: 'lost mails' } as const;
    const order = (said: object) =>
      liveChangeSchema.parse({ kind: 'fallback', leaving, said: { by, ...said } });
    const sign = (key: SigningKey, target = leaving) =>
      signOrder(key, { ...about, target, by: key.person });
    const { reason } = about;
    const wanted = asking(trust, MODEL, { fallback: 'signed' });
    const { write } = await openShop(wanted);
    // it gets as far as what is live, which is nothing
    const good = await write(order({ reason, signature: await sign(keys.grace) }));
    assert.equal(good.kind, 'already-done');
    const refused = async (said: object, sentence: RegExp) => {
      await assert.rejects(write(order(said)), failed('InvalidRequest', sentence));
    };
    await refused({ reason }, /is not signed as it must be: falling back is signed here/);
    await refused({ reason, by: 'monitor/tickets' }, /is signed here/);
    await refused({ reason, signature: await sign(keys.eve) }, /is not one that is trusted/);
    const elsewhere = await sign(keys.grace, aDigest('version 2'));
    await refused({ reason, signature: elsewhere }, /says something else/);
    await refused({ reason: 'so what', signature: await sign(keys.grace) }, /says something else/);
    const { write: unasked } = await openShop(trust);
    assert.equal((await unasked(order({ reason }))).kind, 'already-done');
    const byEve = order({ reason, signature: await sign(keys.eve) });
    await assert.rejects(unasked(byEve), failed('InvalidRequest', /is not one that is trusted/));
  });

  it('asks for no evidence where an engineer falls back', async () => {
    const { write } = await openShop();
    const { kind } = await write({ kind: 'fallback', leaving: aDigest('nothing') });
    assert.equal(kind, 'already-done');
  });

  it('refuses a wish that it does not understand', async () => {
    const { promotion, write } = await openShop();
    const nameless = changed(promotion, { evidence: '../../live.json' });
    await assert.rejects(write(nameless), failed('InvalidRequest', /change\.candidate\.evidence/));
  });
});

function changed(promotion: Promotion, overrides: Partial<Promotion['candidate']>): Promotion {
  return { ...promotion, candidate: { ...promotion.candidate, ...overrides } };
}
