import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Builds } from '../../client/builds.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { Monitors } from '../../client/monitors.js';
import { monitorPlanOf } from '../../domain/monitor/plan.js';
import { unjudgedRow } from '../../domain/monitor/window.js';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { aDecision, aDigest, aSpec } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { until } from '../../testing/until.js';
import { makeWorkflowBundle, readWorkflowBundle, withMap } from '../../workers/bundle.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { monitorWorkflowId } from '../../workflows/monitor-messages.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { openBuiltYard, type BuiltYard } from './building.js';

const NEXT = fileURLToPath(new URL('fixtures/next-build.ts', import.meta.url));

const spec = aSpec({
  monitor: { every: '1 hour', checks: [{ metric: 'error-rate', max: 0.1, then: 'ask' }] },
});
const plan = monitorPlanOf(spec) ?? assert.fail('there is no plan');

/** What two builds have in common: what is live, and what people were told. */
class World {
  readonly live = new MemoryLive();
  readonly told: string[] = [];

  activities(place: Parameters<typeof fakeActivities>[0]) {
    return fakeActivities(place, {
      ...{ spec, live: this.live },
      overrides: {
        planMonitor: () => Promise.resolve({ kind: 'plan', plan }),
        judgeWindow: ({ fromMs, untilMs }) => {
          const row = unjudgedRow({ fromMs, untilMs }, 'nothing was asked');
          return Promise.resolve({ kind: 'judged', plan, row, checks: [] });
        },
        notify: ({ text, workflowId }) => {
          this.told.push(`${text} ${workflowId}`);
          return Promise.resolve();
        },
      },
    });
  }
}

/** Promotes and falls back without a pause until it is stopped; every order must be answered. */
function fallBackAllTheTime(yard: BuiltYard, model: string) {
  const pointer = new TemporalLivePointer({ client: yard.client, taskQueue: yard.name });
  const over = new AbortController();
  const answers: string[] = [];
  let slowestMs = 0;
  const promote = async (n: number, baseline: string | null) => {
    const served = { digest: aDigest(`${model} ${n}`), version: n, artifact: 'model.onnx' };
    const candidate = { ...served, decisions: [], evidence: aDigest('evidence') };
    const { kind } = await pointer.ask(model, { kind: 'promote', candidate, baseline }, `p${n}`);
    assert.equal(kind, 'promoted');
    return served.digest;
  };
  const running = (async () => {
    const first = await promote(1, null);
    for (let n = 2; !over.signal.aborted; n += 1) {
      const leaving = await promote(n, first);
      const askedAt = Date.now();
      const order = { leaving, by: 'grace', reason: 'wrong queues' };
      answers.push((await yard.switchyard.fallback(model, order)).kind);
      slowestMs = Math.max(slowestMs, Date.now() - askedAt);
    }
  })();
  running.catch(() => undefined); // told at the stop
  return {
    answers,
    stop: async () => {
      over.abort();
      await running;
      return { answers, slowestMs };
    },
  };
}

describe('builds of the workers', () => {
  it('let a parked lifecycle end on its code, and move what lives long, with a fallback at any moment', async () => {
    await using folder = await temporaryFolder();
    const world = new World();
    const name = `builds-${randomUUID().slice(0, 8)}`;
    await using yard = await openBuiltYard({
      ...{ name, folder: folder.path },
      activities: (place) => world.activities(place),
    });
    const says = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await yard.type(...args);
      assert.equal(code, 0, `${args.join(' ')}: ${stdout} ${stderr}`);
      return stdout;
    };
    const builds = () => new Builds({ client: yard.client, taskQueue: name }).list();

    const made = await makeWorkflowBundle({ workflowsPath: NEXT, root: PACKAGE_ROOT });
    // nobody polls yet
    assert.match((await yard.type('release', 'one')).stderr, /no versioned worker has ever polled/);
    const one = await yard.startWorkers('one', await readWorkflowBundle());
    await until('Temporal knows the build', async () => (await builds())[0]);
    assert.match(
      (await yard.type('release', 'two')).stderr,
      /no worker of the build "two" polls .*it has one/,
    );
    const parked = await yard.switchyard.start({ model: `${name}-a` });
    assert.match(
      await says('release', 'one'),
      /new runs go to build one now; no build was released/,
    );
    await asked(yard, parked.workflowId);

    const monitors = new Monitors({ client: yard.client, taskQueue: name });
    await monitors.start(name);
    const hammer = fallBackAllTheTime(yard, name);
    await until('fallbacks are answered', () => Promise.resolve(hammer.answers[2]));
    const longLived = [liveWorkflowId(name), monitorWorkflowId(name)];
    for (const id of longLived) assert.equal(await yard.buildOf(id), 'one');

    await yard.startWorkers('two', withMap(made));
    await until('Temporal knows both', async () =>
      (await builds()).length === 2 ? true : undefined,
    );
    const released = await says('release', 'two');
    assert.match(released, /new runs go to build two now; before, they went to one/);
    for (const id of longLived) {
      assert.match(released, new RegExp(`${id} +moved, from one`));
      assert.equal(await yard.buildOf(id), 'two');
    }
    const before = hammer.answers.length;
    await until('fallbacks go on', () => Promise.resolve(hammer.answers[before + 2]));
    const { answers, slowestMs } = await hammer.stop();
    assert.deepEqual([...new Set(answers)], ['fallen-back']);
    assert.ok(slowestMs < 5_000, `the slowest fallback took ${slowestMs} ms`);
    assert.match(await says('release', 'two'), /as before\n[^]*is there already/);

    const next = await yard.switchyard.start({ model: `${name}-b` });
    await asked(yard, next.workflowId);
    assert.deepEqual(
      (await builds()).map(({ build, status, open, oldest, workers, needed }) => [
        ...[build, status, open, oldest?.workflowId, workers, needed],
      ]),
      [
        ['two', 'current', 3, monitorWorkflowId(name), 1, 'new runs go to it'],
        ['one', 'draining', 1, parked.workflowId, 1, '1 open workflow ends on it'],
      ],
    );
    for (const { workflowId } of [parked, next]) {
      await yard.switchyard.decide(workflowId, aDecision());
      await yard.switchyard.decide(workflowId, aDecision({ role: 'engineering', by: 'grace' }));
      assert.equal((await yard.switchyard.outcome(workflowId)).outcome, 'live');
    }
    assert.deepEqual(
      [await yard.buildOf(parked.workflowId), await yard.buildOf(next.workflowId)],
      ['one', 'two'],
    );
    assert.equal(world.told.filter((text) => text.startsWith('the next build begins')).length, 1);
    await until('the old build is drained', async () => {
      const [, old] = await builds();
      return old?.status === 'drained' && old.needed === null ? true : undefined;
    });
    assert.match(await says('builds'), /one +drained +0 +1 +yes/);
    await one.stop();
    for (const id of longLived)
      await yard.client.workflow.getHandle(id).terminate('the test is over');
  }).timeout(120_000);
});

async function asked({ switchyard }: BuiltYard, workflowId: string): Promise<void> {
  await until('data-science is asked', async () => {
    const { waitingFor } = await switchyard.status(workflowId);
    return waitingFor.includes('data-science') ? true : undefined;
  });
}
