import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { isPortError } from '../domain/failures.js';
import { measurementSchema, type Measurement } from '../domain/gate.js';
import type { MetricName } from '../domain/metrics.js';
import type { Row } from '../domain/ports/dataset-source.js';
import type { ModelRuntime, OpenedModel, OpenModel } from '../domain/ports/model-runtime.js';
import { answerOf, type Predictions } from '../domain/predictions.js';
import { measureQuality } from '../domain/quality.js';
import { shownInput } from '../domain/shown-input.js';
import type { ModelSpec } from '../domain/spec.js';
import { median, quantile } from '../domain/statistics.js';
import { callsSchema, type Calls } from '../domain/twin.js';
import { writeAnswers, type Answered } from './measure-answers.js';
import type { ProjectMetrics } from './measure-own.js';
import { spread, textTensor } from './measure-system.js';
import { COMPARED, MEASUREMENTS, OF_TWIN } from './staged-names.js';

/** Rounds that count, after one that does not, and calls to each of the two in a round. */
const ROUNDS = 9;
const CALLS = 60;
const LOAD_DEADLINE_MS = 60_000;
const SHOWN = 20;
const LONGEST_ERROR = 1_000;

/** What a measuring activity stages of a twin against its full model. */
export const comparedTwinSchema = z.strictObject({
  measurements: z.array(measurementSchema),
  calls: callsSchema.nullable(),
});
export type ComparedTwin = z.infer<typeof comparedTwinSchema>;

/**
 * Size and time of a twin against its full model: both in processes of their own, called in turn on the same rows, so that whatever
 * the machine does meanwhile it does to both. A twin that does not load or dies is measured too: its slowdown then carries the reason.
 */
export async function compareRuns(
  runtime: ModelRuntime,
  version: Omit<OpenModel, 'loadDeadlineMs'>,
  given: { readonly twin: string; readonly rows: readonly Pick<Row, 'id' | 'text'>[] },
): Promise<ComparedTwin> {
  const bytesOf = async (artifact: string) => (await stat(join(version.directory, artifact))).size;
  const ratio = (await bytesOf(given.twin)) / (await bytesOf(version.artifact));
  const size: Measurement = { metric: 'twin-size', value: ratio, sample: 1, inputs: [] };
  const open = (artifact: string) =>
    runtime.open({ ...version, artifact, loadDeadlineMs: LOAD_DEADLINE_MS });
  try {
    const full = await open(version.artifact);
    try {
      const twin = await open(given.twin);
      try {
        const { slowdown, calls } = await callInTurn(full, twin, given.rows);
        return { measurements: [size, slowdown], calls };
      } finally {
        await twin.close();
      }
    } finally {
      await full.close();
    }
  } catch (error) {
    if (!isPortError(error)) throw error;
    return { measurements: [size, unmeasured('twin-slowdown', error.message)], calls: null };
  }
}

async function callInTurn(
  full: OpenedModel,
  twin: OpenedModel,
  rows: readonly Pick<Row, 'id' | 'text'>[],
): Promise<{ slowdown: Measurement; calls: Calls | null }> {
  const timed = spread(rows, CALLS);
  const rounds: { full: number; twin: number }[] = [];
  let calls = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const times: { full: number[]; twin: number[] } = { full: [], twin: [] };
    for (const [index, { text }] of timed.entries()) {
      const isTwinFirst = (round + index) % 2 === 0;
      const first = await timeOf(isTwinFirst ? twin : full, text);
      const second = await timeOf(isTwinFirst ? full : twin, text);
      if (first === null || second === null) continue;
      times.twin.push(isTwinFirst ? first : second);
      times.full.push(isTwinFirst ? second : first);
    }
    calls = times.full.length;
    if (calls === 0) return { slowdown: unmeasured('twin-slowdown', 'no row'), calls: null };
    const p50 = (all: readonly number[]) => quantile(Float64Array.from(all), 0.5);
    if (round > 0) rounds.push({ full: p50(times.full), twin: p50(times.twin) });
  }
  const value = median(rounds.map((round) => round.twin / round.full));
  return {
    slowdown: { metric: 'twin-slowdown', value, sample: rounds.length, inputs: [] },
    calls: {
      fullP50Ms: median(rounds.map((round) => round.full)),
      twinP50Ms: median(rounds.map((round) => round.twin)),
      ...{ rounds: rounds.length, calls },
    },
  };
}

