import assert from 'node:assert/strict';
import {
  judgeAccuracy,
  judgeWindow,
  type JudgeWindow,
} from '../../../domain/monitor/judge-window.js';
import type { PredictionLine } from '../../../domain/monitor/prediction-line.js';
import type { ReferenceProfile } from '../../../domain/monitor/reference-profile.js';
import { windowFrom, windowSchema, type PlannedCheck } from '../../../domain/monitor/window.js';
import { WindowCounter } from '../../../domain/monitor/window-tally.js';
import { aDigest } from '../../../testing/builders.js';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-03-01T10:00:00Z');
const SPAN = { fromMs: FROM, untilMs: FROM + HOUR };
const LIVE = { version: 2, digest: aDigest('live'), since: '2026-02-01T00:00:00.000Z' };

const PROFILE: ReferenceProfile = {
  ...{ schemaVersion: 1, model: 'tickets', manifest: LIVE.digest, heldOut: aDigest('rows') },
  ...{ rows: 100, accuracy: 0.8 },
  classes: [
    { label: 'a', count: 50 },
    { label: 'b', count: 30 },
    { label: 'c', count: 20 },
  ],
  scores: { edges: [0.5], counts: [50, 50] },
};

const aLine = (index: number, overrides: Partial<PredictionLine> = {}): PredictionLine => ({
  ...{ requestId: `r-${index}`, row: 0, at: new Date(FROM + index * 1000).toISOString() },
  ...{ version: 2, digest: LIVE.digest, label: index % 10 < 5 ? 'a' : index % 10 < 8 ? 'b' : 'c' },
  ...{ probability: index % 2 === 0 ? 0.4 : 0.9, latencyMs: index, error: null },
  ...overrides,
});
const lines = (n: number, overrides: (index: number) => Partial<PredictionLine> = () => ({})) =>
  Array.from({ length: n }, (_, index) => aLine(index, overrides(index)));

const aCheck = (overrides: Partial<PlannedCheck>): PlannedCheck => ({
  ...{ metric: 'class-drift', consecutive: 1, then: 'ask', ...overrides },
});
const CHECKS = [
  aCheck({ metric: 'error-rate', max: 0.1 }),
  aCheck({ metric: 'class-drift', max: 0.25 }),
  aCheck({ metric: 'score-drift', max: 0.25 }),
];

function judged(given: readonly PredictionLine[], overrides: Partial<JudgeWindow> = {}) {
  const counter = new WindowCounter(SPAN, { digest: LIVE.digest, profile: PROFILE });
  for (const line of given) counter.add(line);
  const window = judgeWindow({
    ...{ model: 'tickets', span: SPAN, judgedAtMs: FROM + 2 * HOUR, live: LIVE },
    profile: { digest: aDigest('profile'), document: PROFILE },
    ...{ tally: counter.tally(), malformed: 0, checks: CHECKS, minSample: 50, ...overrides },
  });
  return windowSchema.parse(window);
}
const verdicts = (window: ReturnType<typeof judged>) =>
  window.checks.map(({ check, verdict }) => [check.metric, verdict]);

