import assert from 'node:assert/strict';
import type { Verdict } from '../../../domain/gate.js';
import { monitorDetails, windowSpan } from '../../../domain/monitor/details.js';
import { monitorPlanOf, type MonitorPlan } from '../../../domain/monitor/plan.js';
import {
  monitorStateSchema,
  NEW_MONITOR,
  pausedBy,
  resumed,
  settled,
  turnOf,
  withNote,
  type MonitorState,
} from '../../../domain/monitor/state.js';
import {
  stepMonitor,
  withAction,
  type JudgedRow,
  type Wish,
} from '../../../domain/monitor/step.js';
import { unjudgedRow, type PlannedCheck, type WindowRow } from '../../../domain/monitor/window.js';
import { aDigest, aSpec } from '../../../testing/builders.js';

const HOUR = 3_600_000;
const START = Date.parse('2026-03-01T10:20:00Z');
const [ONE, TWO, THREE] = [aDigest('one'), aDigest('two'), aDigest('three')];

const aCheck = (overrides: Partial<PlannedCheck> = {}): PlannedCheck => ({
  ...{ metric: 'class-drift', max: 0.25, consecutive: 1, then: 'ask', ...overrides },
});

let windows = 0;
function aRow(overrides: Partial<WindowRow> = {}): WindowRow {
  windows += 1;
  const from = new Date(START + windows * HOUR).toISOString();
  return {
    ...{ kind: 'window', from, until: from, version: 2, digest: TWO, verdict: 'failed' },
    ...{ requests: 100, rows: 100, errorRate: 0, latencyP50Ms: 1, latencyP99Ms: 2 },
    ...{ classDrift: 0.5, scoreDrift: 0.1, accuracy: null, reason: 'class-drift is 0.5' },
    ...overrides,
  };
}

function judged(check: PlannedCheck, verdict: Verdict, row: Partial<WindowRow> = {}): JudgedRow {
  return { row: aRow({ verdict, ...row }), checks: [{ check, verdict, reason: 'it is 0.5' }] };
}

const GIVEN = { isNewest: true, alertAfterSilent: 3 };

/** The wishes of windows, one after the other; each is carried out. */
function wishes(given: readonly JudgedRow[], wentTo: string | null = null) {
  let state: MonitorState = NEW_MONITOR;
  const found: (string | null)[] = [];
  for (const each of given) {
    const step = stepMonitor(state, each, GIVEN);
    found.push(step.wish?.action ?? null);
    state = step.wish === null ? step.state : withAction(step.state, step.wish, wentTo);
  }
  return { found, state };
}

