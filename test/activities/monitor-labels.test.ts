import assert from 'node:assert/strict';
import { joinLabels } from '../../activities/monitor-labels.js';
import { LabelFiles } from '../../adapters/monitoring/label-files.js';
import { WindowFiles } from '../../adapters/monitoring/window-files.js';
import { judgeWindow } from '../../domain/monitor/judge-window.js';
import type { PredictionLine } from '../../domain/monitor/prediction-line.js';
import type { PlannedCheck } from '../../domain/monitor/window.js';
import { WindowCounter } from '../../domain/monitor/window-tally.js';
import { aDigest } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';

const MODEL = 'tickets';
const TEN = Date.parse('2026-03-01T10:00:00Z');
const HOUR = 3_600_000;
const SPAN = { fromMs: TEN, untilMs: TEN + HOUR };
const LIVE = { version: 1, digest: aDigest('live'), since: '2026-02-01T00:00:00.000Z' };
const CHECK: PlannedCheck = { metric: 'accuracy', min: 0.9, consecutive: 1, then: 'ask' };

const aLine = (requestId: string, overrides: Partial<PredictionLine> = {}): PredictionLine => ({
  ...{ requestId, row: 0, at: new Date(TEN).toISOString(), version: 1, digest: LIVE.digest },
  ...{ label: 'a', probability: 0.9, latencyMs: 1, error: null, ...overrides },
});

const failed = (error: string) => ({ label: null, probability: null, error });

/** Rows with a label, and those of them that were answered with it; each of these requests should have been answered `a`. */
async function joined(lines: readonly PredictionLine[]) {
  const store = new MemoryObjectStore();
  const [windows, labels] = [new WindowFiles(store), new LabelFiles(store)];
  const tally = new WindowCounter(SPAN, { digest: LIVE.digest, profile: null }).tally();
  await windows.put(
    judgeWindow({
      ...{ model: MODEL, span: SPAN, judgedAtMs: TEN + HOUR, live: LIVE, profile: null, tally },
      ...{ malformed: 0, checks: [CHECK], minSample: 1 },
    }),
  );
  const ids = [...new Set(lines.map(({ requestId }) => requestId))];
  await labels.add(
    MODEL,
    ids.map((requestId) => ({ requestId, row: 0, label: 'a' })),
  );
  const predictions = {
    async *batches() {
      yield await Promise.resolve({ lines, malformed: 0 });
    },
  };
  const plan = {
    ...{ everyMs: HOUR, delayMs: 0, minSample: 1, labelsWithinMs: 0, alertAfterSilent: 1 },
    checks: [CHECK],
  };
  const given = { model: MODEL, nowMs: TEN + HOUR, seen: null, afterMs: null, windows: plan };
  const { rows } = await joinLabels({ predictions, windows, labels }, given, () => undefined);
  return rows[0]?.checks[0]?.reason;
}

describe('joinLabels', () => {
  it('takes a request that failed for one that was not right', async () => {
    const lines = [aLine('r-1'), aLine('r-2', failed('RuntimeTimeout'))];
    assert.match((await joined(lines)) ?? '', /^accuracy is 0\.5 of 2 rows/);
  });

  it('leaves out what never reached the model, and takes its answer where it came again', async () => {
    const lines = [
      aLine('r-1', failed('Overloaded')),
      aLine('r-1'),
      ...['ClientGone', 'TimedOut', 'InvalidRow'].map((error) => aLine(error, failed(error))),
    ];
    assert.match((await joined(lines)) ?? '', /^accuracy is 1 of 1 rows/);
  });
});