describe('judgeWindow', () => {
  it('passes a window like the reference, with its figures', () => {
    const window = judged(lines(100));
    assert.equal(window.verdict, 'passed');
    assert.deepEqual(
      [window.requests, window.rows, window.errors, window.errorRate],
      [100, 100, 0, 0],
    );
    assert.deepEqual([window.latencyP50Ms, window.latencyP99Ms], [49, 98]);
    assert.deepEqual([window.classDrift, window.scoreDrift], [0, 0]);
    assert.match(window.reason, /class-drift is 0 of 100 rows, at most 0\.25 is asked/);
  });

  it('fails another mix of labels, by the index of the shares', () => {
    // 20, 30, 50 against 50, 30, 20: 0.549774439124493, computed apart in test/domain/drift.test.ts
    const mix = (index: number) => (index % 10 < 2 ? 'a' : index % 10 < 5 ? 'b' : 'c');
    const window = judged(lines(100, (index) => ({ label: mix(index) })));
    assert.ok(Math.abs((window.classDrift ?? 0) - 0.549774439124493) < 1e-12);
    assert.equal(window.verdict, 'failed');
    assert.match(window.reason, /class-drift is 0\.5498 of 100 rows/);
  });

  it('counts a label that the contract does not have as a class of its own', () => {
    const window = judged(lines(100, (index) => (index < 60 ? { label: 'new' } : {})));
    assert.equal(window.checks[1]?.verdict, 'failed');
  });

  it('fails too many failed requests; their rows have no part in drift', () => {
    const failing = { label: null, probability: null, error: 'RuntimeCrashed' };
    const window = judged(lines(100, (index) => (index % 5 === 0 ? failing : {})));
    assert.deepEqual([window.errors, window.errorRate], [20, 0.2]);
    assert.equal(window.checks[0]?.verdict, 'failed');
    assert.equal(window.checks[1]?.sample, 80);
  });

  for (const error of ['InvalidRow', 'ClientGone', 'Overloaded', 'TimedOut']) {
    it(`counts no row that never reached the model: ${error}`, () => {
      const refused = { label: null, probability: null, error };
      const window = judged(lines(100, (index) => (index % 5 === 0 ? refused : {})));
      assert.deepEqual([window.requests, window.rows, window.errors], [80, 80, 0]);
      assert.equal(window.checks[0]?.verdict, 'passed');
    });
  }

  it('counts a model that takes too long as failing', () => {
    const slow = { label: null, probability: null, error: 'RuntimeTimeout' };
    const window = judged(lines(100, (index) => (index % 5 === 0 ? slow : {})));
    assert.deepEqual([window.requests, window.errors, window.verdict], [100, 20, 'failed']);
  });

  it('counts a request that found no place and came again by the same id as what it was answered', () => {
    const refused = { label: null, probability: null, error: 'Overloaded' };
    const window = judged([...lines(60, () => refused), ...lines(60)]);
    assert.deepEqual([window.requests, window.errors, window.duplicates], [60, 0, 0]);
  });

  it('counts a request of many rows once', () => {
    const rows = Array.from({ length: 60 }, (_, row) => aLine(1, { row }));
    assert.deepEqual([judged(rows).requests, judged(rows).rows], [1, 60]);
  });

  it('does not hold too few requests against a version that served only part of the window', () => {
    const checks = [aCheck({ metric: 'requests', min: 100, then: 'fall-back' })];
    const since = (ms: number) => ({ live: { ...LIVE, since: new Date(ms).toISOString() } });
    assert.deepEqual(verdicts(judged(lines(30), { checks, ...since(FROM - 1) })), [
      ['requests', 'failed'],
    ]);
    for (const late of [FROM + HOUR / 2, FROM + HOUR + 30_000]) {
      const window = judged(lines(30), { checks, ...since(late) });
      assert.deepEqual(verdicts(window), [['requests', 'inconclusive']]);
      assert.match(window.checks[0]?.reason ?? '', /version 2 did not serve all of the window/);
    }
    // a fallback: what serves again has served since long ago, but others answered in this window
    const others = lines(60, (index) => (index < 30 ? { digest: aDigest('left') } : {}));
    const back = judged(others, { checks, ...since(FROM - 100 * HOUR) });
    assert.deepEqual(verdicts(back), [['requests', 'inconclusive']]);
  });

  it('is inconclusive of an empty window, whatever is checked', () => {
    for (const checks of [CHECKS, [], [aCheck({ metric: 'requests', max: 1e6 })]]) {
      const window = judged([], { checks });
      assert.equal(window.verdict, 'inconclusive');
      assert.match(window.reason, /0 rows of version 2, 50 are needed/);
    }
  });

  it('is inconclusive below the minimum sample', () => {
    const window = judged(lines(49));
    assert.deepEqual(
      new Set(verdicts(window).map(([, verdict]) => verdict)),
      new Set(['inconclusive']),
    );
    assert.equal(window.verdict, 'inconclusive');
  });

  it('fails too few requests also below the minimum sample, and never passes then', () => {
    const checks = [aCheck({ metric: 'requests', min: 10 })];
    assert.equal(judged(lines(9), { checks }).verdict, 'failed');
    assert.equal(judged(lines(11), { checks }).verdict, 'inconclusive');
    assert.equal(judged(lines(50), { checks }).verdict, 'passed');
  });

  it('counts rows that come again once, and says so', () => {
    const window = judged([...lines(30), ...lines(30), ...lines(30)]);
    assert.deepEqual([window.rows, window.duplicates, window.verdict], [30, 60, 'inconclusive']);
    assert.match(window.reason, /60 came again/);
  });

  it('counts lines of other versions apart', () => {
    const other = aDigest('before');
    const window = judged(lines(100, (index) => (index < 70 ? { digest: other, version: 1 } : {})));
    assert.deepEqual([window.rows, window.others], [30, [{ digest: other, rows: 70 }]]);
    assert.equal(window.verdict, 'inconclusive');
    assert.match(window.reason, /70 rows are of other versions/);
  });

  it('leaves out lines of other times', () => {
    const before = { at: new Date(FROM - 1).toISOString() };
    const after = { at: new Date(FROM + HOUR).toISOString() };
    const first = { at: new Date(FROM).toISOString() };
    const window = judged([aLine(1, before), aLine(2, after), aLine(3, first)]);
    assert.equal(window.rows, 1);
  });

  it('is an error where answers are no numbers, never a pass', () => {
    const some = judged(lines(100, (index) => (index === 7 ? { probability: null } : {})));
    const all = judged(lines(100, () => ({ probability: null, label: null })));
    assert.deepEqual(verdicts(some).at(-1), ['score-drift', 'error']);
    assert.match(some.reason, /the probability of 1 answered rows is no number/);
    assert.deepEqual([some.verdict, all.verdict], ['error', 'error']);
  });

  it('is an error where more than one line in a hundred is malformed', () => {
    assert.equal(judged(lines(100), { malformed: 1 }).verdict, 'passed');
    const window = judged(lines(100), { malformed: 2 });
    assert.equal(window.verdict, 'error');
    assert.match(window.reason, /2 of 102 lines are malformed/);
  });

  it('is an error where the version has no profile, and says what to do', () => {
    const window = judged(lines(100), { profile: null });
    assert.deepEqual(
      verdicts(window).map(([, verdict]) => verdict),
      ['passed', 'error', 'error'],
    );
    assert.match(window.reason, /version 2 has no reference profile: test it again/);
  });

  it('is an error where no score can drift', () => {
    const document = { ...PROFILE, scores: { edges: [], counts: [100] } };
    const window = judged(lines(100), { profile: { digest: aDigest('profile'), document } });
    assert.match(window.reason, /all scores of the reference are equal/);
  });

  it('is inconclusive where nothing is live', () => {
    const window = judged([], { live: null, profile: null });
    assert.deepEqual(
      [window.verdict, window.reason, window.digest],
      ['inconclusive', 'nothing is live', null],
    );
  });
});

