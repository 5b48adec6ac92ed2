import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RecordedDecision } from '../../../domain/decision.js';
import type { Measurement, ShownInput } from '../../../domain/gate.js';
import { manifestSchema } from '../../../domain/manifest.js';
import { parityReportSchema, testReportSchema } from '../../../domain/evidence.js';
import { assembleReport, type ReportGiven } from '../../../domain/report/evidence-report.js';
import { plotDataSchema } from '../../../domain/report/plot-data.js';
import { PAGE_LIMIT_BYTES, renderReport } from '../../../domain/report/render-report.js';
import { aReport, HOSTILE } from './a-report.js';

const render = (given: ReportGiven) => renderReport(assembleReport(given));

/** Tags of a page with their attributes' names; texts and values are left out. */
function skeleton(page: string): readonly string[] {
  return [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replaceAll(/="[^"]*"/g, '=""'));
}

describe('the evidence report', () => {
  it('shows verdicts with limits and intervals, and everything that was measured', () => {
    const page = render(aReport());
    assert.match(page, /<h1>tickets version 3: <span class="mark passed">passed<\/span><\/h1>/);
    for (const text of [
      ...['≥ 0.7', '≤ 20 ms', '≤ 314.57 MB', '161.48 MB', 'Candidate against baseline'],
      ...[
        'Both answered the same rows; what was live is version 2.',
        'Confusion matrix of 8 labels',
      ],
      ...['The expected calibration error is', 'Latency of 430 rows', 'Peak memory by length'],
      ...['of 1030 rows 0 have another label in ONNX', 'opset 17', 'onnxruntime-node 1.30.0'],
    ]) {
      assert.ok(page.includes(text), text);
    }
    assert.match(page, /This page was stored with the evidence, before anybody decided on it/);
  });

  it('is the same bytes for the same report', () => {
    assert.equal(render(aReport()), render(aReport()));
  });

  it('shows the inputs by which a gate failed, once each, with what they count for', () => {
    const page = render(aReport({ share: 0.4 }));
    assert.match(page, /<h1>tickets version 3: <span class="mark failed">failed/);
    const [, failing = ''] = page.split('By which a gate failed, worst first');
    const first = /<tr><th scope="row"><bdi>(mail-\d+)<\/bdi><\/th>\n<td><bdi>([^<]*)</.exec(
      failing,
    );
    assert.equal(first?.[2], 'accuracy, slice-accuracy, macro-f1-difference, calibration-error');
    assert.equal(page.split(`<bdi>${first[1] ?? ''}</bdi>`).length, 2, 'once');
  });

  it('says who decided what and why, or that nobody did', () => {
    const decision: RecordedDecision = {
      ...{ role: 'engineering', decision: 'approved', by: 'grace <b>', reason: 'within budget' },
      ...{ evidence: 'e'.repeat(64), signature: null, at: '2026-01-02T03:04:05Z' },
    };
    const page = render(aReport({ overrides: { decisions: [decision] } }));
    assert.match(page, /grace &lt;b&gt;[^]*within budget[^]*2026-01-02T03:04:05Z/);
    assert.match(
      render(aReport({ overrides: { decisions: [] } })),
      /On this evidence the version never went live/,
    );
  });

  it('has a sentence in place of each plot of a report that is older than plots', () => {
    const page = render(aReport({ overrides: { plots: null, parity: null } }));
    assert.equal(page.split('It was tested before this was kept').length - 1, 4);
    assert.match(page, /how often either was right was not kept/);
    assert.match(page, /Its parity report is not there any more/);
    assert.match(render(aReport({ baseline: null })), /Nothing was live to compare it with/);
  });

  it('draws each plot with its words, and refers to nothing outside', () => {
    const page = render(aReport());
    const drawings = page.match(
      /<svg class="plot" role="img"[^>]*><title>[^<]+<\/title><desc>[^<]+</g,
    );
    assert.equal(drawings?.length, 4);
    assert.doesNotMatch(
      page,
      /<(?:script|a|img|link|iframe|object|form)\b|\b(?:href|src|style|on\w+)=|url\(/,
    );
    assert.doesNotMatch(page, /NaN|undefined|Infinity|\[object/);
    assert.match(
      page,
      /content="default-src &#39;none&#39;; style-src &#39;sha256-[^ ]+&#39;; base-uri/,
    );
  });

  it('takes any text in any place as text: the same tags and attributes as with harmless ones', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(...HOSTILE),
      fc.string({
        unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', ' ', '\u0000', 'a'),
        maxLength: 60,
      }),
    );
    const harmless = skeleton(render(everywhere((place) => `word ${place}`)));
    fc.assert(
      fc.property(fc.infiniteStream(texts), (stream) => {
        const page = render(everywhere((place) => `${place}${stream.next().value}`));
        assert.deepEqual(skeleton(page), harmless);
        assert.doesNotMatch(page, /[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069]/);
        assert.ok(page.isWellFormed());
      }),
      { numRuns: 60 },
    );
  });

  it('stays within its limit with as much of everything as may come, be it of the worst characters', () => {
    for (const character of ['&', '"', '\u0000', '注', '😀', '\ud800']) {
      const page = render(largest(character));
      const bytes = Buffer.byteLength(page);
      assert.ok(bytes <= PAGE_LIMIT_BYTES, `${bytes} bytes of ${JSON.stringify(character)}`);
      assert.ok(bytes > PAGE_LIMIT_BYTES / 4, `only ${bytes} bytes`);
      for (const more of ['and 100 more', 'and 60 more', 'and 70 more'])
        assert.ok(page.includes(more), more);
    }
  });
});

/** A report with a text of its own in every place that others write. */
function everywhere(text: (place: number) => string): ReportGiven {
  let place = 0;
  const next = (longest = 300) => text((place += 1)).slice(0, longest);
  const input = (): ShownInput => ({ id: next(), excerpt: next(), detail: next() });
  const base = aReport();
  const { report, plots, manifest } = base;
  const measurement: Measurement = {
    ...{ metric: 'own-metric', value: 1, sample: 3, inputs: [input(), input()] },
    slices: [{ slice: next(), value: 0.5, sample: 3 }],
  };
  const broken: Measurement = {
    metric: 'other',
    value: null,
    error: next(),
    sample: 0,
    inputs: [],
  };
  const confusion = {
    labels: [next(200), next(200)],
    ...{
      pooled: 0,
      counts: [
        [3, 1],
        [2, 4],
      ],
    },
  };
  const gate = { metric: 'own-metric', min: 1, minSample: 1 } as const;
  const own = { kind: 'system', limit: 'min', unit: 'x', meaning: 'y' } as const;
  return {
    ...base,
    report: {
      ...report,
      measurements: [measurement, broken],
      results: [
        {
          gate: { ...gate, own: { ...own, unit: next(20), meaning: next() } },
          verdict: 'failed',
          value: 1,
          sample: 3,
          reason: next(),
        },
      ],
      findings: [{ gate, owner: 'engineering', reason: next(), inputs: [input()] }],
      machine: next(),
    },
    plots:
      plots === null
        ? null
        : { ...plots, quality: { confusion, calibration: null, against: null } },
    parity: base.parity === null ? null : { ...base.parity, inputs: [input()] },
    manifest: {
      ...manifest,
      graph: { ...manifest.graph, producer: next(200) },
      lineage: { ...manifest.lineage, parameters: { [next(60)]: next() } },
      metrics: { [next(60)]: 1 },
    },
    decisions: [
      {
        ...{ role: 'engineering', decision: 'approved', by: next(200), reason: next() },
        ...{ evidence: 'e'.repeat(64), signature: null, at: '2026-01-02T03:04:05Z' },
      },
    ],
  };
}

/** As much as the schemas let in, and more than a page shows. */
function largest(character: string): ReportGiven {
  const long = (length: number, name = '') =>
    name + character.repeat(length).slice(0, length - name.length);
  const base = aReport();
  const inputs = (count: number, name: string): ShownInput[] =>
    Array.from({ length: count }, (_, at) => ({
      ...{ id: long(300, `${name}${at}`), excerpt: long(300), detail: long(300) },
    }));
  const own = { kind: 'system', limit: 'min', unit: long(20), meaning: long(300) } as const;
  const names = Array.from({ length: 100 }, (_, at) => `m${at}-${'x'.repeat(58)}`.slice(0, 63));
  const interval = { low: -123.456, high: 123.456, confidence: 0.95 };
  const size = 51;
  const counts = Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (__, column) => 1 + ((row * 31 + column * 17) % 97_000)),
  );
  const report = {
    ...base.report,
    measurements: names.map((metric) => ({
      ...{ metric, value: 1.2345, sample: 1_000_000, interval, inputs: inputs(50, metric) },
      ...(metric === names[0] && {
        slices: Array.from({ length: 300 }, (_, at) => ({
          slice: long(400, `s${at}`),
          value: 0.5,
          sample: 10,
        })),
      }),
    })),
    results: names.map((metric) => ({
      ...{ gate: { metric, min: 1, minSample: 1, own }, verdict: 'inconclusive' as const },
      ...{ value: 1.2345, interval, sample: 1_000_000, reason: long(1_000) },
    })),
    findings: names.map((metric) => ({
      ...{ gate: { metric, min: 1, minSample: 1, own }, owner: 'engineering' as const },
      ...{ reason: long(1_000), inputs: inputs(20, `f${metric}`) },
    })),
    machine: long(300),
  };
  const facts = Object.fromEntries(
    Array.from({ length: 120 }, (_, at) => [long(60, `p${at}`), long(1_000)]),
  );
  const well = character === '\ud800' ? '\ufffd' : character;
  const given: ReportGiven = {
    ...base,
    report,
    parity: base.parity === null ? null : { ...base.parity, inputs: inputs(20, 'parity') },
    plots: {
      ...{ schemaVersion: 1, model: 'tickets', manifest: base.digest },
      quality: {
        confusion: {
          labels: Array.from({ length: size }, (_, at) => long(200, `l${at}`)),
          pooled: 9_000,
          counts,
        },
        calibration: Array.from({ length: 10 }, () => ({
          rows: 1e6,
          right: 123_456,
          confidence: 0.123456789,
        })),
        against: {
          bothRight: 1e6,
          onlyCandidate: 1e6,
          onlyBaseline: 1e6,
          bothWrong: 1e6,
          accuracy: 0.12345,
          macroF1: 0.12345,
        },
      },
      system: {
        latency: {
          edgesMs: Array.from({ length: 25 }, (_, at) => 1.2345 ** at),
          counts: new Array<number>(24).fill(999_999),
        },
        memory: Array.from({ length: 32 }, () => ({
          rows: 64,
          longestBytes: 1e8,
          peakRssBytes: 1e11,
        })),
      },
    },
    manifest: {
      ...base.manifest,
      graph: { ...base.manifest.graph, producer: well.repeat(200).slice(0, 200) },
      lineage: {
        ...base.manifest.lineage,
        parameters: facts,
        data: Array.from({ length: 20 }, () => base.digest),
      },
    },
    roles: names.slice(0, 50),
    decisions: Array.from({ length: 50 }, () => ({
      ...{
        role: 'x'.repeat(63),
        decision: 'needs-more-data' as const,
        by: long(200),
        reason: long(2_000),
      },
      ...{ evidence: 'e'.repeat(64), signature: null, at: '2026-01-02T03:04:05Z' },
    })),
  };
  testReportSchema.parse(given.report); // so much is let in
  parityReportSchema.parse(given.parity);
  plotDataSchema.parse(given.plots);
  manifestSchema.parse(given.manifest);
  return given;
}
