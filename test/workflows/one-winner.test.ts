import assert from 'node:assert/strict';
import { createDeployActivities } from '../../activities/deploy.js';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import { liveChangeSchema } from '../../domain/live-state.js';
import { aCandidate, aDigest, aSpec, aTested } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import {
  approveBoth,
  asked,
  failedOn,
  promoteAnother,
  rigFor,
  startedAndAsked,
} from './lifecycle-rig.js';

const ends = (ledger: readonly { step: string; end: string }[]) =>
  ledger.map(({ step, end }) => `${step}: ${end}`);

/** Evidence by candidate and round, so that two lifecycles never share one. */
const evidenceOf = (digest: string, round: number) => aDigest(`${digest} ${round}`);

/** Each lifecycle of the rig makes a version of its own; the names of the candidates in the order of publishing. */
function ownCandidates() {
  let published = 0;
  const systems: string[] = [];
  return {
    systems,
    overrides: {
      publishVersion: () => {
        published += 1;
        const digest = aDigest(`candidate ${published}`);
        return Promise.resolve(aCandidate({ version: published, digest }));
      },
      measureSystem: ({ run, round }: { run: string; round: number }) => {
        systems.push(`${run.slice(0, 4)} ${round}`);
        return Promise.resolve({ run, stage: 'test-system' as const, attempt: round, files: [] });
      },
    },
  };
}

describe('two lifecycles of one model', () => {
  it('have one winner; the other is tested against it, on how right it is only, and asks again', async function () {
    const live = new MemoryLive();
    const { overrides, systems } = ownCandidates();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        ...overrides,
        assembleEvidence: ({ baseline, round, candidate }) =>
          Promise.resolve(aTested({ baseline, evidence: evidenceOf(candidate.digest, round) })),
      },
    });
    const [first, second] = [aDigest('candidate 1'), aDigest('candidate 2')];
    const one = await startedAndAsked(rig);
    const other = await startedAndAsked(rig);
    await approveBoth(rig, one, evidenceOf(first, 100));
    assert.equal((await rig.switchyard.outcome(one)).outcome, 'live');
    await approveBoth(rig, other, evidenceOf(second, 100));
    await asked(rig, other, 'data-science', evidenceOf(second, 200));
    assert.equal(live.state(rig.taskQueue)?.live, first);
    assert.equal(systems.length, 2, systems.join());
    await rig.switchyard.cancel(other);
    await assert.rejects(rig.switchyard.outcome(other));
    const { ledger } = await rig.switchyard.status(other);
    assert.deepEqual(ends(ledger), ['promotion of version 2: already-clean', 'staging: restored']);
    assert.equal(live.state(rig.taskQueue)?.live, first, 'it undid only itself');
  });

  it('of the very same version: the second ends superseded and takes nothing back', async function () {
    const live = new MemoryLive();
    const rounds: number[] = [];
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline, round }) => {
          rounds.push(round);
          return Promise.resolve(aTested({ baseline }));
        },
      },
    });
    const one = await startedAndAsked(rig);
    const other = await startedAndAsked(rig);
    await approveBoth(rig, one, aDigest('evidence'));
    assert.equal((await rig.switchyard.outcome(one)).outcome, 'live');
    await approveBoth(rig, other, aDigest('evidence'));
    const outcome = await rig.switchyard.outcome(other);
    assert.ok(outcome.outcome === 'superseded');
    assert.equal(outcome.reason, 'this very version is live already');
    assert.deepEqual(rounds, [100, 100], 'it is not tested against itself');
    assert.deepEqual(ends(outcome.ledger), [
      'promotion of version 1: conflicted',
      'staging: restored',
    ]);
    assert.equal(live.state(rig.taskQueue)?.live, aDigest('version 1'));
    assert.equal(live.writes, 1);
  });
});

describe('a candidate whose approvals lapse while it is on its way to live', () => {
  it('is put before people again, on evidence of its own, by the keys that are trusted then', async function () {
    const { overrides, systems } = ownCandidates();
    let promotions = 0;
    await using rig = await rigFor(this, {
      overrides: {
        ...overrides,
        assembleEvidence: ({ baseline, round, candidate }) =>
          Promise.resolve(aTested({ baseline, evidence: evidenceOf(candidate.digest, round) })),
        promoteVersion: ({ candidate: { digest } }) => {
          promotions += 1;
          const kind = promotions === 1 ? 'lapsed' : 'promoted';
          return Promise.resolve({ kind, generation: promotions, live: digest });
        },
      },
    });
    const digest = aDigest('candidate 1');
    const id = await startedAndAsked(rig);
    await approveBoth(rig, id, evidenceOf(digest, 100));
    await asked(rig, id, 'data-science', evidenceOf(digest, 200));
    await approveBoth(rig, id, evidenceOf(digest, 200));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.equal(systems.length, 1, 'how it runs is not measured again');
  });
});

