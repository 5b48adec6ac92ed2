import type { RecordedDecision } from '../decision.js';
import type { Evidence, ParityReport, TestReport } from '../evidence.js';
import {
  definitionOf,
  limitOf,
  type GateResult,
  type Interval,
  type Measurement,
  type ShownInput,
} from '../gate.js';
import type { Manifest } from '../manifest.js';
import { builtInMetric } from '../metrics.js';
import type { Calls, Variant } from '../twin.js';
import type { PlotData } from './plot-data.js';

/** The first of a list, and how many more there are. */
export interface Some<Item> {
  readonly shown: readonly Item[];
  readonly more: number;
}

/** A gate as it was judged. */
export interface GateLine {
  readonly metric: string;
  readonly unit: string;
  readonly value: number | null;
  readonly limit: number | null;
  /** Whether the limit is the least or the most. */
  readonly side: 'min' | 'max';
  readonly interval: Interval | null;
  readonly sample: number;
  readonly verdict: GateResult['verdict'];
  readonly reason: string;
}

/** A measured value without its inputs. */
export interface MeasuredLine {
  readonly metric: string;
  readonly unit: string;
  readonly value: number | null;
  readonly interval: Interval | null;
  readonly sample: number;
  readonly error: string | null;
  readonly meaning: string;
}

/** An input that counts against the version, and what for. */
export interface InputLine {
  readonly id: string;
  readonly excerpt: string;
  readonly detail: string;
  readonly metrics: readonly string[];
  /** Whether a gate failed by it, or parity was missed. */
  readonly isFailing: boolean;
}

/** The full model or its twin, beside the other. */
export interface VariantLine {
  readonly artifact: string;
  readonly isTaken: boolean;
  readonly bytes: number | null;
  /** Of a call, both called in turn. */
  readonly p50Ms: number | null;
  readonly peakRssBytes: number | null;
  readonly accuracy: number | null;
  readonly verdict: Variant['verdict'];
}

/** What became of the smaller twin that was asked for. */
export interface TwinLines {
  /** The full model, then its twin; empty where there is none. */
  readonly variants: readonly VariantLine[];
  readonly gates: readonly GateLine[];
  readonly calls: Calls | null;
  readonly reason: string;
}

/** A name and what it is, such as a part of the lineage. */
export type Fact = readonly [name: string, value: string];

/** Everything that a page about a tested version shows; lists are as long as the page may have them. */
export interface EvidenceReport {
  readonly model: string;
  readonly version: number;
  readonly verdict: TestReport['verdict'];
  readonly machine: string;
  readonly digests: readonly Fact[];
  readonly baseline: { readonly digest: string; readonly version: number | null } | null;
  readonly gates: Some<GateLine>;
  /** Null where nobody asked for a twin. */
  readonly twin: TwinLines | null;
  readonly measured: Some<MeasuredLine>;
  readonly slices: Some<{
    readonly slice: string;
    readonly value: number;
    readonly sample: number;
  }>;
  /** Null where the version was tested before plots were measured. */
  readonly plots: Pick<PlotData, 'quality' | 'system'> | null;
  readonly parity: Omit<ParityReport, 'inputs'> | null;
  readonly inputs: Some<InputLine>;
  readonly lineage: Some<Fact>;
  readonly roles: readonly string[];
  /** Null on the page that is stored with the evidence: it is written before anybody decides. */
  readonly decisions: Some<RecordedDecision> | null;
}

/** What a page is made of. */
export interface ReportGiven {
  readonly version: number;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly report: TestReport;
  readonly plots: PlotData | null;
  readonly parity: ParityReport | null;
  /** The baseline's number; null where nothing was live, or it is gone. */
  readonly baselineVersion: number | null;
  readonly roles: readonly string[];
  /** Left out where the evidence is only about to be written, which will name the page. */
  readonly evidence?: { readonly digest: string; readonly document: Evidence };
  readonly decisions?: readonly RecordedDecision[];
}

/** How long a page's lists are. */
export const LONGEST = {
  ...{
    gates: 40,
    twinGates: 10,
    measured: 30,
    slices: 200,
    inputs: 50,
    lineage: 60,
    decisions: 10,
    roles: 20,
  },
  /** Inputs of one metric by which no gate failed. */
  unfailing: 5,
} as const;

/** Collects what the documents of a tested version say into what its page shows. */
export function assembleReport(given: ReportGiven): EvidenceReport {
  const { report, plots, parity, decisions } = given;
  return {
    ...{ model: report.model, version: given.version, verdict: report.verdict },
    machine: report.machine,
    digests: digestsOf(given),
    baseline:
      report.baseline === null ? null : { digest: report.baseline, version: given.baselineVersion },
    gates: some(report.results.map(gateLine), LONGEST.gates),
    twin: twinLines(report),
    measured: some(
      report.measurements.map((each) => measuredLine(each, report.results)),
      LONGEST.measured,
    ),
    slices: some(
      report.measurements.flatMap(({ slices }) => slices ?? []),
      LONGEST.slices,
    ),
    plots,
    parity,
    inputs: inputsOf(report, parity),
    lineage: some(lineageOf(given.manifest), LONGEST.lineage),
    roles: given.roles.slice(0, LONGEST.roles),
    decisions: decisions === undefined ? null : some(decisions, LONGEST.decisions),
  };
}