describe('stepMonitor', () => {
  it('acts after the failed windows in a row that the check asks for', () => {
    const check = aCheck({ consecutive: 3, then: 'retrain' });
    const failed = () => judged(check, 'failed');
    assert.deepEqual(wishes([failed(), failed(), failed()]).found, [null, null, 'retrain']);
    const broken = [failed(), failed(), judged(check, 'passed'), failed(), failed(), failed()];
    assert.deepEqual(wishes(broken).found, [null, null, null, null, null, 'retrain']);
  });

  it('lets windows without a verdict neither add nor take away', () => {
    const check = aCheck({ consecutive: 2, then: 'fall-back' });
    const between = (['inconclusive', 'error'] as const).map((each) => judged(check, each));
    const rows = [judged(check, 'failed'), ...between, judged(check, 'failed')];
    assert.deepEqual(wishes(rows).found, [null, null, null, 'fall-back']);
  });

  it('names the version that the window judged, the figures and how often', () => {
    const check = aCheck({ consecutive: 2, then: 'fall-back' });
    const first = stepMonitor(NEW_MONITOR, judged(check, 'failed'), GIVEN);
    const { wish } = stepMonitor(first.state, judged(check, 'failed'), GIVEN);
    assert.equal(wish?.leaving, TWO);
    assert.match(wish.reason, /it is 0\.5, 2 windows in a row; version 2 \([0-9a-f]{12}\), window/);
  });

  it('does nothing for a window after which another one is due, but counts it', () => {
    const check = aCheck({ then: 'fall-back' });
    const missed = stepMonitor(NEW_MONITOR, judged(check, 'failed'), { ...GIVEN, isNewest: false });
    assert.equal(missed.wish, null);
    assert.deepEqual(Object.values(missed.state.failed), [1]);
    assert.equal(
      stepMonitor(missed.state, judged(check, 'failed'), GIVEN).wish?.action,
      'fall-back',
    );
  });

  it('begins anew with a version that is new', () => {
    const check = aCheck({ consecutive: 2 });
    const rows = [judged(check, 'failed'), judged(check, 'failed', { digest: THREE, version: 3 })];
    assert.deepEqual(wishes(rows).found, [null, null]);
  });

  it('asks once a check and version', () => {
    const check = aCheck();
    const again = judged(check, 'failed', { digest: THREE });
    const other = judged(aCheck({ metric: 'error-rate' }), 'failed');
    const { found } = wishes([judged(check, 'failed'), judged(check, 'failed'), other, again]);
    assert.deepEqual(found, ['ask', null, 'ask', 'ask']);
  });

  it('takes the strongest of several actions, and goes on from a question to a fallback', () => {
    const back = aCheck({ then: 'fall-back', metric: 'error-rate' });
    const both = judged(aCheck(), 'failed');
    const row = {
      ...both,
      checks: [...both.checks, { check: back, verdict: 'failed' as const, reason: 'x' }],
    };
    assert.deepEqual(wishes([row]).found, ['fall-back']);
    assert.deepEqual(wishes([judged(aCheck(), 'failed'), row]).found, ['ask', 'fall-back']);
  });

  it('does nothing after a fallback until a version is live that it neither left nor went to', () => {
    const check = aCheck({ then: 'fall-back' });
    const one = () => judged(check, 'failed', { digest: ONE, version: 1 });
    const rows = [
      judged(check, 'failed'),
      one(),
      one(),
      judged(check, 'failed', { digest: THREE }),
    ];
    const { found, state } = wishes(rows, ONE);
    assert.deepEqual(found, ['fall-back', null, null, 'fall-back']);
    assert.deepEqual(state.coolDown, [THREE, ONE]);
  });

  it('tells people once of windows without a verdict', () => {
    const check = aCheck();
    let state = NEW_MONITOR;
    const alerts = Array.from({ length: 5 }, () => {
      const step = stepMonitor(state, judged(check, 'inconclusive', { reason: '0 rows' }), GIVEN);
      state = step.state;
      return step.alert;
    });
    assert.deepEqual(
      alerts.map((alert) => alert !== null),
      [false, false, true, false, false],
    );
    assert.match(alerts[2] ?? '', /3 windows in a row have no verdict; .*0 rows/);
    assert.equal(stepMonitor(state, judged(check, 'passed'), GIVEN).state.silent, 0);
  });

  it('only shows the accuracy of a version that is not live any more', () => {
    const check = aCheck({ metric: 'accuracy', max: undefined, min: 0.9, then: 'fall-back' });
    const before = { ...NEW_MONITOR, version: THREE };
    const accuracy = judged(check, 'failed', { kind: 'accuracy', digest: TWO });
    const old = stepMonitor(before, accuracy, GIVEN);
    assert.deepEqual([old.wish, old.state.version, old.state.rows.length], [null, THREE, 1]);
    assert.equal(
      stepMonitor({ ...before, version: TWO }, accuracy, GIVEN).wish?.action,
      'fall-back',
    );
  });

  it('remembers at most 32 KB, whatever comes', () => {
    let state: MonitorState = pausedBy(
      NEW_MONITOR,
      { by: 'ä'.repeat(200), reason: 'ö'.repeat(500) },
      START,
    );
    for (let index = 0; index < 400; index += 1) {
      const check = aCheck({ metric: 'accuracy', max: index / 7, consecutive: 100 });
      const row = judged(check, 'failed', { reason: 'ü'.repeat(300) });
      const wish: Wish = { action: 'ask', check, leaving: TWO, reason: 'x' };
      state = withAction(stepMonitor(state, row, GIVEN).state, wish);
      state = stepMonitor(state, row, GIVEN).state;
      state = withNote(state, START, 'ß'.repeat(1_000));
    }
    assert.deepEqual(monitorStateSchema.parse(state), state);
    const bytes = Buffer.byteLength(JSON.stringify(state));
    assert.ok(bytes <= 32 * 1024, `${bytes} bytes`);
    assert.ok(Buffer.byteLength(monitorDetails('tickets', state)) <= 32 * 1024);
  });

  it('remembers nothing that an older build could not read', () => {
    const row = unjudgedRow({ fromMs: START, untilMs: START + 1_000 }, 'x');
    const state: MonitorState = { ...withNote(NEW_MONITOR, START, 'x'), rows: [row] };
    const notes = state.notes.map((note) => ({ ...note, newer: 1 }));
    const newer = { ...state, newer: { key: 1 }, rows: [{ ...row, newer: 1 }], notes };
    assert.deepEqual(monitorStateSchema.parse(newer), state);
  });
});

describe('monitorPlanOf', () => {
  it('is null where nothing is watched', () => {
    assert.equal(monitorPlanOf(aSpec()), null);
    assert.equal(monitorPlanOf(aSpec({ retrain: { every: '1 day' } })), null);
  });

  it('settles what a check does', () => {
    const checks = [
      { metric: 'class-drift' as const, max: 0.25 },
      { metric: 'score-drift' as const, max: 0.25, then: 'ask' as const },
      { metric: 'error-rate' as const, max: 0.1 },
    ];
    const thens = (onDrift: boolean) =>
      monitorPlanOf(aSpec({ monitor: { checks }, retrain: { onDrift } }))?.windows?.checks.map(
        ({ then }) => then,
      );
    assert.deepEqual(thens(false), ['ask', 'ask', 'ask']);
    assert.deepEqual(thens(true), ['retrain', 'ask', 'ask']);
  });
});