/** In ms; null where the model refuses that input, which `exceptions` counts. */
async function timeOf(opened: OpenedModel, text: string): Promise<number | null> {
  const start = performance.now();
  try {
    await opened.infer([textTensor([text])]);
  } catch (error) {
    if (isPortError(error) && error.type === 'InvalidInput') return null;
    throw error;
  }
  return performance.now() - start;
}

/**
 * Measures how right a twin is, as the full model was, and how far its answers are from that one's. A twin that does not answer is
 * measured too: what was to be known of its answers then carries the reason.
 */
export async function writeTwin(
  metrics: ProjectMetrics,
  full: Answered,
  given: {
    readonly answers: () => Promise<Pick<Answered, 'candidate' | 'toKept'>>;
    readonly folder: string;
  },
): Promise<void> {
  const compared = async (measurements: readonly Measurement[]) => {
    const content: ComparedTwin = { measurements: [...measurements], calls: null };
    await writeFile(join(given.folder, COMPARED), JSON.stringify(content));
  };
  const answered = await given.answers().catch((error: unknown) => {
    if (!isPortError(error)) throw error;
    return error.message;
  });
  if (typeof answered === 'string') {
    await writeFile(join(given.folder, `${OF_TWIN}${MEASUREMENTS}`), '[]');
    return compared(unanswered(answered));
  }
  await writeAnswers(metrics, { ...full, ...answered }, { folder: given.folder, before: OF_TWIN });
  const { spec, heldOut, candidate } = full;
  const answers = { rows: heldOut.rows, full: candidate, twin: answered.candidate };
  return compared(compareAnswers(spec, answers));
}

/** How far a twin's answers to the held-out rows are from its full model's, with what that costs. */
export function compareAnswers(
  spec: ModelSpec,
  given: {
    readonly rows: readonly Row[];
    readonly full: Predictions;
    readonly twin: Predictions;
  },
): readonly Measurement[] {
  const { rows, full, twin } = given;
  const differ = rows.flatMap((row, index) => {
    const [before, now] = [answerOf(full, index), answerOf(twin, index)];
    if (before.label === now.label) return [];
    return [shownInput(row, `full model "${before.label}", twin "${now.label}"`)];
  });
  const agreement: Measurement = {
    metric: 'twin-agreement',
    value: rows.length === 0 ? null : (rows.length - differ.length) / rows.length,
    sample: rows.length,
    inputs: differ.slice(0, SHOWN),
  };
  const { resamples, confidence } = spec.test;
  const compared = { rows, candidate: twin, baseline: full };
  const sampling = { resamples, confidence, seed: spec.train.seed };
  const against = measureQuality({ ...compared, ...sampling });
  const differences = (['accuracy', 'macro-f1'] as const).flatMap((statistic) =>
    against
      .filter(({ metric }) => metric === `${statistic}-difference`)
      .map((measured) => ({ ...measured, metric: `twin-${statistic}-difference` as const })),
  );
  return [agreement, ...differences];
}

function unanswered(error: string): readonly Measurement[] {
  const metrics = [
    'twin-agreement',
    'twin-accuracy-difference',
    'twin-macro-f1-difference',
  ] as const;
  return metrics.map((metric) => unmeasured(metric, error));
}

function unmeasured(metric: MetricName, error: string): Measurement {
  return { metric, value: null, error: error.slice(0, LONGEST_ERROR), sample: 0, inputs: [] };
}
