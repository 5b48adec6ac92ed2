import { chanceIndex, populationStabilityIndex } from './drift.js';
import type { Verdict } from '../gate.js';
import { isDrift, type MonitorMetric } from './spec.js';
import type { ReferenceProfile } from './reference-profile.js';
import type { CheckResult, PlannedCheck, Window, WindowAccuracy } from './window.js';
import type { Span, WindowTally } from './window-tally.js';

/** More malformed lines than this share of all: the window cannot be trusted. */
const MALFORMED_TOLERATED = 0.01;

export interface JudgedVersion {
  readonly version: number;
  readonly digest: string;
  /** When it went live. */
  readonly since: string;
}

export interface JudgeWindow {
  readonly model: string;
  readonly span: Span;
  readonly judgedAtMs: number;
  readonly live: JudgedVersion | null;
  readonly profile: { readonly digest: string; readonly document: ReferenceProfile } | null;
  readonly tally: WindowTally;
  readonly malformed: number;
  readonly checks: readonly PlannedCheck[];
  readonly minSample: number;
}

interface Measured {
  readonly value: number | null;
  readonly sample: number;
  /** Why it could not be measured. */
  readonly problem?: string;
  /** Added to the sentence. */
  readonly note?: string;
  /** Why a value that is too small may be so only because the version did not serve all the time. */
  readonly partly?: string;
}

/**
 * Judges a window of the prediction log. A window that is empty, too small, or holds what is no number is never healthy: it ends
 * `inconclusive` or `error`, with the reason. Accuracy is judged later, by `judgeAccuracy`.
 */
export function judgeWindow(given: JudgeWindow): Window {
  const { tally, live, checks, minSample } = given;
  const measure = measurer(given);
  const results = checks
    .filter(({ metric }) => metric !== 'accuracy')
    .map((check) => judgeCheck(check, measure(check.metric), minSample));
  const [classDrift, scoreDrift] = [measure('class-drift').value, measure('score-drift').value];
  const { requests, rows, errors, latencyP50Ms, latencyP99Ms } = tally;
  const { others, duplicates, beyond } = tally;
  return {
    ...headOf(given),
    profile: given.profile?.digest ?? null,
    ...{ requests, rows, errors, errorRate: measure('error-rate').value },
    ...{ latencyP50Ms, latencyP99Ms, classDrift, scoreDrift },
    classes: (given.profile?.document.classes ?? []).map(({ label }, index) => ({
      label,
      count: tally.classes[index] ?? 0,
    })),
    ...{ others: [...others], duplicates, malformed: given.malformed, beyond },
    checks: results,
    ...overall(results, emptyReason(live, tally, minSample)),
  };
}

/** Judges how right the labelled rows of a window were. `expired`: no more labels are waited for. */
export function judgeAccuracy(given: {
  readonly model: string;
  readonly span: Span;
  readonly judgedAtMs: number;
  readonly live: Omit<JudgedVersion, 'since'> | null;
  readonly labelled: number;
  readonly right: number;
  readonly checks: readonly PlannedCheck[];
  readonly minSample: number;
}): WindowAccuracy {
  const { labelled, right, checks, minSample } = given;
  const accuracy = labelled === 0 ? null : right / labelled;
  const results = checks
    .filter(({ metric }) => metric === 'accuracy')
    .map((check) => judgeCheck(check, { value: accuracy, sample: labelled }, minSample));
  const small =
    labelled < minSample ? `${labelled} rows have a label, ${minSample} are needed` : null;
  return {
    ...headOf(given),
    ...{ labelled, right, accuracy, checks: results },
    ...overall(results, small),
  };
}

function headOf(
  given: Pick<JudgeWindow, 'model' | 'span' | 'judgedAtMs'> & {
    readonly live: Omit<JudgedVersion, 'since'> | null;
  },
) {
  return {
    schemaVersion: 1 as const,
    model: given.model,
    from: new Date(given.span.fromMs).toISOString(),
    until: new Date(given.span.untilMs).toISOString(),
    judgedAt: new Date(given.judgedAtMs).toISOString(),
    version: given.live?.version ?? null,
    digest: given.live?.digest ?? null,
  };
}

/** What each metric comes to in a window. */
function measurer(given: JudgeWindow): (m: MonitorMetric) => Measured {
  const { tally, live, profile, malformed } = given;
  const { requests, rows, errors } = tally;
  const seen = rows + tally.duplicates + tally.others.reduce((sum, other) => sum + other.rows, 0);
  const torn = malformed > MALFORMED_TOLERATED * (seen + malformed);
  const measure = (metric: MonitorMetric): Measured => {
    switch (metric) {
      case 'requests':
        return { value: requests, sample: rows, ...partlyServed(given) };
      case 'error-rate':
        return { value: requests === 0 ? null : errors / requests, sample: rows };
      case 'latency-p50-ms':
        return { value: tally.latencyP50Ms, sample: rows };
      case 'latency-p99-ms':
        return { value: tally.latencyP99Ms, sample: rows };
      case 'class-drift':
        return classDriftOf(tally, profile?.document ?? null);
      case 'score-drift':
        return scoreDriftOf(tally, profile?.document ?? null);
      case 'accuracy':
        return { value: null, sample: 0 };
      default:
        return metric satisfies never;
    }
  };
  return (metric) => {
    const found = measure(metric);
    if (torn)
      return { ...found, problem: `${malformed} of ${seen + malformed} lines are malformed` };
    if (live !== null && profile === null && isDrift(metric)) {
      return {
        ...found,
        problem: `version ${live.version} has no reference profile: test it again`,
      };
    }
    return found;
  };
}

