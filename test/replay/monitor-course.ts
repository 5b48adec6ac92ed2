import assert from 'node:assert/strict';
import type { Activities } from '../../activities/index.js';
import { Monitors } from '../../client/monitors.js';
import { monitorPlanOf } from '../../domain/monitor/plan.js';
import { unjudgedRow } from '../../domain/monitor/window.js';
import { aDigest, aSpec } from '../../testing/builders.js';
import { until } from '../../testing/until.js';
import { moveOn } from '../../workflows/messages.js';
import { monitorWorkflowId } from '../../workflows/monitor-messages.js';
import type { Course, Courses } from './course.js';

const plan =
  monitorPlanOf(
    aSpec({
      monitor: {
        ...{ every: '1 second', delay: '0 s' },
        checks: [
          { metric: 'class-drift', max: 0.25, consecutive: 2, then: 'fall-back' },
          { metric: 'accuracy', min: 0.5 },
        ],
      },
      retrain: { onNewData: { check: '1 hour', minRows: 10 } },
    }),
  ) ?? assert.fail('there is no plan');

/** Windows of a version that drifts from the second one on. */
function drifting(): Activities['judgeWindow'] {
  let windows = 0;
  return ({ fromMs, untilMs, keep }) => {
    if (keep) windows += 1;
    const verdict = windows > 1 ? 'failed' : 'passed';
    const row = { ...unjudgedRow({ fromMs, untilMs }, 'as recorded'), verdict } as const;
    const [check] = plan.windows?.checks ?? [];
    assert.ok(check);
    return Promise.resolve({
      ...{ kind: 'judged', plan, row: { ...row, version: 2, digest: aDigest('version 2') } },
      checks: [{ check, verdict, reason: 'class-drift is 0.5' }],
    });
  };
}

/** What a drifting version's monitor is answered. */
const answers = () =>
  ({
    planMonitor: () => Promise.resolve({ kind: 'plan', plan }),
    judgeWindow: drifting(),
    lookForNewData: () =>
      Promise.resolve({ rows: 12, newest: '2026-03-01T00:00:00.000Z', since: null }),
    leaveVersion: () =>
      Promise.resolve({
        kind: 'fallen-back',
        generation: 3,
        live: aDigest('version 1'),
        left: true,
      }),
  }) satisfies Partial<Activities>;

/** A monitor that starts a lifecycle for new rows, judges, falls back, asks for labels, is paused and looks now. */
const MONITOR_COURSE: Course = {
  overrides: answers(),
  run: async (rig) => {
    const monitors = new Monitors(rig);
    const model = rig.taskQueue;
    const workflowId = `monitor/${model}`;
    await monitors.start(model);
    await until('it has fallen back', async () =>
      (await monitors.state(model)).coolDown.length > 0 ? true : undefined,
    );
    const order = { by: 'ada', reason: 'a campaign is running' };
    await monitors.pause(model, order);
    await monitors.checkNow(model);
    await monitors.resume(model, order);
    await until('it judges again', async () =>
      (await monitors.state(model)).rows.length > 3 ? true : undefined,
    );
    await rig.client.workflow.getHandle(workflowId).terminate('recorded');
    return workflowId;
  },
};

/** One that is told to move on while it waits, and the run after it. */
const MOVED_ON: Course = {
  overrides: answers(),
  run: async (rig) => {
    const monitors = new Monitors(rig);
    const workflowId = monitorWorkflowId(rig.taskQueue);
    await monitors.start(rig.taskQueue);
    const handle = rig.client.workflow.getHandle(workflowId);
    const { runId } = await handle.describe();
    await handle.executeUpdate(moveOn, { args: [{ because: 'build 2 is released' }] });
    await until('the next run has begun', async () =>
      (await handle.describe()).runId === runId ? undefined : true,
    );
    await handle.terminate('recorded');
    return { workflowId, runId };
  },
};

/** Monitors. */
export const MONITOR_COURSES: Courses = {
  monitor: MONITOR_COURSE,
  'monitor-moved-on': MOVED_ON,
};
