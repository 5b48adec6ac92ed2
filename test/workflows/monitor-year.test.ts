import assert from 'node:assert/strict';
import { TemporalMonitorActions } from '../../client/monitor-actions.js';
import { monitorPlanOf } from '../../domain/monitor/plan.js';
import { unjudgedRow, type WindowRow } from '../../domain/monitor/window.js';
import { MONITOR_TYPE, checkNow, pause, resume, state } from '../../workflows/monitor-messages.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { startTimeSkippingServer } from '../../testing/time-skipping.js';
import { aDigest, aSpec } from '../../testing/builders.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A year of hourly windows takes minutes; of eight hours each it takes an eighth of that, and crosses the same rules. */
const EVERY = process.env['SWITCHYARD_TEST_YEAR'] === 'hourly' ? '1 hour' : '8 hours';
const EVERY_MS = EVERY === '1 hour' ? HOUR : 8 * HOUR;

const spec = aSpec({
  monitor: {
    every: EVERY,
    checks: [
      { metric: 'class-drift', max: 0.25, consecutive: 2, then: 'retrain' },
      { metric: 'error-rate', max: 0.1, then: 'fall-back' },
    ],
  },
});
const [drift, errors] = monitorPlanOf(spec)?.windows?.checks ?? [];

/** A model's year: what each window shows, which versions there are, and what the monitor did. */
class Year {
  readonly judged: number[] = [];
  readonly retrained: number[] = [];
  readonly fallbacks: string[] = [];
  looks = 0;
  #versions = 0;

  constructor(
    readonly model: string,
    readonly live: MemoryLive,
  ) {
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

  /** Every fifth window in a hundred begins two that drift, just where runs end; every 700th has errors. */
  judge(fromMs: number, keep: boolean) {
    const index = Math.round(fromMs / EVERY_MS);
    const digest = this.live.state(this.model)?.live ?? null;
    if (keep) this.judged.push(fromMs);
    else this.looks += 1;
    const span = { fromMs, untilMs: fromMs + EVERY_MS };
    const drifts = index % 50 < 2;
    const fails = index % 400 === 399;
    const version = digest === null ? null : this.#versions;
    const row: WindowRow = {
      ...unjudgedRow(span, 'x'.repeat(300)),
      ...{ version, digest, verdict: drifts || fails ? 'failed' : 'passed', rows: 1_000 },
    };
    assert.ok(drift && errors);
    return {
      row,
      checks: [
        {
          check: drift,
          verdict: drifts ? ('failed' as const) : ('passed' as const),
          reason: 'drift',
        },
        {
          check: errors,
          verdict: fails ? ('failed' as const) : ('passed' as const),
          reason: 'errors',
        },
      ],
    };
  }
}

describe('monitorModel, in a year', () => {
  it('judges every window once, retrains and falls back across its runs, and stays small', async () => {
    await using server = await startTimeSkippingServer();
    const plan = monitorPlanOf(spec) ?? assert.fail('there is no plan');
    const live = new MemoryLive();
    const begun: Year[] = [];
    const running = () => begun[0] ?? assert.fail('it has not begun');
    const rig = await startRig(
      'monitor-year',
      (place) => {
        const actions = new TemporalMonitorActions(place);
        return fakeActivities(place, {
          live,
          overrides: {
            planMonitor: () => Promise.resolve({ kind: 'plan', plan }),
            judgeWindow: ({ fromMs, keep }) =>
              Promise.resolve({ kind: 'judged', plan, ...running().judge(fromMs, keep) }),
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
          },
        });
      },
      { server },
    );
    const { client, taskQueue } = rig;
    const year = new Year(taskQueue, live);
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
      await sleeping;
    }
    const before = await handle.query(state);
    await handle.executeUpdate(pause, { args: [order] });
    await server.environment.sleep(2 * DAY);
    await handle.executeUpdate(resume, { args: [order] });
    await server.environment.sleep(3 * DAY);
    const passedMs = (await server.environment.currentTimeMs()) - startedMs;

    const { judged, retrained, fallbacks, looks } = year;
    const gaps = judged.slice(1).map((fromMs, index) => fromMs - (judged[index] ?? 0));
    const skipped = gaps.filter((gap) => gap !== EVERY_MS);
    assert.equal(new Set(judged).size, judged.length, 'no window is judged twice');
    assert.equal(skipped.length, 1, `only the pause is left out: ${skipped.join(', ')}`);
    assert.ok(Math.abs((skipped[0] ?? 0) - 2 * DAY) <= 2 * EVERY_MS);
    assert.ok(judged.length >= (363 * DAY) / EVERY_MS - 2, `${judged.length} windows`);
    assert.equal(looks, 36);
    assert.equal(before.rows.length, 12);

    const indices = judged.map((fromMs) => Math.round(fromMs / EVERY_MS));
    const drifting = indices.filter(
      (index, at) => index % 50 === 1 && indices[at - 1] === index - 1,
    );
    const failing = indices.filter((index) => index % 400 === 399);
    assert.equal(retrained.length, drifting.length);
    assert.deepEqual(
      fallbacks,
      failing.map(() => 'fallen-back'),
    );

    await handle.terminate('the year is over');
    const { runs, largestPayload, largestStart } = await figures(server.histories(taskQueue));
    console.log(
      `    ${judged.length} windows of ${EVERY} in ${Math.round(passedMs / DAY)} days: ${runs} runs, ` +
        `${retrained.length} retrainings, ${fallbacks.length} fallbacks, carried at most ${largestStart} bytes`,
    );
    assert.ok(runs > 10 && largestStart <= 32 * 1024 && largestPayload <= 128 * 1024);
    await rig[Symbol.asyncDispose](); // replays every run
  }).timeout(900_000);
});

type Histories = ReturnType<Awaited<ReturnType<typeof startTimeSkippingServer>>['histories']>;

async function figures(histories: Histories) {
  let [runs, largestPayload, largestStart] = [0, 0, 0];
  for await (const { history } of histories) {
    runs += 1;
    const events: unknown = Reflect.get(Object(history), 'events');
    assert.ok(Array.isArray(events));
    for (const event of events.map(Object)) {
      const started: unknown = Reflect.get(event, 'workflowExecutionStartedEventAttributes');
      for (const bytes of payloadSizes(event)) largestPayload = Math.max(largestPayload, bytes);
      for (const bytes of payloadSizes(started)) {
        largestStart = Math.max(largestStart, bytes);
      }
    }
  }
  return { runs, largestPayload, largestStart };
}

function payloadSizes(value: unknown): number[] {
  if (value instanceof Uint8Array) return [value.length];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloadSizes);
}
