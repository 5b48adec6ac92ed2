import { z } from 'zod';
import {
  builtInMetric,
  ownerOf,
  type MetricDefinition,
  type MetricName,
  type Owner,
} from './metrics.js';
import { NAME_PATTERN } from './names.js';

/** A built-in metric, which an editor completes, or one of the project's own. */
const metricSchema = z.custom<MetricName | (string & Record<never, never>)>(
  (value) => typeof value === 'string' && NAME_PATTERN.test(value),
  'a metric is a built-in one or one of the project’s metrics, by name',
);

/** What a gate says of a metric of the project's own, so that it can be judged wherever it is read. */
export const ownMetricSchema = z.strictObject({
  kind: z.enum(['system', 'statistical']),
  limit: z.enum(['min', 'max']),
  unit: z.string().max(20),
  range: z.tuple([z.number(), z.number()]).optional(),
  meaning: z.string().max(300),
});
export type OwnMetric = z.infer<typeof ownMetricSchema>;

/** A named check with a limit. */
export const gateSchema = z.strictObject({
  metric: metricSchema,
  /** The smallest (`min`) or largest (`max`) value that still passes, in the metric's unit. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** Fewer rows than this: `inconclusive` (for a slice: not counted). */
  minSample: z.int().min(1).default(1),
  /** Filled in from the project's `metrics`, where it is one of them. */
  own: ownMetricSchema.optional(),
});
export type Gate = z.infer<typeof gateSchema>;

const intervalSchema = z.strictObject({
  low: z.number(),
  high: z.number(),
  confidence: z.number(),
});
export type Interval = z.infer<typeof intervalSchema>;

/** An input that shows something, cut to what a person reads; `detail` says what happened to it. */
export const shownInputSchema = z.strictObject({
  id: z.string().max(300),
  excerpt: z.string().max(300),
  detail: z.string().max(300),
  /** Where the metric has a value for each input (a latency, say): that value. */
  value: z.number().optional(),
});
export type ShownInput = z.infer<typeof shownInputSchema>;

export const measurementSchema = z.strictObject({
  metric: metricSchema,
  /** Null: it could not be measured, and `error` says why. */
  value: z.number().nullable(),
  error: z.string().max(1_000).optional(),
  /** Rows, inputs or runs that it rests on. */
  sample: z.int().min(0),
  interval: intervalSchema.optional(),
  slices: z
    .array(z.strictObject({ slice: z.string(), value: z.number(), sample: z.int().min(0) }))
    .optional(),
  /** The inputs that count most against the candidate, worst first. */
  inputs: z.array(shownInputSchema).max(50).default([]),
});
export type Measurement = z.infer<typeof measurementSchema>;

export const verdictSchema = z.enum(['passed', 'failed', 'inconclusive', 'error']);
export type Verdict = z.infer<typeof verdictSchema>;

export const gateResultSchema = z.strictObject({
  gate: gateSchema,
  verdict: z.union([verdictSchema, z.literal('not applicable')]),
  value: z.number().nullable(),
  interval: intervalSchema.optional(),
  sample: z.int().min(0),
  /** One sentence for people. */
  reason: z.string().max(1_000),
});
export type GateResult = z.infer<typeof gateResultSchema>;

export const findingSchema = z.strictObject({
  gate: gateSchema,
  owner: z.enum(['engineering', 'data-science']),
  reason: z.string().max(1_000),
  inputs: z.array(shownInputSchema).max(20),
});
/** A failed gate with its owner and the inputs that show it. */
export type Finding = z.infer<typeof findingSchema>;

/** What is wrong with a list of gates; each is an error at the start, never a silent pass. */
export function gateProblems(gates: readonly Gate[]): readonly string[] {
  return [...gates.flatMap(limitProblems), ...contradictions(gates)];
}

