import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { isPortError } from '../domain/failures.js';
import type { Measurement, ShownInput } from '../domain/gate.js';
import type { Manifest } from '../domain/manifest.js';
import type { MetricName } from '../domain/metrics.js';
import { ODD_TEXTS } from '../domain/odd-texts.js';
import type { ModelRuntime, OpenedModel, Tensor } from '../domain/ports/model-runtime.js';
import { keptBatches, latencyHistogram } from '../domain/report/measure-plots.js';
import type { SystemPlots } from '../domain/report/plot-data.js';
import { shownInput } from '../domain/shown-input.js';
import { median, quantile } from '../domain/statistics.js';

/** Fresh loads, repeats of a row, rows timed one by one, and rows a batch. */
const LOADS = 3;
const REPEATS = 3;
const TIMED_ROWS = 400;
const BATCH_ROWS = 64;
const THROUGHPUT_ROWS = 1_024;
const SHOWN = 20;
const LOAD_DEADLINE_MS = 60_000;

interface TextRow {
  readonly id: string;
  readonly text: string;
}

/** What was measured of how a version runs, and what plots of it are drawn of. */
export interface MeasuredSystem {
  readonly measurements: readonly Measurement[];
  readonly plots: SystemPlots;
}

/**
 * Measures how a version runs, in throw-away capped processes: size, load time, latency row by row over real rows and the odd
 * ones, throughput, peak memory, and which odd inputs end in an error. A version that does not even load is measured too:
 * every metric but its size then carries the reason.
 */
export async function measureSystem(
  runtime: ModelRuntime,
  given: {
    directory: string;
    artifact: string;
    manifest: Pick<Manifest, 'contract' | 'frontEnd' | 'graph'>;
    rows: readonly TextRow[];
    memoryLimitBytes: number;
  },
  onProgress: (message: string) => void,
): Promise<MeasuredSystem> {
  const { size } = await stat(join(given.directory, given.artifact));
  const bytes = measured('artifact-bytes', size, 1);
  const open = () => runtime.open({ ...given, loadDeadlineMs: LOAD_DEADLINE_MS });
  try {
    onProgress('loading in fresh processes');
    const loads: number[] = [];
    for (let load = 1; load < LOADS; load += 1) {
      const opened = await open();
      loads.push(opened.loadMs);
      await opened.close();
    }
    const opened = await open();
    loads.push(opened.loadMs);
    try {
      const load = measured('load-ms', median(loads), loads.length);
      const { measurements, plots } = await measureOpened(opened, given.rows, onProgress);
      return { measurements: [bytes, load, ...measurements], plots };
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!isPortError(error)) throw error;
    const shown = [shownInput({ id: 'load', text: '' }, error.message)];
    const { measurements, plots } = unmeasured(error.message, shown, []);
    return { measurements: [bytes, ...measurements], plots };
  }
}

async function measureOpened(
  opened: OpenedModel,
  rows: readonly TextRow[],
  onProgress: (message: string) => void,
): Promise<MeasuredSystem> {
  const timed = spread(rows, TIMED_ROWS);
  onProgress('memory, batch by batch');
  const { peaks, batches, crash: crashOfBatch } = await peaksByBatch(opened, timed);
  if (crashOfBatch !== null) return unmeasured(crashOfBatch.detail, [crashOfBatch], batches);
  onProgress('latency, row by row');
  const { latencies, exceptions, refused, crash } = await timeRows(opened, [
    ...timed,
    ...ODD_TEXTS,
  ]);
  if (crash !== null) return unmeasured(crash, exceptions, batches);
  const answered = timed.filter((row) => !refused.has(row));
  if (answered.length === 0) return unmeasured('no row was answered', exceptions, batches);
  onProgress('throughput');
  const rate = await rowsPerSecond(opened, answered);
  const { peakRssBytes } = await opened.memory();
  const times = Float64Array.from(latencies, ({ value }) => value);
  const slowest = [...latencies].sort((left, right) => right.value - left.value).slice(0, SHOWN);
  const measurements = [
    measured('latency-p50-ms', quantile(times, 0.5), times.length, slowest),
    measured('latency-p99-ms', quantile(times, 0.99), times.length, slowest),
    measured('latency-slowest-ms', slowest[0]?.value ?? Number.NaN, times.length, slowest),
    measured('rows-per-second', rate, THROUGHPUT_ROWS),
    measured('peak-rss-bytes', peakRssBytes, 1, peaks),
    measured(
      'exceptions',
      exceptions.length,
      times.length + exceptions.length,
      exceptions.slice(0, SHOWN),
    ),
  ];
  const plots = { latency: latencyHistogram(times), memory: [...keptBatches(batches)] };
  return { measurements, plots };
}

/**
 * Batches from the shortest rows to the longest, and the peak after each that raised it, highest first: what a finding about
 * memory shows is the longest row of a batch that went over the limit. A batch that ends the process ends it.
 */