function some<Item>(items: readonly Item[], longest: number): Some<Item> {
  return { shown: items.slice(0, longest), more: Math.max(0, items.length - longest) };
}

function digestsOf({ digest, report, evidence }: ReportGiven): readonly Fact[] {
  return [
    ['version', digest],
    ['held-out rows', report.heldOut],
    ...(evidence === undefined
      ? []
      : ([
          ['evidence', evidence.digest],
          ['test report', evidence.document.testReport],
          ['parity report', evidence.document.parityReport],
        ] as const)),
  ];
}

function gateLine(result: GateResult): GateLine {
  const { gate, value, verdict, sample, reason, interval } = result;
  return {
    ...{
      metric: gate.metric,
      unit: definitionOf(gate)?.unit ?? '',
      value,
      verdict,
      sample,
      reason,
    },
    limit: limitOf(gate) ?? null,
    side: gate.max === undefined ? 'min' : 'max',
    interval: interval ?? null,
  };
}

function twinLines(report: TestReport): TwinLines | null {
  const { twin } = report;
  if (twin === undefined) return null;
  const { calls, reason, chosen, other } = twin;
  const [full, small] = chosen ? [other, report] : [report, other];
  const line = (variant: Variant, p50Ms: number | null): VariantLine => {
    const valueOf = (metric: string) =>
      variant.measurements.find((each) => each.metric === metric)?.value ?? null;
    return {
      ...{ artifact: variant.artifact, verdict: variant.verdict, p50Ms },
      isTaken: variant.artifact === report.artifact,
      bytes: valueOf('artifact-bytes'),
      peakRssBytes: valueOf('peak-rss-bytes'),
      accuracy: valueOf('accuracy'),
    };
  };
  const variants =
    full === null || small === null
      ? []
      : [line(full, calls?.fullP50Ms ?? null), line(small, calls?.twinP50Ms ?? null)];
  const gates = twin.results.slice(0, LONGEST.twinGates).map(gateLine);
  return { variants, gates, calls, reason };
}

function measuredLine(measurement: Measurement, results: readonly GateResult[]): MeasuredLine {
  const { metric, value, sample, error, interval } = measurement;
  const gate = results.find((result) => result.gate.metric === metric)?.gate;
  const definition = builtInMetric(metric) ?? (gate === undefined ? null : definitionOf(gate));
  const { unit = '', meaning = 'a metric of the project' } = definition ?? {};
  return { metric, unit, meaning, value, sample, error: error ?? null, interval: interval ?? null };
}

/** Those by which a gate failed first, each once with all that it counts for, then the ones that count most in what passed. */
function inputsOf(report: TestReport, parity: ParityReport | null): Some<InputLine> {
  const lines = new Map<string, InputLine>();
  const take = (metric: string, inputs: readonly ShownInput[], isFailing: boolean) => {
    for (const { id, excerpt, detail } of inputs) {
      const key = JSON.stringify([id, excerpt, detail]);
      const known = lines.get(key) ?? { id, excerpt, detail, metrics: [], isFailing };
      if (known.isFailing !== isFailing) continue; // what it fails is said
      const metrics = new Set([...known.metrics, metric]);
      lines.set(key, { ...known, metrics: [...metrics] });
    }
  };
  for (const { gate, inputs } of report.findings) take(gate.metric, inputs, true);
  if (parity !== null) take('parity', parity.inputs, !parity.passed);
  let unfailing = 0;
  for (const { metric, inputs } of report.measurements) {
    const isTold = report.findings.some(({ gate }) => gate.metric === metric);
    if (isTold) continue;
    take(metric, inputs.slice(0, LONGEST.unfailing), false);
    unfailing += Math.max(0, inputs.length - LONGEST.unfailing);
  }
  const { shown, more } = some([...lines.values()], LONGEST.inputs);
  return { shown, more: more + unfailing };
}

function lineageOf({
  lineage,
  graph,
  runtime,
  artifacts,
  files,
  metrics,
}: Manifest): readonly Fact[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    ...lineage.data.map((digest): Fact => ['data snapshot', digest]),
    ['trainer', lineage.trainer],
    ['trainer’s lock', lineage.trainerLock],
    ['training code', lineage.code],
    ['seed', String(lineage.seed)],
    ...(lineage.parents.length === 0
      ? [['parents', 'none'] as const]
      : lineage.parents.map((digest): Fact => ['parent', digest])),
    ['graph', `opset ${graph.opset}, IR version ${graph.irVersion}, made by ${graph.producer}`],
    ['runtime', `${runtime.name} ${runtime.version}`],
    ['artifacts', artifacts.join(', ')],
    ['files', `${files.length}, ${bytes} bytes`],
    ...Object.entries(lineage.parameters).map(([name, value]): Fact => [
      `parameter ${name}`,
      String(value),
    ]),
    ...Object.entries(metrics).map(([name, value]): Fact => [`training ${name}`, String(value)]),
  ];
}
