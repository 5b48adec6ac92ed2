import assert from 'node:assert/strict';
import { TemporalMonitorActions } from '../../client/monitor-actions.js';
import { monitorPlanOf } from '../../domain/monitor/plan.js';
import { unjudgedRow, type WindowRow } from '../../domain/monitor/window.js';
import { moveOn } from '../../workflows/messages.js';
import { MONITOR_TYPE, checkNow, pause, resume, state } from '../../workflows/monitor-messages.js';
import { aDigest, aSpec } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { startTimeSkippingServer } from '../../testing/time-skipping.js';
import { historyFigures, type HistoryFigures } from './figures.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What a year of a monitor came to. */
export interface MonitorYear extends HistoryFigures {
  readonly windows: number;
  readonly days: number;
  readonly retrainings: number;
  readonly fallbacks: number;
}

/** A model's year: what each window shows, which versions there are, and what the monitor did. */
class Year {
  readonly judged: number[] = [];
  readonly retrained: number[] = [];
  readonly fallbacks: string[] = [];
  readonly plan;
  looks = 0;
  #versions = 0;

  constructor(
    readonly model: string,
    readonly live: MemoryLive,
    readonly hours: number,
  ) {
    this.plan = planOf(hours);
    this.promote();
    this.promote();
  }

  promote(): void {
    this.#versions += 1;
    const digest = aDigest(`version ${this.#versions}`);
    const served = { digest, version: this.#versions, artifact: 'model.onnx', decisions: [] };
    const baseline = this.live.state(this.model)?.live ?? null;
    const candidate = { ...served, evidence: aDigest('evidence') };
    const answer = this.live.change(
      this.model,
      { kind: 'promote', candidate, baseline },
      `promotion ${this.#versions}`,
    );
    assert.equal(answer.kind, 'promoted');
  }

  /** Every fifth window in a hundred begins two that drift, just where runs end; every 400th has errors. */
  judge(fromMs: number, keep: boolean) {
    const everyMs = this.hours * HOUR;
    const index = Math.round(fromMs / everyMs);
    const digest = this.live.state(this.model)?.live ?? null;
    if (keep) this.judged.push(fromMs);
    else this.looks += 1;
    const span = { fromMs, untilMs: fromMs + everyMs };
    const drifts = index % 50 < 2;
    const fails = index % 400 === 399;
    const version = digest === null ? null : this.#versions;
    const row: WindowRow = {
      ...unjudgedRow(span, 'x'.repeat(300)),
      ...{ version, digest, verdict: drifts || fails ? 'failed' : 'passed', rows: 1_000 },
    };
    const [drift, errors] = this.plan.windows?.checks ?? [];
    assert.ok(drift && errors);
    const verdict = (isFailed: boolean) => (isFailed ? ('failed' as const) : ('passed' as const));
    return {
      row,
      checks: [
        { check: drift, verdict: verdict(drifts), reason: 'drift' },
        { check: errors, verdict: verdict(fails), reason: 'errors' },
      ],
    };
  }
}

function planOf(hours: number) {
  const spec = aSpec({
    monitor: {
      every: `${hours} hours`,
      checks: [
        { metric: 'class-drift', max: 0.25, consecutive: 2, then: 'retrain' },
        { metric: 'error-rate', max: 0.1, then: 'fall-back' },
      ],
    },
  });
  return monitorPlanOf(spec) ?? assert.fail('there is no plan');
}

/**
 * Runs a monitor for a year of the clock, with looks and a move in whatever run they find, and a pause; every window must be judged
 * once, and every retraining and fallback that is due must come. Every run's history is replayed.
 * @param hours - Of each window: a year of hourly ones takes minutes.
 */
export async function liveAMonitorsYear(hours: number): Promise<MonitorYear> {
  await using server = await startTimeSkippingServer();
  const live = new MemoryLive();
  const begun: Year[] = [];
  const running = () => begun[0] ?? assert.fail('it has not begun');
  await using rig = await startRig(
    'monitor-year',
    (place) => fakeActivities(place, { live, overrides: activitiesOf(running, place) }),
    { server },
  );
  const { client, taskQueue } = rig;
  const year = new Year(taskQueue, live, hours);
  begun.push(year);
  const handle = await client.workflow.start(MONITOR_TYPE, {
    workflowId: `monitor/${taskQueue}`,
    taskQueue,
    args: [{ model: taskQueue }],
  });
  const startedMs = await server.environment.currentTimeMs();
  const order = { by: 'ada', reason: 'a campaign is running' };
  for (let month = 0; month < 12; month += 1) {
    const sleeping = server.environment.sleep(30 * DAY);
    // while windows go by, in whatever run they find
    for (let look = 0; look < 3; look += 1) await handle.executeUpdate(checkNow, { args: [{}] });
    await handle.executeUpdate(moveOn, { args: [{ because: 'a release' }] });
    await sleeping;
  }
  const before = await handle.query(state);
  await handle.executeUpdate(pause, { args: [order] });
  await server.environment.sleep(2 * DAY);
  await handle.executeUpdate(resume, { args: [order] });
  await server.environment.sleep(3 * DAY);
  const days = Math.round(((await server.environment.currentTimeMs()) - startedMs) / DAY);

  assertWhole(year);
  assert.equal(year.looks, 36);
  assert.equal(before.rows.length, 12);
  await handle.terminate('the year is over');
  return {
    ...(await historyFigures(server.histories(taskQueue))),
    ...{ days, windows: year.judged.length },
    ...{ retrainings: year.retrained.length, fallbacks: year.fallbacks.length },
  };
}

function activitiesOf(
  running: () => Year,
  place: ConstructorParameters<typeof TemporalMonitorActions>[0],
): NonNullable<Parameters<typeof fakeActivities>[1]>['overrides'] {
  const actions = new TemporalMonitorActions(place);
  return {
    planMonitor: () => Promise.resolve({ kind: 'plan', plan: running().plan }),
    judgeWindow: ({ fromMs, keep }) => {
      const { plan } = running();
      return Promise.resolve({ kind: 'judged', plan, ...running().judge(fromMs, keep) });
    },
    leaveVersion: async ({ model, leaving, reason, requestId }) => {
      const order = { leaving, by: `monitor/${model}`, reason };
      const answer = await actions.fallBack(model, order, requestId);
      running().fallbacks.push(answer.kind);
      // somebody mends it a while later: what was promoted meanwhile is a new version
      running().promote();
      return { ...answer, left: true };
    },
    startRetraining: ({ model }) => {
      running().retrained.push(running().judged.length);
      running().promote();
      return Promise.resolve({ kind: 'started', workflowId: `lifecycle/${model}/monitor` });
    },
  };
}

/** Every window once, but those of the pause; and all that was due because of them. */
function assertWhole({ judged, retrained, fallbacks, hours }: Year): void {
  const everyMs = hours * HOUR;
  const gaps = judged.slice(1).map((fromMs, index) => fromMs - (judged[index] ?? 0));
  const skipped = gaps.filter((gap) => gap !== everyMs);
  assert.equal(new Set(judged).size, judged.length, 'no window is judged twice');
  assert.equal(skipped.length, 1, `only the pause is left out: ${skipped.join(', ')}`);
  assert.ok(Math.abs((skipped[0] ?? 0) - 2 * DAY) <= 2 * everyMs);
  assert.ok(judged.length >= (363 * DAY) / everyMs - 2, `${judged.length} windows`);
  const indices = judged.map((fromMs) => Math.round(fromMs / everyMs));
  const drifting = indices.filter((index, at) => index % 50 === 1 && indices[at - 1] === index - 1);
  const failing = indices.filter((index) => index % 400 === 399);
  assert.equal(retrained.length, drifting.length);
  assert.deepEqual(
    fallbacks,
    failing.map(() => 'fallen-back'),
  );
}
