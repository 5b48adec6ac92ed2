import assert from 'node:assert/strict';
import { createDeployActivities } from '../../activities/deploy.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import type { ReplicaReport } from '../../domain/ports/registry.js';
import type { Target } from '../../domain/ports/target.js';
import { aDigest } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { failed, quietEnvironment, runActivity } from './run-activity.js';

const MODEL = 'tickets';
const NEW = aDigest('new');
const OLD = aDigest('old');

/** The activity over a store whose clock the test sets, in ms since the epoch. */
function openFleet(targets: Readonly<Record<string, Target>> = {}) {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const registry = new ObjectRegistry(new MemoryObjectStore(() => new Date(now)));
  const { awaitServing } = createDeployActivities({
    registry,
    ...{ targets, trust: NO_TRUST },
    livePointer: { ask: () => Promise.reject(new Error('not asked here')) },
    notifier: { notify: () => Promise.resolve() },
  });
  const environment = quietEnvironment();
  return {
    environment,
    pass: (ms: number) => {
      now += ms;
    },
    report: (replica: string, digest: string | null, problem: string | null = null) => {
      const report: ReplicaReport = { replica, digest, generation: 2, problem };
      return registry.reportReplica(MODEL, report);
    },
    promote: (digest: string, baseline: string | null) =>
      registry.changeLive(
        MODEL,
        {
          ...{ kind: 'promote', baseline },
          candidate: {
            ...{ digest, version: 1, artifact: 'model.onnx' },
            ...{ evidence: aDigest('evidence'), decisions: [] },
          },
        },
        `promote/${digest}`,
      ),
    fallBack: (leaving: string) =>
      registry.changeLive(MODEL, { kind: 'fallback', leaving }, `fallback/${leaving}`),
    freeze: () =>
      registry.changeLive(MODEL, { kind: 'freeze', by: 'grace', reason: 'wrong queues' }, 'freeze'),
    wait: (given: { minReplicas?: number; deadline?: string; target?: string } = {}) =>
      runActivity(
        awaitServing,
        {
          ...{ model: MODEL, digest: NEW, generation: 2, target: 'endpoint' },
          ...{ minReplicas: 1, deadline: '150 ms' },
          ...given,
        },
        environment,
      ),
  };
}

describe('awaitServing', () => {
  it('ends when every replica that lives serves the digest', async () => {
    const { report, wait } = openFleet();
    await report('one', NEW);
    await report('two', NEW);
    assert.match((await wait({ minReplicas: 2 })).note, /^2 of 2 replicas of "tickets" serve/);
  });

  it('waits for a replica that still serves the version before', async () => {
    const { report, wait } = openFleet();
    await report('one', NEW);
    await report('two', OLD);
    const waiting = wait({ deadline: '20 seconds' });
    await report('two', NEW);
    assert.match((await waiting).note, /^2 of 2 replicas/);
  });

  it('does not count a replica that has been silent for 10 seconds', async () => {
    const { report, wait, pass } = openFleet();
    await report('dead', OLD);
    pass(10_001);
    await report('one', NEW);
    assert.match((await wait()).note, /^1 of 1 replicas/);
  });

  it('names at its deadline each replica that serves something else, and why', async () => {
    const { report, wait } = openFleet();
    await report('one', NEW);
    await report('two', OLD);
    await report('three', null, 'model.onnx does not fit into 512 MB');
    await assert.rejects(
      wait(),
      failed(
        'ReplicasNotReady',
        new RegExp(
          `after 150 ms, 1 of 3 replicas of "tickets" serve ${NEW.slice(0, 12)} and at least 1 must: ` +
            `three serves nothing \\(model.onnx does not fit into 512 MB\\); two serves ${OLD.slice(0, 12)}$`,
        ),
      ),
    );
  });

  it('says what to start where too few replicas live', async () => {
    const { report, wait } = openFleet();
    await assert.rejects(wait(), failed('ReplicasNotReady', /0 of 0 replicas.*start an endpoint/));
    await report('one', NEW);
    await assert.rejects(
      wait({ minReplicas: 2 }),
      failed('ReplicasNotReady', /1 of 1 replicas.*at least 2 must/),
    );
  });

  it('ends at once when a fallback has left the version', async () => {
    const { report, promote, fallBack, wait } = openFleet();
    await promote(OLD, null);
    await promote(NEW, OLD);
    await report('one', OLD);
    const waiting = wait({ deadline: '1 hour' });
    await fallBack(NEW);
    assert.deepEqual(await waiting, {
      kind: 'superseded',
      note: `${OLD.slice(0, 12)} was made live, in generation 3, before ${NEW.slice(0, 12)} of generation 2 was served everywhere`,
    });
  });

  it('ends at once when another version was promoted, also over a target of its own', async () => {
    const serving: Target['serving'] = () => Promise.resolve({ serves: false, note: 'not yet' });
    const { promote, wait } = openFleet({ shops: { serving } });
    await promote(OLD, null);
    await promote(NEW, OLD);
    await promote(aDigest('newest'), NEW);
    assert.equal((await wait({ deadline: '1 hour', target: 'shops' })).kind, 'superseded');
  });

  it('waits on through writes that leave the version live', async () => {
    const { report, promote, freeze, wait } = openFleet();
    await promote(OLD, null);
    await promote(NEW, OLD);
    await report('one', OLD);
    const waiting = wait({ deadline: '20 seconds' });
    await freeze();
    await report('one', NEW);
    assert.equal((await waiting).kind, 'serves');
  });

  it('ends at once when it is cancelled', async () => {
    const { environment, wait } = openFleet();
    const waiting = wait({ deadline: '1 hour' });
    environment.cancel();
    await assert.rejects(waiting);
  });

  it('asks a target of the configuration until it serves, with the generation', async () => {
    const asked: object[] = [];
    const serving: Target['serving'] = (given) => {
      asked.push(given);
      return Promise.resolve({ serves: asked.length > 1, note: `${asked.length} of 2 shops` });
    };
    const { wait } = openFleet({ shops: { serving } });
    const { note } = await wait({ target: 'shops', deadline: '20 seconds' });
    assert.equal(note, `target "shops" serves ${NEW.slice(0, 12)} of "tickets": 2 of 2 shops`);
    assert.deepEqual(asked[0], { model: MODEL, digest: NEW, generation: 2 });
  });

  it('says at its deadline what a target says', async () => {
    const serving: Target['serving'] = () =>
      Promise.resolve({ serves: false, note: 'shop 3 is shut' });
    const { wait } = openFleet({ shops: { serving } });
    await assert.rejects(
      wait({ target: 'shops' }),
      failed(
        'ReplicasNotReady',
        /^after 150 ms, target "shops" does not serve .*: shop 3 is shut$/,
      ),
    );
  });

  it('lists the targets where the one that is named is not there', async () => {
    const { wait } = openFleet({
      shops: { serving: () => Promise.reject(new Error('not asked')) },
    });
    await assert.rejects(
      wait({ target: 'constructor' }),
      failed('UnknownTarget', /"constructor".*it has endpoint, shops$/),
    );
  });
});
