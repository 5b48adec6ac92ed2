import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.js';
import { Monitors } from '../../client/monitors.js';
import { isPortError } from '../../domain/failures.js';
import type { LiveChangeResult } from '../../domain/live-state.js';
import type { Notice } from '../../domain/ports/notifier.js';
import { monitorPlanOf, type MonitorPlan } from '../../domain/monitor/plan.js';
import { unjudgedRow, type PlannedCheck, type WindowRow } from '../../domain/monitor/window.js';
import { aDigest, aSpec } from '../../testing/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';

const LIVE = aDigest('version 2');
const ORDER = { by: 'ada', reason: 'a campaign is running' };

type Verdict = WindowRow['verdict'];

/** A plan of windows of a second with one check, and what each window's check comes to. */
function aWatch(
  check: Partial<PlannedCheck>,
  verdict: (window: number) => Verdict,
  answer: LiveChangeResult['kind'] = 'fallen-back',
) {
  const spec = aSpec({
    monitor: {
      ...{ every: '1 second', delay: '0 s', alertAfterSilent: 2 },
      checks: [{ metric: 'class-drift', max: 0.25, ...check }],
    },
  });
  const plan = monitorPlanOf(spec) ?? assert.fail('there is no plan');
  const done: string[] = [];
  const notices: Notice[] = [];
  let windows = 0;
  const overrides: Partial<Activities> = {
    planMonitor: () => Promise.resolve({ kind: 'plan', plan }),
    judgeWindow: ({ fromMs, untilMs, keep }) => {
      if (keep) windows += 1;
      const found = verdict(windows);
      const row = { ...unjudgedRow({ fromMs, untilMs }, 'as the test says'), verdict: found };
      return Promise.resolve({
        ...{ kind: 'judged', plan, row: { ...row, version: 2, digest: LIVE } },
        checks: checksOf(plan, found),
      });
    },
    leaveVersion: ({ leaving, requestId }) => {
      done.push(`fall-back ${leaving === LIVE} ${requestId.startsWith('monitor/')}`);
      return Promise.resolve({
        kind: answer,
        generation: 3,
        live: aDigest('version 1'),
        left: true,
      });
    },
    startRetraining: ({ reason, model }) => {
      done.push(`retrain ${reason.includes('it is 0.5')}`);
      return Promise.resolve({ kind: 'started', workflowId: `lifecycle/${model}/monitor` });
    },
    notify: (notice) => {
      notices.push(notice);
      return Promise.resolve();
    },
  };
  return { overrides, plan, done, notices, windows: () => windows };
}

function checksOf({ windows }: MonitorPlan, verdict: Verdict) {
  return (windows?.checks ?? []).map((check) => ({ check, verdict, reason: 'it is 0.5' }));
}

async function startMonitor(title: string, overrides: Partial<Activities>) {
  const rig = await startRig(title, (place) => fakeActivities(place, { overrides }));
  const monitors = new Monitors(rig);
  const model = rig.taskQueue;
  const handle = rig.client.workflow.getHandle(`monitor/${model}`);
  return {
    ...{ rig, monitors, model, handle },
    windows: (enough: number) =>
      until(`${enough} windows`, async () => {
        const { rows } = await monitors.state(model);
        return rows.length >= enough ? rows : undefined;
      }),
    [Symbol.asyncDispose]: async () => {
      await handle.terminate('the test is over').catch(() => undefined);
      await rig[Symbol.asyncDispose]();
    },
  };
}