function limitProblems(gate: Gate): readonly string[] {
  if (gate.metric === 'parity-difference') {
    return ['parity-difference is no gate of the test stage: set convert.maxProbabilityDifference'];
  }
  const definition = definitionOf(gate);
  if (definition === null) return []; // whoever knows the project's metrics checks it
  const right = definition.limit;
  const wrong = right === 'min' ? 'max' : 'min';
  const limit = gate[right];
  const [lowest, highest] = definition.range;
  if (gate[wrong] !== undefined) {
    return [`the gate on ${gate.metric} sets ${wrong}, but this metric takes ${right}`];
  }
  if (limit === undefined) return [`the gate on ${gate.metric} has no limit: give it ${right}`];
  if (limit < lowest || limit > highest) {
    return [`the gate on ${gate.metric} has ${right} ${limit}, outside ${lowest} to ${highest}`];
  }
  return [];
}

function contradictions(gates: readonly Gate[]): readonly string[] {
  const problems: string[] = [];
  for (const [index, gate] of gates.entries()) {
    const earlier = gates.slice(0, index).find((other) => other.metric === gate.metric);
    if (earlier && limitOf(earlier) !== limitOf(gate)) {
      problems.push(
        `two gates on ${gate.metric} contradict: ${limitOf(earlier) ?? 'none'} and ${limitOf(gate) ?? 'none'}`,
      );
    }
  }
  const p50 = gates.find((gate) => gate.metric === 'latency-p50-ms')?.max;
  const p99 = gates.find((gate) => gate.metric === 'latency-p99-ms')?.max;
  if (p50 !== undefined && p99 !== undefined && p50 > p99) {
    problems.push(`latency-p50-ms may be ${p50} ms but latency-p99-ms only ${p99} ms`);
  }
  return problems;
}

/** What is known of a gate's metric; null for one of a project that has not filled it in. */
export function definitionOf({ metric, own }: Gate): MetricDefinition | null {
  const { range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] } = own ?? {};
  return builtInMetric(metric) ?? (own === undefined ? null : { ...own, range, relative: false });
}

/** Who mends it where it fails, or decides where it cannot be settled. */
export function gateOwner(gate: Gate): Owner {
  return ownerOf(definitionOf(gate) ?? { kind: 'statistical' });
}

/** The one number that a gate sets, or undefined where it sets none. */
export function limitOf(gate: Gate): number | undefined {
  const side = definitionOf(gate)?.limit ?? (gate.max === undefined ? 'min' : 'max');
  return gate[side];
}

/**
 * Judges one gate. A relative gate is judged by its interval: passed when all of it is on the right side of the limit,
 * failed when none of it is, else inconclusive. "Could not measure" is `error`, never `failed`.
 */
export function judge(
  gate: Gate,
  measured: Measurement | undefined,
  hasBaseline: boolean,
): GateResult {
  const definition = definitionOf(gate);
  const result = (verdict: GateResult['verdict'], reason: string): GateResult => ({
    gate,
    verdict,
    value: measured?.value ?? null,
    ...(measured?.interval && { interval: measured.interval }),
    sample: measured?.sample ?? 0,
    reason,
  });
  if (definition === null) return result('error', `${gate.metric} is no metric of this project`);
  if (definition.relative && !hasBaseline) {
    return result('not applicable', `${gate.metric}: there is no live version to compare with`);
  }
  if (definition.mayBeNone === true && measured === undefined) {
    return result('not applicable', `${gate.metric}: there is nothing to measure it on`);
  }
  const limit = limitOf(gate);
  if (measured?.value == null || !Number.isFinite(measured.value) || limit === undefined) {
    return result(
      'error',
      `${gate.metric} could not be measured: ${measured?.error ?? 'no measurement'}`,
    );
  }
  if (measured.slices) return judgeSlices(gate, measured, limit, result);
  if (measured.sample < gate.minSample) {
    return result(
      'inconclusive',
      `${gate.metric}: ${measured.sample} rows, at least ${gate.minSample} are needed`,
    );
  }
  const [value, asked] = unlikeAmounts(measured.value, limit, definition);
  const shown = `${gate.metric} is ${value}, ${gate.max === undefined ? 'at least' : 'at most'} ${asked} is asked`;
  if (!definition.relative) {
    return result(holds(gate, measured.value, limit) ? 'passed' : 'failed', shown);
  }
  if (!measured.interval) return result('error', `${gate.metric} was measured without an interval`);
  const { low, high, confidence } = measured.interval;
  const range = `${shown} (${Math.round(confidence * 100)} % interval ${amount(low, definition)} to ${amount(high, definition)})`;
  const ends = [holds(gate, low, limit), holds(gate, high, limit)];
  if (ends.every(Boolean)) return result('passed', range);
  return result(ends.some(Boolean) ? 'inconclusive' : 'failed', range);
}

