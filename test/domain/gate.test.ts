import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  findingsOf,
  gateProblems,
  judge,
  overallVerdict,
  type Gate,
  type GateResult,
  type Measurement,
} from '../../domain/gate.js';

const aGate = (fields: Partial<Gate> & Pick<Gate, 'metric'>): Gate => ({ minSample: 1, ...fields });
const measured = (fields: Partial<Measurement> & Pick<Measurement, 'metric'>): Measurement => ({
  value: 0.8,
  sample: 100,
  inputs: [],
  ...fields,
});

const accuracy = aGate({ metric: 'accuracy', min: 0.7 });
const difference = aGate({ metric: 'accuracy-difference', min: -0.02 });
const between = (low: number, high: number) =>
  measured({
    metric: 'accuracy-difference',
    value: (low + high) / 2,
    interval: { low, high, confidence: 0.95 },
  });

describe('judge', () => {
  it('passes a value on the right side of its limit, the limit included', () => {
    assert.equal(
      judge(accuracy, measured({ metric: 'accuracy', value: 0.7 }), false).verdict,
      'passed',
    );
    const size = aGate({ metric: 'artifact-bytes', max: 1_000 });
    assert.equal(
      judge(size, measured({ metric: 'artifact-bytes', value: 1_000 }), false).verdict,
      'passed',
    );
  });

  it('fails a value beyond its limit, and says both numbers', () => {
    const result = judge(accuracy, measured({ metric: 'accuracy', value: 0.69 }), false);

    assert.equal(result.verdict, 'failed');
    assert.match(result.reason, /accuracy is 0\.69.* at least 0\.7/);
    const slow = aGate({ metric: 'latency-p99-ms', max: 5 });
    assert.equal(
      judge(slow, measured({ metric: 'latency-p99-ms', value: 5.01 }), false).verdict,
      'failed',
    );
  });

  it('says in full what would read alike and is not', () => {
    const size = aGate({ metric: 'artifact-bytes', max: 67_108_864 });
    const said = (value: number) =>
      judge(size, measured({ metric: 'artifact-bytes', value }), false).reason;
    assert.equal(
      said(67_108_865),
      'artifact-bytes is 67108865 bytes, at most 67108864 bytes is asked',
    );
    assert.match(said(67_108_864), /is 67\.11 MB, at most 67\.11 MB/);
    assert.match(said(67_208_864), /is 67\.21 MB, at most 67\.11 MB/);
  });

  it('says a few bytes in KB, which as MB would read like nothing', () => {
    const size = aGate({ metric: 'artifact-bytes', max: 64e6 });
    const said = (value: number) =>
      judge(size, measured({ metric: 'artifact-bytes', value }), false).reason;

    assert.match(said(3_259), /^artifact-bytes is 3\.26 KB, at most 64\.00 MB/);
    assert.match(said(300_000), /^artifact-bytes is 0\.30 MB/);
  });

  it('is inconclusive below the minimum sample, whatever the value', () => {
    const gate = aGate({ metric: 'accuracy', min: 0.7, minSample: 101 });
    for (const value of [0, 1]) {
      const result = judge(gate, measured({ metric: 'accuracy', value }), false);
      assert.equal(result.verdict, 'inconclusive');
      assert.match(result.reason, /100 rows, at least 101/);
    }
  });

  it('is an error, never a failure, where nothing could be measured', () => {
    for (const nothing of [
      undefined,
      measured({ metric: 'accuracy', value: null, error: 'the process ended' }),
      measured({ metric: 'accuracy', value: Number.NaN }),
      measured({ metric: 'accuracy', value: Number.POSITIVE_INFINITY }),
    ]) {
      assert.equal(judge(accuracy, nothing, true).verdict, 'error');
    }
    const dead = measured({ metric: 'accuracy', value: null, error: 'the process ended' });
    assert.match(judge(accuracy, dead, true).reason, /could not be measured: the process ended/);
  });

  it('judges a relative gate by its whole interval', () => {
    assert.equal(judge(difference, between(-0.02, 0.05), true).verdict, 'passed');
    assert.equal(judge(difference, between(-0.08, -0.021), true).verdict, 'failed');
    assert.equal(judge(difference, between(-0.05, 0.05), true).verdict, 'inconclusive');
  });

  it('does not take a relative value without an interval', () => {
    const bare = measured({ metric: 'accuracy-difference', value: 0.1 });

    assert.equal(judge(difference, bare, true).verdict, 'error');
  });

  it('does not apply a relative gate where nothing is live, measured or not', () => {
    assert.equal(judge(difference, undefined, false).verdict, 'not applicable');
    assert.equal(judge(difference, between(-1, -0.9), false).verdict, 'not applicable');
  });

  describe('with slices', () => {
    const gate = aGate({ metric: 'slice-accuracy', min: 0.5, minSample: 10 });
    const sliced = (slices: Measurement['slices']) =>
      measured({ metric: 'slice-accuracy', value: 0.1, slices });
    const small = { slice: 'small', value: 0.1, sample: 9 };
    const good = { slice: 'good', value: 0.5, sample: 10 };
    const bad = { slice: 'bad', value: 0.499, sample: 10 };

    it('counts only those that are large enough', () => {
      const result = judge(gate, sliced([small, good]), false);

      assert.equal(result.verdict, 'passed');
      assert.match(result.reason, /all 1 slices .*1 slices are too small/);
    });

    it('fails by one bad slice, and names it', () => {
      const result = judge(gate, sliced([small, bad, good]), false);

      assert.equal(result.verdict, 'failed');
      assert.match(result.reason, /bad 0\.499 \(10 rows\)/);
      assert.doesNotMatch(result.reason, /good 0/);
    });

    it('is inconclusive when all are too small', () => {
      assert.equal(judge(gate, sliced([small]), false).verdict, 'inconclusive');
      assert.equal(judge(gate, sliced([]), false).verdict, 'inconclusive');
    });
  });

  it('never turns from passed to failed by a better value', () => {
    const value = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(value, value, value, (limit, one, other) => {
        const gate = aGate({ metric: 'accuracy', min: limit });
        const [worse, better] = one < other ? [one, other] : [other, one];
        const verdictOf = (at: number) =>
          judge(gate, measured({ metric: 'accuracy', value: at }), false).verdict;

        assert.ok(!(verdictOf(worse) === 'passed' && verdictOf(better) === 'failed'));
      }),
    );
  });

  it('never fails a relative gate whose interval holds the limit', () => {
    const value = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(value, value, value), (values) => {
        const [low = 0, limit = 0, high = 0] = [...values].sort((one, other) => one - other);
        const gate = aGate({ metric: 'accuracy-difference', min: limit });

        assert.notEqual(judge(gate, between(low, high), true).verdict, 'failed');
      }),
    );
  });
});

