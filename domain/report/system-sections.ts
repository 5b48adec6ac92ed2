import { amount } from '../gate.js';
import type { EvidenceReport } from './evidence-report.js';
import { latencyPlot, memoryPlot } from './histogram-plot.js';
import { section, sentence } from './page-parts.js';
import { short } from './plot-frame.js';
import type { Html } from './html.js';

const NOT_KEPT = 'It was tested before this was kept, or did not run.';
const QUANTILES = [
  ['p50', 'latency-p50-ms'],
  ['p99', 'latency-p99-ms'],
] as const;

/** How long one row takes. */
export function latencySection({ plots, measured }: EvidenceReport): Html {
  const latency = plots?.system?.latency ?? null;
  if (latency === null) return section('Latency', sentence(NOT_KEPT));
  const marks = QUANTILES.flatMap(([name, metric]) => {
    const valueMs = measured.shown.find((line) => line.metric === metric)?.value ?? null;
    return valueMs === null ? [] : [{ name, valueMs }];
  });
  return section('Latency', latencyPlot(latency, marks));
}

/** How much memory its process takes. */
export function memorySection({ plots, gates }: EvidenceReport): Html {
  const memory = plots?.system?.memory ?? [];
  if (memory.length === 0) return section('Memory', sentence(NOT_KEPT));
  const limit = gates.shown.find(({ metric }) => metric === 'peak-rss-bytes')?.limit ?? null;
  const most = memory.reduce((peak, { peakRssBytes }) => Math.max(peak, peakRssBytes), 0);
  return section(
    'Memory',
    sentence(
      `Batches of real rows from the shortest to the longest took it to ${amount(most, { unit: 'bytes' })}; single rows and odd inputs come after that.`,
    ),
    memoryPlot(memory, limit),
  );
}

/** Whether the ONNX file answers as the source framework does. */
export function paritySection({ parity }: EvidenceReport): Html {
  const heading = 'Parity with the source framework';
  if (parity === null)
    return section(heading, sentence('Its parity report is not there any more.'));
  const { rows, labelFlips, maxProbabilityDifference, limit, passed } = parity;
  return section(
    heading,
    sentence(
      `${passed ? 'Passed' : 'Missed'}: of ${rows} rows ${labelFlips} have another label in ONNX; no probability is further apart than ${short(maxProbabilityDifference)}, ${short(limit)} is allowed.`,
    ),
  );
}
