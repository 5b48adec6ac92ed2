import assert from 'node:assert/strict';
import type { TestReport } from '../../domain/evidence.js';
import { isPortError } from '../../domain/failures.js';
import { personsRows, redactTestReport } from '../../domain/forgetting.js';
import type { Gate, GateResult, Measurement, Verdict } from '../../domain/gate.js';
import { parseModelSpec } from '../../domain/spec.js';
import { shownInput } from '../../domain/shown-input.js';
import { twinOf, type Conversion } from '../../domain/conversion.js';
import {
  candidateGates,
  chooseTwin,
  judgeTwin,
  TWIN_GATES,
  twinFaults,
  twinGates,
  withOffer,
  type TwinReport,
} from '../../domain/twin.js';
import { aTestReport } from '../adapters/registry/builders.js';
import { aDigest } from '../../testing/builders.js';

/** A twin that wins, with what is given instead. */
function compared(overrides: Readonly<Record<string, Partial<Measurement>>> = {}): Measurement[] {
  const interval = { low: -0.004, high: 0.002, confidence: 0.95 };
  const measured: Measurement[] = [
    { metric: 'twin-size', value: 0.26, sample: 1, inputs: [] },
    { metric: 'twin-slowdown', value: 0.5, sample: 9, inputs: [] },
    { metric: 'twin-agreement', value: 0.998, sample: 1_000, inputs: [] },
    { metric: 'twin-accuracy-difference', value: -0.001, sample: 1_000, interval, inputs: [] },
  ];
  return measured.map((each) => ({ ...each, ...overrides[each.metric] }));
}

const choose = (
  measurements: readonly Measurement[],
  [full, twin]: readonly [Verdict, Verdict] = ['passed', 'passed'],
) =>
  chooseTwin(judgeTwin(TWIN_GATES, measurements), {
    full: { results: [ownResult(full)], verdict: full },
    twin: { results: [ownResult(twin)], verdict: twin },
  });

function ownResult(verdict: Verdict): GateResult {
  const gate: Gate = { metric: 'artifact-bytes', max: 1_000, minSample: 1 };
  return { gate, verdict, value: 1, sample: 1, reason: `its size ${verdict}` };
}

describe('chooseTwin', () => {
  it('takes a twin that is smaller, not slower, and answers alike', () => {
    const { chosen, reason } = choose(compared());
    assert.ok(chosen);
    assert.match(reason, /^the twin is taken: twin-size is 0\.26.* twin-slowdown is 0\.5/);
  });

  const losing: Readonly<Record<string, [Parameters<typeof compared>[0], RegExp]>> = {
    'one that saves less than a hundredth': [
      { 'twin-size': { value: 0.991 } },
      /failed: twin-size/,
    ],
    'one that is slower by more than the tolerance': [
      { 'twin-slowdown': { value: 1.051 } },
      /failed: twin-slowdown is 1\.051, at most 1\.05/,
    ],
    'one that was called in too few rounds': [
      { 'twin-slowdown': { sample: 4 } },
      /inconclusive: twin-slowdown: 4 rows, at least 5/,
    ],
    'one that gives other labels': [
      { 'twin-agreement': { value: 0.989 } },
      /failed: twin-agreement is 0\.989/,
    ],
    'one that may cost too much accuracy': [
      {
        'twin-accuracy-difference': {
          value: -0.015,
          interval: { low: -0.03, high: 0, confidence: 0.95 },
        },
      },
      /inconclusive: twin-accuracy-difference is -0\.015/,
    ],
    'one that did not run': [
      { 'twin-slowdown': { value: null, error: 'it does not load' } },
      /error: twin-slowdown could not be measured: it does not load/,
    ],
  };
  for (const [which, [overrides, reason]] of Object.entries(losing)) {
    it(`does not take ${which}, and says so`, () => {
      const choice = choose(compared(overrides));
      assert.equal(choice.chosen, false);
      assert.match(choice.reason, /^the twin is not taken: /);
      assert.match(choice.reason, reason);
    });
  }

  it('lets it go no further than its own gates do, and never where they fail', () => {
    const reach: readonly (readonly [Verdict, Verdict, boolean])[] = [
      ...[['passed', 'inconclusive', false] as const, ['passed', 'error', false] as const],
      ...[['failed', 'passed', true] as const, ['failed', 'failed', false] as const],
      ...[['inconclusive', 'inconclusive', true] as const, ['error', 'passed', true] as const],
    ];
    for (const [full, twin, chosen] of reach) {
      const choice = choose(compared(), [full, twin]);
      assert.equal(choice.chosen, chosen, `${full}, ${twin}`);
      if (!chosen) assert.match(choice.reason, new RegExp(`${twin}: its size ${twin}`));
    }
    assert.match(choose(compared(), ['failed', 'passed']).reason, /of the full model failed: its/);
  });
});

