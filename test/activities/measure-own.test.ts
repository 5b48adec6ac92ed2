import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { measureOwn } from '../../activities/measure-own.js';
import { judge, type Gate } from '../../domain/gate.js';
import { fromProbabilities } from '../../domain/predictions.js';
import { projectMetricSchema, type MeasureMetric } from '../../domain/project-metric.js';
import { aSpec } from '../../testing/builders.js';

const rows = ['ja', 'nein'].map((text, index) => ({
  ...{ id: `row-${index}`, at: '2026-01-01T00:00:00.000Z', label: 'a', text },
}));
const candidate = fromProbabilities(Float64Array.of(0.9, 0.1, 0.25, 0.75), ['a', 'b']);

const shared = {
  kind: 'statistical',
  limit: 'max',
  unit: 'rows',
  meaning: 'rows that say no',
} as const;
const gate: Gate = { metric: 'noes', max: 0, minSample: 1, own: { ...shared } };

/** What one metric of the project's comes to, and the verdict of a gate of at most 0 on it. */
async function measured(measure: MeasureMetric, options: object = {}) {
  const metric = projectMetricSchema.parse({ ...shared, measure, ...options });
  const spec = aSpec({ test: { gates: [gate] } });
  const given = { spec, rows, candidate, baseline: null };
  const [measurement, ...others] = await measureOwn({ noes: metric }, given);
  assert.ok(measurement && others.length === 0);
  return { measurement, result: judge(gate, measurement, false) };
}

describe('measureOwn', () => {
  it('hands over rows, answers and labels, and judges what comes back', async () => {
    const { measurement, result } = await measured(({ rows, predictions, labels, baseline }) => {
      assert.equal(rows.length, predictions.length);
      assert.deepEqual(predictions[1], {
        label: 'b',
        probability: 0.75,
        probabilities: Float64Array.of(0.25, 0.75),
      });
      assert.deepEqual(labels, ['a', 'b']);
      assert.equal(baseline, null);
      return predictions.filter(({ label }) => label === 'b').length;
    });
    assert.deepEqual(measurement, { metric: 'noes', value: 1, sample: 2, inputs: [] });
    assert.equal(result.verdict, 'failed');
    assert.match(result.reason, /^noes is 1 rows, at most 0 rows is asked$/);
  });

  it('shows the inputs that count against it, and counts the sample that it names', async () => {
    const { measurement } = await measured(({ rows: [, row] }) =>
      Promise.resolve({ value: 0, sample: 1, inputs: row ? [{ row, detail: 'says no' }] : [] }),
    );
    assert.deepEqual(measurement.inputs, [{ id: 'row-1', excerpt: 'nein', detail: 'says no' }]);
    assert.equal(measurement.sample, 1);
  });

  const broken: Readonly<Record<string, [MeasureMetric, object, RegExp]>> = {
    'a throw': [
      () => {
        throw new Error('no dictionary');
      },
      {},
      /noes could not be measured: no dictionary/,
    ],
    'a rejection': [() => Promise.reject(new Error('offline')), {}, /offline/],
    'a number that is not finite': [() => Number.NaN, {}, /measure gave NaN/],
    'a value outside the range': [() => 2, { range: [0, 1] }, /measure gave 2, outside 0 to 1/],
    'a missed deadline': [
      () => pause(60_000, 0, { ref: false }),
      { deadline: '20 ms' },
      /it was not measured within 20 ms/,
    ],
  };
  for (const [what, [measure, options, sentence]] of Object.entries(broken)) {
    it(`ends in an error, not in a bad model, after ${what}`, async () => {
      const { result } = await measured(measure, options);
      assert.equal(result.verdict, 'error');
      assert.match(result.reason, sentence);
    });
  }

  it('says that the worker does not have the metric', async () => {
    const spec = aSpec({ test: { gates: [gate] } });
    const [measurement] = await measureOwn({}, { spec, rows, candidate, baseline: null });
    assert.match(judge(gate, measurement, false).reason, /has no such metric/);
  });

  it('measures nothing that no gate names', async () => {
    const metric = projectMetricSchema.parse({ ...shared, measure: () => assert.fail('asked') });
    const given = { spec: aSpec(), rows, candidate, baseline: null };
    assert.deepEqual(await measureOwn({ noes: metric }, given), []);
  });
});