async function peaksByBatch(
  opened: OpenedModel,
  rows: readonly TextRow[],
): Promise<{
  peaks: readonly ShownInput[];
  batches: SystemPlots['memory'];
  crash: ShownInput | null;
}> {
  const sorted = [...rows].sort((left, right) => left.text.length - right.text.length);
  const peaks: ShownInput[] = [];
  const batches: SystemPlots['memory'] = [];
  let before = (await opened.memory()).peakRssBytes;
  for (let from = 0; from < sorted.length; from += BATCH_ROWS) {
    const batch = sorted.slice(from, from + BATCH_ROWS);
    const longest = batch.at(-1) ?? { id: '', text: '' };
    try {
      await opened.infer([textTensor(batch.map(({ text }) => text))]);
    } catch (error) {
      if (!isPortError(error)) throw error;
      if (error.type === 'InvalidInput') continue; // which row it is shows when each is alone
      const detail = `${error.message} (a batch of ${batch.length} rows, this one the longest)`;
      return { peaks, batches, crash: shownInput(longest, detail) };
    }
    const { peakRssBytes } = await opened.memory();
    const size = Buffer.byteLength(longest.text);
    batches.push({ rows: batch.length, longestBytes: size, peakRssBytes });
    if (peakRssBytes > before) {
      const detail = `${megabytes(peakRssBytes)} after a batch of ${batch.length} rows of up to ${size} bytes`;
      peaks.unshift(shownInput(longest, detail, peakRssBytes));
    }
    before = peakRssBytes;
  }
  return { peaks, batches, crash: null };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

type TimedInput = ShownInput & { readonly value: number };

/** Each row alone, the median of its repeats in ms: one hiccup of the machine is no slow input. */
async function timeRows(
  opened: OpenedModel,
  rows: readonly TextRow[],
): Promise<{
  latencies: readonly TimedInput[];
  exceptions: readonly ShownInput[];
  /** The rows of these exceptions. */
  refused: ReadonlySet<TextRow>;
  /** What the process died of, null while it lives. */
  crash: string | null;
}> {
  const latencies: TimedInput[] = [];
  const exceptions: ShownInput[] = [];
  const refused = new Set<TextRow>();
  for (const row of rows) {
    try {
      const times: number[] = [];
      for (let repeat = 0; repeat < REPEATS; repeat += 1) {
        const start = performance.now();
        await opened.infer([textTensor([row.text])]);
        times.push(performance.now() - start);
      }
      const value = median(times);
      const size = Buffer.byteLength(row.text);
      latencies.push({ ...shownInput(row, `${value.toFixed(1)} ms for ${size} bytes`), value });
    } catch (error) {
      if (!isPortError(error)) throw error;
      exceptions.push(shownInput(row, error.message));
      refused.add(row);
      if (error.type !== 'InvalidInput') {
        return { latencies, exceptions, refused, crash: error.message };
      }
    }
  }
  return { latencies, exceptions, refused, crash: null };
}

async function rowsPerSecond(opened: OpenedModel, rows: readonly TextRow[]): Promise<number> {
  const texts = Array.from(
    { length: THROUGHPUT_ROWS },
    (_, index) => rows[index % rows.length]?.text ?? '',
  );
  const start = performance.now();
  for (let from = 0; from < texts.length; from += BATCH_ROWS) {
    await opened.infer([textTensor(texts.slice(from, from + BATCH_ROWS))]);
  }
  return (texts.length * 1_000) / (performance.now() - start);
}

/** One batch of a text model's input. */
export function textTensor(texts: readonly string[]): Tensor {
  return { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts };
}

/** So many rows, spread over all of them. */
export function spread(rows: readonly TextRow[], wanted: number): readonly TextRow[] {
  if (rows.length <= wanted) return rows;
  return Array.from(
    { length: wanted },
    (_, index) => rows[Math.floor((index * rows.length) / wanted)],
  ).filter((row) => row !== undefined);
}

function measured(
  metric: MetricName,
  value: number,
  sample: number,
  inputs: readonly ShownInput[] = [],
): Measurement {
  return { metric, value, sample, inputs: [...inputs] };
}

const NEEDS_A_LIVING_PROCESS = [
  'load-ms',
  'latency-p50-ms',
  'latency-p99-ms',
  'latency-slowest-ms',
  'rows-per-second',
  'peak-rss-bytes',
] as const satisfies readonly MetricName[];

/** A version that crashes or does not load: the exceptions are measured, and nothing else could be. */
function unmeasured(
  reason: string,
  exceptions: readonly ShownInput[],
  batches: SystemPlots['memory'],
): MeasuredSystem {
  const unknown = { value: null, error: reason.slice(0, 1_000), sample: 0, inputs: [] };
  return {
    measurements: [
      measured('exceptions', exceptions.length, exceptions.length, exceptions.slice(0, SHOWN)),
      ...NEEDS_A_LIVING_PROCESS.map((metric) => ({ metric, ...unknown })),
    ],
    plots: { latency: null, memory: [...keptBatches(batches)] },
  };
}