describe('gates on a twin', () => {
  const SPEC = {
    model: 'tickets',
    train: { trainer: 'tickets', source: 'mails' },
    test: {
      gates: [
        { metric: 'accuracy', min: 0.5 } as const,
        { metric: 'twin-slowdown', max: 2 } as const,
      ],
    },
  };

  it('take the place of the ones that always hold, and are none of the candidate', () => {
    const { gates } = parseModelSpec({ ...SPEC, convert: { twin: 'int8' } }).test;
    assert.deepEqual(
      candidateGates(gates).map(({ metric }) => metric),
      ['accuracy'],
    );
    const chosen = twinGates(gates);
    assert.equal(chosen.length, TWIN_GATES.length);
    assert.equal(chosen.find(({ metric }) => metric === 'twin-slowdown')?.max, 2);
  });

  it('are refused where no twin is asked for', () => {
    assert.throws(
      () => parseModelSpec(SPEC),
      (error) =>
        isPortError(error) &&
        error.message.includes(
          "the gate on twin-slowdown is about a twin: set convert.twin to 'int8'",
        ),
    );
  });
});

describe('twinOf', () => {
  const CONVERSION: Conversion = {
    ...{ schemaVersion: 1, labels: ['a', 'b'], frontEnd: 'front-end.json', artifact: 'model.onnx' },
    ...{ opset: 18, irVersion: 10, producer: 'a test', inputs: [], outputs: [] },
  };
  const MADE = { kind: 'made', artifact: 'model.int8.onnx' } as const;
  const files = ['model.onnx', 'front-end.json', 'model.int8.onnx'];

  it('is what the trainer says of one that was asked for', () => {
    const of = (twin: Conversion['twin']) =>
      twinOf({ ...CONVERSION, ...(twin && { twin }) }, { asked: 'int8', files });
    assert.deepEqual(of(MADE), MADE);
    assert.deepEqual(of({ kind: 'failed', reason: 'no memory' }), {
      kind: 'failed',
      reason: 'no memory',
    });
    assert.deepEqual(of(undefined), { kind: 'failed', reason: 'the trainer made none' });
    for (const artifact of ['model.onnx', 'front-end.json', 'elsewhere.onnx']) {
      assert.equal(of({ ...MADE, artifact })?.kind, 'failed', artifact);
    }
  });

  it('is nothing but an offer where nobody asked', () => {
    const of = (twin: Conversion['twin']) =>
      twinOf({ ...CONVERSION, ...(twin && { twin }) }, { asked: undefined, files });
    assert.equal(of(MADE), undefined);
    assert.deepEqual(of({ kind: 'offered', bytes: 7 }), { kind: 'offered', bytes: 7 });
  });
});

describe('withOffer', () => {
  const offer = { kind: 'offered', bytes: 4_700_001 } as const;
  const said = (max: number, verdict: Verdict = 'failed', reason: string | null = null) => {
    const gate: Gate = { metric: 'artifact-bytes', max, minSample: 1 };
    const result = { ...ownResult(verdict), gate, reason: 'it is too large' };
    return withOffer([result], reason === null ? offer : undefined, reason)[0]?.reason;
  };

  it('says how large a twin would be, whether that is within the limit, and how to ask', () => {
    assert.equal(
      said(5e6),
      "it is too large; an int8 twin would have 4.70 MB (4700001 bytes), within the limit: ask for it with convert: { twin: 'int8' }",
    );
    assert.doesNotMatch(said(4.7e6) ?? '', /within/);
  });

  it('says why the twin that there is does not help, and nothing of a model that is not too large', () => {
    assert.equal(
      said(5e6, 'failed', 'the twin is not taken'),
      'it is too large; the twin is not taken',
    );
    assert.equal(said(5e6, 'passed'), 'it is too large');
  });
});

