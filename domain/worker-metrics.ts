/** A metric of a worker: a counter, or the distribution of a time. */
export interface WorkerMetric {
  readonly kind: 'counter' | 'seconds';
  readonly labels: readonly string[];
  readonly meaning: string;
  /** Upper bounds of a distribution, in seconds. */
  readonly buckets?: readonly number[];
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From work of a moment to an approval of a week. */
const LONG_SECONDS = [
  ...[0.1, 0.5, 1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE],
  ...[HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY],
];
const SHORT_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE];

/**
 * What a worker counts, by the name without its suffix: `_total` of a counter, `_seconds` of a time. Labels are few and
 * take few values: no run, request or customer.
 */
export const WORKER_METRICS = {
  switchyard_lifecycles: {
    kind: 'counter',
    labels: ['model', 'outcome'],
    meaning: 'lifecycles that ended, by outcome; failed and cancelled are two of them',
  },
  switchyard_stage: {
    kind: 'seconds',
    labels: ['model', 'stage'],
    meaning: 'time of a lifecycle in a stage',
    buckets: LONG_SECONDS,
  },
  switchyard_gates: {
    kind: 'counter',
    labels: ['model', 'metric', 'verdict'],
    meaning: 'gates that were judged, by verdict',
  },
  switchyard_decisions: {
    kind: 'counter',
    labels: ['answer'],
    meaning: 'decisions by answer; refused: it could not be taken',
  },
  switchyard_refused_decisions: {
    kind: 'counter',
    labels: ['code'],
    meaning: 'decisions that could not be taken, by why: unsigned, bad-signature, stale and so on',
  },
  switchyard_broken_glass: {
    kind: 'counter',
    labels: ['model'],
    meaning:
      'candidates that people approved in an emergency, in the place of those who were asked',
  },
  switchyard_undos: {
    kind: 'counter',
    labels: ['model', 'end'],
    meaning: 'undos by how each ended',
  },
  switchyard_live_changes: {
    kind: 'counter',
    labels: ['model', 'kind'],
    meaning: 'answers to wishes to change what serves; failed: there was none',
  },
  switchyard_fallback: {
    kind: 'seconds',
    labels: ['model'],
    meaning: 'from a fallback order to the pointer that is written',
    buckets: SHORT_SECONDS,
  },
  switchyard_follow_ups: {
    kind: 'counter',
    labels: ['model', 'cause', 'end'],
    meaning:
      'follow-ups by what became of opening them: opened, known (it was open or closed before), failed',
  },
  switchyard_windows: {
    kind: 'counter',
    labels: ['model', 'verdict'],
    meaning: 'windows of the prediction log that the monitor judged, by verdict',
  },
  switchyard_reconciled: {
    kind: 'counter',
    labels: ['model', 'kind', 'end'],
    meaning:
      'what the reconciler found, by what became of it: repaired, already-clean, reported, failed',
  },
  switchyard_reconciler_looks: {
    kind: 'counter',
    labels: ['found'],
    meaning:
      'looks of the reconciler that came to their end, by whether they found anything: yes, no',
  },
  switchyard_trainer_runs: {
    kind: 'counter',
    labels: ['trainer', 'command', 'end'],
    meaning: 'runs of trainers: done, cancelled, or the type of their failure',
  },
  switchyard_trainer: {
    kind: 'seconds',
    labels: ['trainer', 'command'],
    meaning: 'time of a run of a trainer, however it ended',
    buckets: LONG_SECONDS,
  },
  switchyard_activity_failures: {
    kind: 'counter',
    labels: ['activity', 'type'],
    meaning: 'attempts of activities that failed, by the type of the failure',
  },
} as const satisfies Readonly<Record<string, WorkerMetric>>;

export type WorkerMetricName = keyof typeof WORKER_METRICS;

/** A metric's labels, each with a value. */
export type LabelsOf<Name extends WorkerMetricName> = Readonly<
  Record<(typeof WORKER_METRICS)[Name]['labels'][number], string>
>;

/** Names of the metrics of one kind. */
export type NameOf<Kind extends WorkerMetric['kind']> = {
  [Name in WorkerMetricName]: (typeof WORKER_METRICS)[Name]['kind'] extends Kind ? Name : never;
}[WorkerMetricName];

/** What records: the SDK's meter of a workflow, an activity or a process. */
export interface Meter {
  createCounter(
    name: string,
    unit: string,
    meaning: string,
  ): { add(value: number, labels: Record<string, string>): void };
  createHistogram(
    name: string,
    valueType: 'float',
    unit: string,
    meaning: string,
  ): { record(value: number, labels: Record<string, string>): void };
}

/** Counts something that happened. */
export function countIn<Name extends NameOf<'counter'>>(
  meter: Meter,
  name: Name,
  labels: LabelsOf<Name>,
): void {
  meter.createCounter(name, '', WORKER_METRICS[name].meaning).add(1, { ...labels });
}

/** Records how long something took. */
export function recordTimeIn<Name extends NameOf<'seconds'>>(
  meter: Meter,
  name: Name,
  elapsedMs: number,
  labels: LabelsOf<Name>,
): void {
  meter
    .createHistogram(name, 'float', 'seconds', WORKER_METRICS[name].meaning)
    .record(Math.max(0, elapsedMs) / 1_000, { ...labels });
}