describe('turnOf', () => {
  const plan: MonitorPlan = monitorPlanOf(
    aSpec({ monitor: {}, retrain: { onNewData: { check: '30 minutes' } } }),
  ) ?? { windows: null, newData: null };
  const begun = settled(NEW_MONITOR, plan, START);
  const looked = { ...begun, dataAtMs: START + 30 * 60_000 };
  const TEN = Date.parse('2026-03-01T10:00:00Z');

  it('begins with the window that is under way, and looks at the data at once', () => {
    assert.equal(begun.cursorMs, TEN);
    assert.deepEqual(turnOf(begun, plan, START), { kind: 'data' });
  });

  it('waits for what comes first', () => {
    assert.deepEqual(turnOf(looked, plan, START), { kind: 'wait', ms: 30 * 60_000 });
  });

  it('judges a window when its delay is over', () => {
    const span = { fromMs: TEN, untilMs: TEN + HOUR };
    const dueMs = TEN + HOUR + 60_000;
    const later = { ...looked, dataAtMs: TEN + 2 * HOUR };
    assert.deepEqual(turnOf(later, plan, dueMs - 1), { kind: 'wait', ms: 1 });
    assert.deepEqual(turnOf(later, plan, dueMs), { kind: 'window', span, isNewest: true });
  });

  it('judges missed windows in order; the last of them is the newest', () => {
    const nowMs = TEN + 3 * HOUR + 60_000;
    const turns = [0, 1, 2].map((hours) =>
      turnOf({ ...looked, cursorMs: TEN + hours * HOUR }, plan, nowMs),
    );
    assert.deepEqual(
      turns.map((turn) => turn.kind === 'window' && turn.isNewest),
      [false, false, true],
    );
  });

  it('does nothing while paused, and does not make up for the pause', () => {
    const paused = pausedBy(begun, { by: 'ada', reason: 'a campaign' }, START);
    assert.deepEqual(turnOf(paused, plan, START + 9 * HOUR), { kind: 'wait', ms: null });
    const later = resumed(paused, plan.windows, START + 9 * HOUR);
    assert.deepEqual([later.paused, later.cursorMs], [null, TEN + 9 * HOUR]);
  });

  it('leaves no gap and no overlap where windows get another length', () => {
    const shorter: MonitorPlan =
      monitorPlanOf(aSpec({ monitor: { every: '7 minutes', delay: '0 s' } })) ?? plan;
    const turn = turnOf({ ...begun, cursorMs: TEN }, shorter, TEN + HOUR);
    assert.deepEqual(turn.kind === 'window' && turn.span.fromMs, TEN);
    assert.ok(turn.kind === 'window' && turn.span.untilMs - TEN <= 7 * 60_000);
  });
});

describe('monitorDetails', () => {
  it('shows the last windows as a table, the newest first, with what others wrote as plain text', () => {
    const hostile = judged(aCheck(), 'failed', { reason: 'a | b <script>alert(1)</script>\n# c' });
    const first = stepMonitor(
      NEW_MONITOR,
      judged(aCheck(), 'passed', { verdict: 'passed' }),
      GIVEN,
    );
    const details = monitorDetails('tickets', stepMonitor(first.state, hostile, GIVEN).state);
    const rows = details.split('\n').filter((line) => line.startsWith('|'));
    assert.equal(rows.length, 4);
    assert.match(rows[2] ?? '', /\*\*failed\*\*/);
    assert.doesNotMatch(details, /<script>/);
    assert.match(details, /Last verdict: \*\*failed\*\*/);
    assert.match(details, /npx switchyard monitor pause tickets/);
    assert.match(details, /^- \S+ \S+ to \S+ \*\*failed\*\*: a \\\| b /m);
  });
});

describe('windowSpan', () => {
  const span = (from: string, until: string) =>
    windowSpan({ from: `2026-03-01T${from}.000Z`, until: `${until}.000Z` });

  it('has seconds only where minutes would not tell windows apart, and a second day where there is one', () => {
    assert.equal(span('12:00:00', '2026-03-01T13:00:00'), '2026-03-01 12:00 to 13:00');
    assert.equal(span('12:00:00', '2026-03-01T12:00:20'), '2026-03-01 12:00:00 to 12:00:20');
    assert.equal(span('12:00:00', '2026-03-02T12:00:00'), '2026-03-01 12:00 to 2026-03-02 12:00');
  });
});
