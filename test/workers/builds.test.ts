import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Builds } from '../../client/builds.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { Monitors } from '../../client/monitors.js';
import { Schedules } from '../../client/schedules.js';
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
import { startWorkerProcess } from './worker-process.js';

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
        notify: ({ text, model }) => {
          this.told.push(`${model}: ${text}`);
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
      /no worker of the build "two" polls .*which has one/,
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
    assert.equal(await yard.buildOf(await scheduled(yard, `${name}-c`)), 'two');
    // each began anew when it was moved, in whichever order
    const eldest = await eldestOf(yard, [...longLived, next.workflowId]);
    assert.deepEqual(
      (await builds()).map(({ build, status, open, oldest, workers, needed }) => [
        ...[build, status, open, oldest?.workflowId, workers, needed],
      ]),
      [
        ['two', 'current', 3, eldest, 1, 'new runs go to it'],
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
    assert.deepEqual(
      world.told.filter((text) => text.endsWith('the next build begins')),
      ['b', 'c'].map((model) => `${name}-${model}: the next build begins`),
    );
    await until('the old build is drained', async () => {
      const [, old] = await builds();
      return old?.status === 'drained' && old.needed === null ? true : undefined;
    });
    assert.match(await says('builds'), /one +drained +0 +1 +yes/);
    await one.stop();
    for (const id of longLived)
      await yard.client.workflow.getHandle(id).terminate('the test is over');
  }).timeout(120_000);

  it('get no work before their release, and say so', async () => {
    await using folder = await temporaryFolder();
    const name = `released-${randomUUID().slice(0, 8)}`;
    await using yard = await openBuiltYard({
      ...{ name, folder: folder.path },
      activities: (place) => fakeActivities(place),
    });
    await using worker = await startWorkerProcess({
      SWITCHYARD_TASK_QUEUE: name,
      SWITCHYARD_BUILD: 'b1',
      SWITCHYARD_WORK_DIR: folder.path,
      SWITCHYARD_METRICS_PORT: '0',
    });
    assert.equal((await worker.logged('polling'))['buildId'], 'b1');
    const waits =
      'build "b1" gets no new runs until npx switchyard release b1 is typed: no build is released yet, so new runs wait';
    assert.equal((await worker.logged(waits))['deploymentName'], name);
    const { url } = await worker.logged('metrics and health');
    await until('it is ready', async () => {
      const answer = await fetch(`${String(url)}/health/ready`);
      return (answer.status === 200 && (await answer.text()) === 'ready, build b1\n') || undefined;
    });
    const builds = new Builds({ client: yard.client, taskQueue: name });
    await until('Temporal knows the build', async () => (await builds.list())[0]);
    await builds.activate('b1');
    await worker.logged('build "b1" is released: it gets new runs');
  }).timeout(60_000);
});

/** A lifecycle that a schedule has started, which is cancelled once it is found. */
async function scheduled({ client, name }: BuiltYard, model: string): Promise<string> {
  const schedules = new Schedules({ client, taskQueue: name });
  await schedules.apply({ [model]: aSpec({ model, retrain: { every: '1 day' } }) });
  await schedules.trigger(model);
  const query = `WorkflowId STARTS_WITH "lifecycle/${model}/" AND ModelName = "${model}"`;
  const workflowId = await until('the schedule starts one', async () => {
    for await (const each of client.workflow.list({ query })) return each.workflowId;
    return undefined;
  });
  await schedules.apply({});
  await client.workflow.getHandle(workflowId).cancel();
  await client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => undefined);
  return workflowId;
}

async function eldestOf({ client }: BuiltYard, ids: readonly string[]): Promise<string> {
  const runs = await Promise.all(ids.map((id) => client.workflow.getHandle(id).describe()));
  runs.sort((one, other) => Number(one.startTime) - Number(other.startTime));
  return runs[0]?.workflowId ?? assert.fail('there is none');
}

async function asked({ switchyard }: BuiltYard, workflowId: string): Promise<void> {
  await until('data-science is asked', async () => {
    const { waitingFor } = await switchyard.status(workflowId);
    return waitingFor.includes('data-science') ? true : undefined;
  });
}