function judgeSlices(
  gate: Gate,
  measured: Measurement,
  limit: number,
  result: (verdict: Verdict, reason: string) => GateResult,
): GateResult {
  const slices = measured.slices ?? [];
  const counted = slices.filter((slice) => slice.sample >= gate.minSample);
  if (counted.length === 0) {
    return result(
      'inconclusive',
      `${gate.metric}: no slice has the ${gate.minSample} rows that are needed`,
    );
  }
  const described = (slice: (typeof slices)[number]) =>
    `${slice.slice} ${slice.value.toFixed(3)} (${slice.sample} rows)`;
  const missed = counted.filter((slice) => !holds(gate, slice.value, limit));
  const small = slices.length - counted.length;
  const tail = small === 0 ? '' : `; ${small} slices are too small to count`;
  return missed.length === 0
    ? result('passed', `${gate.metric}: all ${counted.length} slices reach ${limit}${tail}`)
    : result(
        'failed',
        `${gate.metric}: below ${limit} in ${missed.slice(0, 8).map(described).join(', ')}${tail}`,
      );
}

function holds(gate: Gate, value: number, limit: number): boolean {
  return gate.max === undefined ? value >= limit : value <= limit;
}

/** A value with its unit, to four significant digits or more, so that a miss never reads like a hit. */
export function amount(value: number, { unit }: Pick<MetricDefinition, 'unit'>): string {
  if (unit === 'bytes' && value > 0 && value < 1e5) return `${(value / 1e3).toFixed(2)} KB`; // as MB it reads 0.00
  if (unit === 'bytes') return `${(value / 1e6).toFixed(2)} MB`;
  const shown = Math.abs(value) >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  return unit === '' ? shown : `${shown} ${unit}`;
}

/** Both as they are shown, in full where they would read alike and are not. */
function unlikeAmounts(one: number, other: number, definition: MetricDefinition) {
  const shown = [amount(one, definition), amount(other, definition)] as const;
  if (shown[0] !== shown[1] || one === other) return shown;
  const { unit } = definition;
  return [`${one} ${unit}`.trimEnd(), `${other} ${unit}`.trimEnd()] as const;
}

/** The verdict of a whole list: one failure fails, else one error, else one inconclusive; `not applicable` does not count. */
export function overallVerdict(results: readonly GateResult[]): Verdict {
  for (const verdict of ['failed', 'error', 'inconclusive'] as const) {
    if (results.some((result) => result.verdict === verdict)) return verdict;
  }
  return 'passed';
}

/** Failed gates with owner and the inputs that show it (those beyond the limit, where inputs carry a value). */
export function findingsOf(
  results: readonly GateResult[],
  measurements: readonly Measurement[],
): readonly Finding[] {
  return results
    .filter((result) => result.verdict === 'failed')
    .map((result) => {
      const { gate } = result;
      const inputs = measurements.find((each) => each.metric === gate.metric)?.inputs ?? [];
      const limit = limitOf(gate) ?? 0;
      const beyond = inputs.filter(
        (input) => input.value === undefined || !holds(gate, input.value, limit),
      );
      return {
        gate,
        owner: gateOwner(gate),
        reason: result.reason,
        inputs: beyond.slice(0, 20),
      };
    });
}