describe('a candidate', () => {
  it('ends superseded without asking anybody where its version is live, or was withdrawn', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        measureQuality: ({ run, spec: { model }, candidate }) => {
          const state = live.state(model);
          return Promise.resolve({
            staged: { run, stage: 'test-quality', attempt: 1, files: [] },
            baseline: state?.live ?? null,
            isWithdrawn: state?.withdrawn.includes(candidate.digest) ?? false,
          });
        },
      },
    });
    promoteAnother(live, rig.taskQueue);
    promoteAnother(live, rig.taskQueue, 'version 1');
    const reasonOf = async () => {
      const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
      const outcome = await rig.switchyard.outcome(workflowId);
      assert.ok(outcome.outcome === 'superseded');
      assert.deepEqual(outcome.decisions, []);
      return outcome.reason;
    };
    assert.equal(await reasonOf(), 'this very version is live already');
    const order = { leaving: aDigest('version 1'), by: 'grace', reason: 'wrong queues' };
    await rig.switchyard.fallback(rig.taskQueue, order);
    assert.match(await reasonOf(), /a fallback has withdrawn this very version/);
  });

  it('lives on through a fallback while people think, and is tested against what serves then', async function () {
    const live = new MemoryLive();
    const baselines: (string | null)[] = [];
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline, round }) => {
          baselines.push(baseline);
          return Promise.resolve(aTested({ baseline, evidence: aDigest(`evidence ${round}`) }));
        },
      },
    });
    promoteAnother(live, rig.taskQueue);
    promoteAnother(live, rig.taskQueue, 'newer');
    const id = await startedAndAsked(rig);
    const order = { leaving: aDigest('newer'), by: 'grace', reason: 'wrong queues' };
    assert.equal((await rig.switchyard.fallback(rig.taskQueue, order)).kind, 'fallen-back');
    await approveBoth(rig, id, aDigest('evidence 100'));
    await asked(rig, id, 'data-science', aDigest('evidence 200'));
    await approveBoth(rig, id, aDigest('evidence 200'));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.deepEqual(baselines, [aDigest('newer'), aDigest('another')]);
  });

  it('ends rejected, not superseded, where it fails in the second test what it would fail in any case', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline }) =>
          Promise.resolve(
            baseline === null ? aTested() : aTested({ baseline, ...failedOn('accuracy') }),
          ),
      },
    });
    const id = await startedAndAsked(rig);
    promoteAnother(live, rig.taskQueue);
    await approveBoth(rig, id, aDigest('evidence'));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'rejected');
  });

  it('ends superseded at once where a fallback leaves it while its replicas are waited for', async function () {
    await using rig = await onRealStore(this);
    const model = rig.taskQueue;
    const before = await goLive(rig, model);
    const id = await startedAndAsked(rig);
    const { evidence, digest } = await rig.switchyard.status(id);
    await approveBoth(rig, id, evidence ?? '');
    await until('it is promoted', async () => {
      const known = await rig.switchyard.live(model);
      return known?.live === digest ? true : undefined;
    });
    const askedAt = performance.now();
    const order = { leaving: digest ?? '', by: 'grace', reason: 'wrong queues' };
    assert.equal((await rig.switchyard.fallback(model, order)).kind, 'fallen-back');
    const outcome = await rig.switchyard.outcome(id);
    const tookMs = performance.now() - askedAt;
    assert.ok(outcome.outcome === 'superseded');
    assert.match(outcome.reason, /was made live, in generation 3, before/);
    assert.deepEqual(ends(outcome.ledger), [
      'promotion of version 2: already-clean',
      'staging: restored',
    ]);
    assert.equal((await rig.switchyard.live(model))?.live, before);
    assert.ok(tookMs < 10_000, `${tookMs} ms, and its deadline is an hour`);
  });
});

/** Workers whose `live.json` and replicas are in the real store; the first version is served, no other. */
async function onRealStore(context: Mocha.Context): Promise<Rig> {
  const { s3 } = await testServers();
  const registry = new ObjectRegistry(new S3ObjectStore({ ...s3, credentials: s3 }));
  const { overrides } = ownCandidates();
  return startRig(context.test?.title ?? 'real store', (place) => {
    const { awaitServing, undoPromotion } = createDeployActivities({
      ...{ registry, targets: {}, trust: NO_TRUST, livePointer: new TemporalLivePointer(place) },
      notifier: { notify: () => Promise.resolve() },
    });
    return fakeActivities(place, {
      spec: aSpec({ deploy: { deadline: '1 hour' } }),
      overrides: {
        ...{ ...overrides, undoPromotion },
        awaitServing: (given) =>
          given.digest === aDigest('candidate 1')
            ? Promise.resolve({ kind: 'serves', note: 'endpoint-1 serves it' })
            : awaitServing(given),
        measureQuality: async ({ run, spec: { model } }) => ({
          staged: { run, stage: 'test-quality', attempt: 1, files: [] },
          baseline: (await registry.live(model))?.state.live ?? null,
        }),
        assembleEvidence: ({ baseline, round, candidate }) =>
          Promise.resolve(aTested({ baseline, evidence: evidenceOf(candidate.digest, round) })),
        writeLive: ({ model, change, writeId }) =>
          registry.changeLive(model, liveChangeSchema.parse(change), writeId),
      },
    });
  });
}

/** A first version that goes live; resolves to its digest. */
async function goLive(rig: Rig, model: string): Promise<string> {
  const { workflowId } = await rig.switchyard.start({ model });
  await asked(rig, workflowId, 'data-science');
  const { evidence, digest } = await rig.switchyard.status(workflowId);
  await approveBoth(rig, workflowId, evidence ?? '');
  assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'live');
  return digest ?? '';
}