describe('judgeAccuracy', () => {
  const given = {
    ...{ model: 'tickets', span: SPAN, judgedAtMs: FROM + 2 * HOUR, live: LIVE, minSample: 50 },
    checks: [aCheck({ metric: 'accuracy', min: 0.7 }), ...CHECKS],
  };

  it('judges the share of right labels, by the accuracy checks alone', () => {
    const passed = judgeAccuracy({ ...given, labelled: 80, right: 60 });
    assert.deepEqual([passed.verdict, passed.accuracy, passed.checks.length], ['passed', 0.75, 1]);
    const failed = judgeAccuracy({ ...given, labelled: 80, right: 40 });
    assert.match(failed.reason, /accuracy is 0\.5 of 80 rows, at least 0\.7 is asked/);
    assert.equal(failed.verdict, 'failed');
  });

  it('is inconclusive below the minimum sample, and without labels', () => {
    assert.equal(judgeAccuracy({ ...given, labelled: 49, right: 0 }).verdict, 'inconclusive');
    assert.equal(judgeAccuracy({ ...given, labelled: 0, right: 0 }).accuracy, null);
  });
});

describe('windowFrom', () => {
  it('ends at the next multiple of its length since 1970', () => {
    assert.deepEqual(windowFrom(FROM, HOUR), SPAN);
    assert.deepEqual(windowFrom(FROM + 5, HOUR), { fromMs: FROM + 5, untilMs: FROM + HOUR });
  });
});
