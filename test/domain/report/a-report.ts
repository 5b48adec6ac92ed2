import { createHash } from 'node:crypto';
import type { ParityReport, TestReport } from '../../../domain/evidence.js';
import {
  findingsOf,
  judge,
  overallVerdict,
  type Gate,
  type Measurement,
} from '../../../domain/gate.js';
import type { Row } from '../../../domain/ports/dataset-source.js';
import { fromProbabilities, type Predictions } from '../../../domain/predictions.js';
import { measureQuality } from '../../../domain/quality.js';
import { randomInt, seededRandom } from '../../../domain/random.js';
import type { ReportGiven } from '../../../domain/report/evidence-report.js';
import {
  keptBatches,
  latencyHistogram,
  measureQualityPlots,
} from '../../../domain/report/measure-plots.js';
import type { PlotData } from '../../../domain/report/plot-data.js';
import { shownInput } from '../../../domain/shown-input.js';
import { aManifest } from '../../adapters/registry/builders.js';

const MODEL = 'tickets';
const LABELS = [
  'account',
  'billing',
  'bug',
  'feature',
  'install',
  'network',
  'printing',
  'security',
];
const digestOf = (word: string) => createHash('sha256').update(word).digest('hex');

const GATES: readonly Gate[] = [
  { metric: 'accuracy', min: 0.7, minSample: 1 },
  { metric: 'slice-accuracy', min: 0.6, minSample: 20 },
  { metric: 'macro-f1-difference', min: -0.02, minSample: 1 },
  { metric: 'calibration-error', max: 0.15, minSample: 1 },
  { metric: 'latency-p99-ms', max: 20, minSample: 1 },
  { metric: 'peak-rss-bytes', max: 314_572_800, minSample: 1 },
  { metric: 'exceptions', max: 0, minSample: 1 },
];

const WORDS = 'my printer says paper jam again please reset the password of this account'.split(
  ' ',
);

/** Mails with labels, of which `odd` are what others send: markup, scripts, reversed text. */
function rowsOf(count: number, text: (row: number) => string): readonly Row[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, (_, row) => ({
    ...{ id: `mail-${row}`, at: '2026-01-01T00:00:00Z' },
    label: LABELS[randomInt(random, LABELS.length)] ?? 'bug',
    text: text(row),
  }));
}

/** Answers that are right so often, surer where they are. */
function answersTo(rows: readonly Row[], share: number, seed: number): Predictions {
  const random = seededRandom(seed);
  const probabilities = new Float64Array(rows.length * LABELS.length);
  for (const [row, { label }] of rows.entries()) {
    const isRight = random() < share;
    const best = isRight ? LABELS.indexOf(label) : randomInt(random, LABELS.length);
    const top = isRight ? 0.76 + random() * 0.23 : 0.45 + random() * 0.4;
    for (const at of LABELS.keys()) {
      probabilities[row * LABELS.length + at] = at === best ? top : (1 - top) / (LABELS.length - 1);
    }
  }
  return fromProbabilities(probabilities, LABELS);
}

function systemOf(rows: readonly Row[]): readonly Measurement[] {
  const inputs = rows.slice(0, 5).map((row) => shownInput(row, '4.1 ms for 80 bytes', 4.1));
  const measured = (metric: string, value: number, sample: number): Measurement => ({
    ...{ metric, value, sample, inputs },
  });
  return [
    measured('latency-p50-ms', 0.42, 430),
    measured('latency-p99-ms', 3.41, 430),
    measured('rows-per-second', 8_120, 1_024),
    measured('peak-rss-bytes', 161_480_704, 1),
    measured('exceptions', 0, 430),
  ];
}

/** Documents of a tested version as the test stage makes them, the same at every call. */
export function aReport(
  given: {
    readonly text?: (row: number) => string;
    readonly share?: number;
    readonly baseline?: number | null;
    readonly overrides?: Partial<ReportGiven>;
  } = {},
): ReportGiven {
  const { share = 0.84, baseline = 0.8 } = given;
  const text = given.text ?? ((row) => WORDS.slice(row % 5).join(' '));
  const rows = rowsOf(640, text);
  const compared = {
    rows,
    candidate: answersTo(rows, share, 1),
    baseline: baseline === null ? null : answersTo(rows, baseline, 2),
  };
  const measurements = [
    ...systemOf(rows),
    ...measureQuality({ ...compared, resamples: 200, confidence: 0.95, seed: 1 }),
  ];
  const results = GATES.map((gate) =>
    judge(
      gate,
      measurements.find(({ metric }) => metric === gate.metric),
      baseline !== null,
    ),
  );
  const digest = digestOf('version 3');
  const report: TestReport = {
    ...{ schemaVersion: 1, model: MODEL, manifest: digest, artifact: 'model.onnx' },
    ...{ baseline: baseline === null ? null : digestOf('version 2'), heldOut: digestOf('rows') },
    ...{ measurements, results, verdict: overallVerdict(results) },
    findings: [...findingsOf(results, measurements)],
    machine: '2 x AMD EPYC, Node v20.20.2',
  };
  const parity: ParityReport = {
    ...{ schemaVersion: 1, model: MODEL, rows: 1_030, labelFlips: 0 },
    ...{ maxProbabilityDifference: 3.1e-7, limit: 1e-5, passed: true, inputs: [] },
  };
  return {
    ...{ version: 3, digest, report, parity, baselineVersion: baseline === null ? null : 2 },
    manifest: aManifest(MODEL, { 'model.onnx': 'graph' }),
    plots: plotsOf(digest, compared),
    roles: ['data-science', 'engineering'],
    ...given.overrides,
  };
}

function plotsOf(manifest: string, compared: Parameters<typeof measureQualityPlots>[0]): PlotData {
  const random = seededRandom(3);
  const times = Array.from({ length: 430 }, () => 0.2 * Math.exp(2.2 * random() ** 3));
  const batches = Array.from({ length: 7 }, (_, batch) => ({
    ...{ rows: 64, longestBytes: 60 * 3 ** batch },
    peakRssBytes: Math.round(1.2e8 + 6e6 * batch + 3e7 * (batch / 6) ** 6),
  }));
  return {
    ...{ schemaVersion: 1, model: MODEL, manifest },
    quality: measureQualityPlots(compared),
    system: { latency: latencyHistogram(times), memory: [...keptBatches(batches)] },
  };
}

/** What mails, people and trainers wrote, at their worst. */
export const HOSTILE = [
  '<script>alert(1)</script><img src=x onerror=alert(2)>',
  '"><svg onload=alert(3)><iframe src="http://127.0.0.1:9/a"></iframe>',
  "' onmouseover='alert(4)' x='</style></title></desc></bdi></td></table>",
  '\u0000before\u202egnp.exe\u2066\u200f <!-- --> <![CDATA[ ]]> &lt;b&gt; &#60;b&#62;',
  '</svg><style>*{background:url(http://127.0.0.1:9/b)}</style><link rel=stylesheet href=//127.0.0.1:9/c>',
  '<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/d"><base href=http://127.0.0.1:9/>',
  '{{7*7}} ${7*7} javascript:alert(5) \ud800 \u{e0041}\u{e0042} <a href=javascript:alert(6)>x</a>',
] as const;