describe('overallVerdict', () => {
  const ended = (...verdicts: GateResult['verdict'][]) =>
    overallVerdict(
      verdicts.map((verdict) => ({ gate: accuracy, verdict, value: null, sample: 0, reason: '' })),
    );

  it('is the worst: failed, then error, then inconclusive', () => {
    assert.equal(ended('passed', 'inconclusive', 'error', 'failed'), 'failed');
    assert.equal(ended('inconclusive', 'error', 'passed'), 'error');
    assert.equal(ended('passed', 'inconclusive'), 'inconclusive');
    assert.equal(ended('passed', 'passed'), 'passed');
  });

  it('does not count what is not applicable', () => {
    assert.equal(ended('not applicable', 'passed'), 'passed');
  });
});

describe('findingsOf', () => {
  it('gives each failed gate to its owner, with the inputs beyond the limit', () => {
    const input = (id: string, value: number) => ({ id, excerpt: '', detail: '', value });
    const slow = aGate({ metric: 'latency-slowest-ms', max: 10 });
    const measurements = [
      measured({ metric: 'accuracy', value: 0.1 }),
      measured({
        metric: 'latency-slowest-ms',
        value: 30,
        inputs: [input('a', 30), input('b', 11), input('c', 9)],
      }),
    ];
    const results = [accuracy, slow].map((gate) =>
      judge(
        gate,
        measurements.find(({ metric }) => metric === gate.metric),
        false,
      ),
    );

    const findings = findingsOf(results, measurements);

    assert.deepEqual(
      findings.map(({ owner, inputs }) => [owner, inputs.map(({ id }) => id)]),
      [
        ['data-science', []],
        ['engineering', ['a', 'b']],
      ],
    );
  });
});

describe('a gate on a metric of the project’s own', () => {
  const own = {
    kind: 'system',
    limit: 'max',
    unit: 'W',
    range: [0, 50],
    meaning: 'power',
  } as const;
  const gate = aGate({ metric: 'power', max: 20, own: { ...own, range: [...own.range] } });

  it('is judged by what it carries', () => {
    const result = judge(gate, measured({ metric: 'power', value: 21 }), true);
    assert.equal(result.verdict, 'failed');
    assert.match(result.reason, /power is 21 W, at most 20 W is asked/);
    const [finding] = findingsOf([result], []);
    assert.equal(finding?.owner, 'engineering');
  });

  it('is held to the metric’s side and range', () => {
    const problems = (fields: Partial<Gate>) => gateProblems([{ ...gate, ...fields }]).join();
    assert.equal(problems({}), '');
    assert.match(problems({ max: undefined, min: 1 }), /power sets min, but this metric takes max/);
    assert.match(problems({ max: 51 }), /max 51, outside 0 to 50/);
  });

  it('ends in an error where nobody says what the metric is', () => {
    const result = judge(aGate({ metric: 'power', max: 20 }), measured({ metric: 'power' }), false);
    assert.equal(result.verdict, 'error');
    assert.match(result.reason, /power is no metric of this project/);
  });
});

describe('gateProblems', () => {
  it('finds nothing in gates that fit together', () => {
    assert.deepEqual(gateProblems([accuracy, difference]), []);
  });

  for (const [title, gates, sentence] of [
    ['a limit on the wrong side', [{ metric: 'accuracy', max: 0.7 }], /sets max, but .* takes min/],
    ['no limit', [{ metric: 'load-ms' }], /load-ms has no limit: give it max/],
    ['a limit out of range', [{ metric: 'accuracy', min: 70 }], /min 70, outside 0 to 1/],
    [
      'two limits on one metric',
      [
        { metric: 'accuracy', min: 0.7 },
        { metric: 'accuracy', min: 0.8 },
      ],
      /two gates on accuracy contradict: 0\.7 and 0\.8/,
    ],
    [
      'a median that may be slower than the 99th percentile',
      [
        { metric: 'latency-p50-ms', max: 9 },
        { metric: 'latency-p99-ms', max: 3 },
      ],
      /latency-p50-ms may be 9 ms but latency-p99-ms only 3 ms/,
    ],
  ] as const) {
    it(`refuses ${title}`, () => {
      const problems = gateProblems(gates.map((gate) => aGate(gate)));

      assert.match(problems.join('\n'), sentence);
    });
  }

  it('lets the same gate stand twice', () => {
    assert.deepEqual(gateProblems([accuracy, accuracy]), []);
  });
});
