import { metricMeter } from '@temporalio/workflow';
import { WORKER_METRICS, type LabelsOf, type NameOf } from '../domain/worker-metrics.js';

/** Counts something that happened in a workflow; silent while replaying. */
export function count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>): void {
  metricMeter.createCounter(name, '', WORKER_METRICS[name].meaning).add(1, { ...labels });
}

/** Records how long something in a workflow took; silent while replaying. */
export function recordTime<Name extends NameOf<'seconds'>>(
  name: Name,
  elapsedMs: number,
  labels: LabelsOf<Name>,
): void {
  metricMeter
    .createHistogram(name, 'float', 'seconds', WORKER_METRICS[name].meaning)
    .record(Math.max(0, elapsedMs) / 1_000, { ...labels });
}