describe('monitorModel', () => {
  it('falls back once from the version that the windows judged, and tells whom it concerns', async () => {
    const watch = aWatch({ then: 'fall-back', consecutive: 2 }, () => 'failed');
    await using given = await startMonitor('monitor-fallback', watch.overrides);
    await given.monitors.start(given.model);
    await given.windows(4);
    assert.deepEqual(watch.done, ['fall-back true true']);
    const [notice, ...others] = watch.notices;
    assert.deepEqual(others, []);
    assert.deepEqual([notice?.kind, notice?.roles], ['monitor', ['data-science']]);
    assert.match(notice?.text ?? '', /^fallback: fallen-back\. it is 0\.5, 2 windows in a row/);
    const { coolDown } = await given.monitors.state(given.model);
    assert.deepEqual(coolDown, [LIVE, aDigest('version 1')]);
  });

  it('gives what serves time after a person’s fallback, as after its own', async () => {
    const watch = aWatch({ then: 'fall-back' }, () => 'failed', 'already-done');
    await using given = await startMonitor('monitor-left', watch.overrides);
    await given.monitors.start(given.model);
    await given.windows(2);
    assert.deepEqual(watch.done, ['fall-back true true']);
    const { coolDown } = await given.monitors.state(given.model);
    assert.deepEqual(coolDown, [LIVE, aDigest('version 1')]);
  });

  it('starts one lifecycle a version', async () => {
    const watch = aWatch({ then: 'retrain' }, () => 'failed');
    await using given = await startMonitor('monitor-retrain', watch.overrides);
    await given.monitors.start(given.model);
    await given.windows(3);
    assert.deepEqual(watch.done, ['retrain true']);
  });

  it('asks the owner once, and tells people of windows without a verdict once', async () => {
    const watch = aWatch({}, (window) => (window <= 2 ? 'failed' : 'inconclusive'));
    await using given = await startMonitor('monitor-ask', watch.overrides);
    await given.monitors.start(given.model);
    await given.windows(6);
    assert.deepEqual(
      watch.notices.map(({ roles, text }) => [
        roles,
        /What shall be done\?|no verdict/.exec(text)?.[0],
      ]),
      [
        [['data-science'], 'What shall be done?'],
        [['engineering'], 'no verdict'],
      ],
    );
  });

  it('pauses, resumes and looks now; a second start finds the first', async () => {
    const watch = aWatch({ then: 'fall-back' }, () => 'passed');
    await using given = await startMonitor('monitor-pause', watch.overrides);
    const { monitors, model } = given;
    await Promise.all([monitors.start(model), monitors.start(model), monitors.start(model)]);
    await given.windows(1);
    assert.deepEqual(await monitors.pause(model, ORDER), { paused: true, verdict: 'passed' });
    const judged = watch.windows();
    const look = await monitors.checkNow(model);
    assert.equal(Date.parse(look.until) - Date.parse(look.from), 1_000);
    assert.ok(watch.windows() <= judged + 1, 'a look is no window');
    assert.equal((await monitors.state(model)).paused?.by, 'ada');
    assert.equal((await monitors.resume(model, ORDER)).paused, false);
    await given.windows(3);
  });

  it('shows its windows as a table in the details, and its verdict as a search attribute', async () => {
    const watch = aWatch({}, () => 'failed');
    await using given = await startMonitor('monitor-details', watch.overrides);
    await given.monitors.start(given.model);
    const { rig, model, handle } = given;
    await until('the table is in the details', async () => {
      const metadata: unknown = await handle.query('__temporal_workflow_metadata');
      const shown = /\| window\s*\| version\s*\| verdict/.test(JSON.stringify(metadata));
      return shown ? true : undefined;
    });
    await until('it is found by its verdict', async () => {
      const query = `ModelName = "${model}" AND Verdict = "failed"`;
      const { count } = await rig.client.workflow.count(query);
      return count > 0 ? true : undefined;
    });
  });

  it('tries a window again that could not be read, and leaves behind one that never can', async () => {
    const watch = aWatch({}, () => 'passed');
    let calls = 0;
    const { judgeWindow = assert.fail('there is none') } = watch.overrides;
    const torn = ApplicationFailure.nonRetryable('live.json is torn', 'StoreRefused');
    await using given = await startMonitor('monitor-unread', {
      ...watch.overrides,
      judgeWindow: (input) => {
        calls += 1;
        return calls === 1 ? Promise.reject(torn) : judgeWindow(input);
      },
    });
    await given.monitors.start(given.model);
    const [first, second] = await given.windows(2);
    assert.deepEqual([first?.verdict, second?.verdict], ['error', 'passed']);
    assert.match(first?.reason ?? '', /it could not be judged: live\.json is torn/);
    assert.equal(second?.from, first?.until);
  });

  it('ends by itself with a sentence when nothing is to be watched any more', async () => {
    const watch = aWatch({}, () => 'passed');
    const reason = 'the specification has no monitor any more';
    const { judgeWindow = assert.fail('there is none') } = watch.overrides;
    await using given = await startMonitor('monitor-gone', {
      ...watch.overrides,
      judgeWindow: (input) =>
        watch.windows() >= 2 ? Promise.resolve({ kind: 'gone', reason }) : judgeWindow(input),
    });
    await given.monitors.start(given.model);
    assert.deepEqual(await given.handle.result(), { ended: reason });
    await assert.rejects(given.monitors.checkNow(given.model), (error) => {
      assert.ok(isPortError(error) && error.type === 'InvalidRequest');
      return /has no monitor that runs/.test(error.message);
    });
  }).timeout(30_000);

  it('starts a lifecycle for new rows once, and looks again later', async () => {
    const spec = aSpec({ retrain: { onNewData: { check: '1 second', minRows: 10 } } });
    const plan = monitorPlanOf(spec) ?? assert.fail('there is no plan');
    const asked: (string | null)[] = [];
    const started: string[] = [];
    await using given = await startMonitor('monitor-data', {
      planMonitor: () => Promise.resolve({ kind: 'plan', plan }),
      lookForNewData: ({ since }) => {
        asked.push(since);
        const newest = '2026-03-01T00:00:00.000Z';
        return Promise.resolve({ rows: since === null ? 12 : 0, newest, since });
      },
      startRetraining: ({ model, reason }) => {
        started.push(reason);
        return Promise.resolve({ kind: 'started', workflowId: `lifecycle/${model}/monitor` });
      },
    });
    await given.monitors.start(given.model);
    await until('it looked twice', () => Promise.resolve(asked.length >= 2 ? true : undefined));
    assert.deepEqual(started, ['12 new rows, at least 10 were waited for']);
    assert.deepEqual(asked.slice(0, 2), [null, '2026-03-01T00:00:00.000Z']);
  });

  it('goes on where its specification could not be read for a while', async () => {
    const watch = aWatch({}, () => 'passed');
    let reads = 0;
    await using given = await startMonitor('monitor-unread', {
      ...watch.overrides,
      planMonitor: () => {
        reads += 1;
        const failure = ApplicationFailure.nonRetryable('a wrong file', 'InvalidSpec');
        return reads === 1
          ? Promise.reject(failure)
          : Promise.resolve({ kind: 'plan', plan: watch.plan });
      },
    });
    await given.monitors.start(given.model);
    await until('a note', async () => {
      const { notes } = await given.monitors.state(given.model);
      return notes.find(({ text }) => /could not be read: a wrong file/.test(text));
    });
    await given.monitors.start(given.model);
    await given.windows(1);
  });

  it('looks once for all who ask at the same time', async () => {
    const watch = aWatch({}, () => 'passed');
    const { judgeWindow = assert.fail('there is none') } = watch.overrides;
    let looks = 0;
    await using given = await startMonitor('monitor-looks', {
      ...watch.overrides,
      judgeWindow: async (input) => {
        if (!input.keep) looks += 1;
        if (!input.keep) await pause(500);
        return judgeWindow(input);
      },
    });
    await given.monitors.start(given.model);
    const ask = () => given.monitors.checkNow(given.model);
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, ask));
    assert.ok(looks <= 2, `${looks} looks`);
    assert.ok(others.some((other) => other.from === first?.from));
  });

  it('can break without touching the fallback', async () => {
    const broken = () => Promise.reject(new TypeError('a bug'));
    await using given = await startMonitor('monitor-broken', {
      planMonitor: broken,
      judgeWindow: broken,
    });
    const { rig, model } = given;
    await given.monitors.start(model);
    const order = { leaving: LIVE, by: 'grace', reason: 'wrong queues' };
    const answer = await rig.switchyard.fallback(model, order);
    assert.equal(answer.kind, 'already-done');
  });

  it('refuses an input and an order that are wrong', async () => {
    const watch = aWatch({}, () => 'passed');
    await using given = await startMonitor('monitor-refusals', watch.overrides);
    await given.monitors.start(given.model);
    assert.throws(
      () => void given.monitors.pause(given.model, { by: '', reason: 'x' }),
      isPortError,
    );
    await assert.rejects(given.handle.executeUpdate('pause', { args: [{ by: 'ada' }] }));
  });
});