/** A version that went live in the window, or after it, or again after a fallback: its requests are not all of the window's. */
function partlyServed({ live, span, tally }: JudgeWindow): { partly?: string } {
  if (live === null) return {};
  const isWhole = Date.parse(live.since) <= span.fromMs && tally.others.length === 0;
  return isWhole ? {} : { partly: `version ${live.version} did not serve all of the window` };
}

function classDriftOf(tally: WindowTally, profile: ReferenceProfile | null): Measured {
  const sample = tally.classes.reduce(
    (sum, each) => sum + each,
    tally.strangers + tally.withoutLabel,
  );
  if (profile === null) return { value: null, sample };
  const reference = profile.classes.map(({ count }) => count);
  const withStrangers = tally.strangers > 0;
  const measured = compare(
    withStrangers ? [...reference, 0] : reference,
    withStrangers ? [...tally.classes, tally.strangers] : tally.classes,
    sample,
  );
  return tally.withoutLabel === 0
    ? measured
    : { ...measured, problem: `${tally.withoutLabel} answered rows have no label` };
}

function scoreDriftOf(tally: WindowTally, profile: ReferenceProfile | null): Measured {
  const sample = tally.scores.reduce((sum, each) => sum + each, tally.withoutScore);
  if (profile === null) return { value: null, sample };
  if (tally.withoutScore > 0) {
    const problem = `the probability of ${tally.withoutScore} answered rows is no number`;
    return { value: null, sample, problem };
  }
  if (profile.scores.edges.length === 0) {
    const problem = 'all scores of the reference are equal, so none can drift from them';
    return { value: null, sample, problem };
  }
  return compare(profile.scores.counts, tally.scores, sample);
}

function compare(
  reference: readonly number[],
  actual: readonly number[],
  sample: number,
): Measured {
  const value = populationStabilityIndex(reference, actual);
  if (Number.isNaN(value)) return { value: null, sample };
  return {
    value,
    sample,
    note: `chance alone makes about ${amount(chanceIndex(reference, actual))}`,
  };
}

function judgeCheck(check: PlannedCheck, measured: Measured, minSample: number): CheckResult {
  const { metric, min, max } = check;
  const { value, sample, problem, note, partly } = measured;
  const result = (verdict: Verdict, reason: string): CheckResult => ({
    ...{ check, verdict, value, sample, reason: `${metric}${reason}`.slice(0, 500) },
  });
  const isSmall = sample < minSample;
  // too few requests is what a check on their number is about
  const tooFew = metric === 'requests' && min !== undefined && value !== null && value < min;
  if (problem !== undefined && sample > 0) return result('error', `: ${problem}`);
  if (tooFew && partly !== undefined) return result('inconclusive', `: ${partly}`);
  if (isSmall && !tooFew)
    return result('inconclusive', `: ${sample} rows, ${minSample} are needed`);
  if (problem !== undefined) return result('error', `: ${problem}`);
  if (value === null || !Number.isFinite(value)) return result('error', ' could not be measured');
  const isWithin = (min === undefined || value >= min) && (max === undefined || value <= max);
  const limits = [
    ...(min === undefined ? [] : [`at least ${amount(min)}`]),
    ...(max === undefined ? [] : [`at most ${amount(max)}`]),
  ].join(' and ');
  const tail = note === undefined ? '' : ` (${note})`;
  return result(
    isWithin ? 'passed' : 'failed',
    ` is ${amount(value)} of ${sample} rows, ${limits} is asked${tail}`,
  );
}

/** Why a window says nothing, whatever its checks are; null where it says something. */
function emptyReason(
  live: JudgedVersion | null,
  tally: WindowTally,
  minSample: number,
): string | null {
  if (live === null) return 'nothing is live';
  if (tally.rows >= minSample) return null;
  const others = tally.others.reduce((sum, { rows }) => sum + rows, 0);
  const besides = [
    ...(others > 0 ? [`${others} rows are of other versions`] : []),
    ...(tally.duplicates > 0 ? [`${tally.duplicates} came again`] : []),
  ];
  const tail = besides.length === 0 ? '' : ` (${besides.join(', ')})`;
  return `${tally.rows} rows of version ${live.version}, ${minSample} are needed${tail}`;
}

/** One failure fails, else one error, else what is inconclusive; a window that says nothing never passes. */
function overall(
  results: readonly CheckResult[],
  empty: string | null,
): { verdict: Verdict; reason: string } {
  for (const verdict of ['failed', 'error'] as const) {
    const found = results.filter((result) => result.verdict === verdict);
    if (found.length > 0) return { verdict, reason: sentences(found) };
  }
  if (empty !== null) return { verdict: 'inconclusive', reason: empty };
  const open = results.filter(({ verdict }) => verdict === 'inconclusive');
  if (open.length > 0) return { verdict: 'inconclusive', reason: sentences(open) };
  if (results.length === 0) return { verdict: 'inconclusive', reason: 'no check is set' };
  return { verdict: 'passed', reason: sentences(results) };
}

function sentences(results: readonly CheckResult[]): string {
  return results
    .map(({ reason }) => reason)
    .join('; ')
    .slice(0, 1_000);
}

function amount(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}
