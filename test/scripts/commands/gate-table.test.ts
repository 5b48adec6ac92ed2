import assert from 'node:assert/strict';
import type { Measurement } from '../../../domain/gate.js';
import { parseModelSpec } from '../../../domain/spec.js';
import { judgeLocally, verdictAnswer } from '../../../scripts/commands/gate-table.js';

const SPEC = parseModelSpec({
  ...{ model: 'tickets', train: { trainer: 'tickets', source: 'mails' } },
  convert: { twin: 'int8' },
  test: { gates: [{ metric: 'artifact-bytes', max: 1_000 }] },
});
const measured = (metric: string, value: number, sample = 1): Measurement => ({
  ...{ metric, value, sample, inputs: [] },
  interval: { low: value, high: value, confidence: 0.95 },
});
const full = [measured('artifact-bytes', 4_000)];
const own = [measured('artifact-bytes', 900)];
const compared = [
  ...[measured('twin-size', 0.3), measured('twin-slowdown', 0.5, 9)],
  ...[measured('twin-agreement', 1, 500), measured('twin-accuracy-difference', 0, 500)],
];

describe('judgeLocally', () => {
  it('judges the twin where that is taken, and says why', () => {
    const local = judgeLocally(SPEC, { full, twin: { own, compared } });
    assert.equal(local.verdict, 'passed');
    assert.match(local.twin ?? '', /^the twin is taken: twin-size is 0\.3/);
    const { lines, exitCode } = verdictAnswer(local, []);
    assert.equal(exitCode, 0);
    assert.ok(lines.some((line) => line.startsWith('the twin is taken')));
  });

  it('judges the full model where the twin is not taken, as without rows to compare on', () => {
    const local = judgeLocally(SPEC, { full, twin: { own, compared: compared.slice(0, 2) } });
    assert.equal(local.verdict, 'failed');
    assert.match(local.twin ?? '', /^the twin is not taken: error: twin-agreement could not be/);
    assert.match(local.findings[0]?.reason ?? '', /^artifact-bytes is .*; the twin is not taken/);
    const offered = { kind: 'offered', bytes: 900 } as const;
    const alone = judgeLocally(SPEC, { full, offered, twin: null });
    assert.equal(alone.twin, undefined);
    assert.match(alone.findings[0]?.reason ?? '', /an int8 twin would have 0\.90 KB/);
  });
});