/** A report about a twin that was taken, over a full model that was too large. */
function aReportOfTwin(): { report: TestReport; twin: TwinReport } {
  const gate: Gate = { metric: 'artifact-bytes', max: 1_000, minSample: 1 };
  const variant = (artifact: string, value: number) => ({
    artifact,
    measurements: [{ metric: gate.metric, value, sample: 1, inputs: [] }],
    results: [{ ...ownResult(value > 1_000 ? 'failed' : 'passed'), gate, value }],
    verdict: value > 1_000 ? ('failed' as const) : ('passed' as const),
  });
  const measurements = compared();
  const results = [...judgeTwin(TWIN_GATES, measurements)];
  const other = variant('model.onnx', 4_000);
  const own = variant('model.int8.onnx', 900);
  const twin = {
    ...{ artifact: own.artifact, measurements, results, calls: null, other },
    ...chooseTwin(results, { full: other, twin: own }),
  };
  return { report: { ...aTestReport('tickets', aDigest()), ...own, twin }, twin };
}

describe('twinFaults', () => {
  it('finds nothing where the choice follows from what was measured', () => {
    const { report, twin } = aReportOfTwin();
    assert.ok(twin.chosen);
    assert.deepEqual(twinFaults(report, twin), []);
  });

  it('finds a verdict, a choice and a file that do not', () => {
    const { report, twin } = aReportOfTwin();
    const slower = compared({ 'twin-slowdown': { value: 3 } });
    assert.deepEqual(twinFaults(report, { ...twin, measurements: slower }), [
      'says passed of twin-slowdown, its measurements give failed',
      'says that model.int8.onnx goes on, its measurements choose model.onnx',
    ]);
    const { other } = twin;
    assert.ok(other !== null);
    const small = [{ metric: 'artifact-bytes', value: 10, sample: 1, inputs: [] }];
    const faults = twinFaults(report, { ...twin, other: { ...other, measurements: small } });
    assert.match(faults.join('; '), /says failed of artifact-bytes.*its gates give passed/);
    assert.deepEqual(twinFaults({ ...report, artifact: 'model.onnx' }, twin), [
      'is about model.onnx, and says another thing of its twin',
    ]);
    assert.deepEqual(twinFaults(report, { ...twin, other: null }), [
      'says that a twin goes on, and has none',
    ]);
  });
});

describe('redactTestReport', () => {
  it('takes a person out of what is said of a twin, too', () => {
    const { report, twin } = aReportOfTwin();
    const row = { ...{ id: 'hers', at: '2026-01-01T00:00:00Z' }, label: 'a', text: 'her secret' };
    const inputs = [shownInput(row, 'full model "a", twin "b"')];
    const slices = [{ slice: 'ada', value: 0.5, sample: 1 }];
    const { other } = twin;
    assert.ok(other !== null);
    const shown: TwinReport = {
      ...twin,
      measurements: twin.measurements.map((each) => ({ ...each, inputs })),
      reason: 'slice-accuracy: below 0.9 in ada 0.500 (1 rows)',
      other: {
        ...other,
        measurements: other.measurements.map((each) => ({ ...each, inputs, slices })),
      },
    };
    const person = personsRows('ada', [{ ...row, customer: 'ada' }]);
    const { report: redacted, removed } = redactTestReport({ ...report, twin: shown }, person);
    assert.equal(removed, twin.measurements.length + 2);
    assert.doesNotMatch(JSON.stringify(redacted), /ada|secret|hers/);
    assert.deepEqual(redacted.twin?.results, twin.results);
  });
});
