import { metricMeter } from '@temporalio/workflow';
import { countIn, recordTimeIn, type LabelsOf, type NameOf } from '../domain/worker-metrics.js';

/** Counts something that happened in a workflow; silent while replaying. */
export function count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>): void {
  countIn(metricMeter, name, labels);
}

/** Records how long something in a workflow took; silent while replaying. */
export function recordTime<Name extends NameOf<'seconds'>>(
  name: Name,
  elapsedMs: number,
  labels: LabelsOf<Name>,
): void {
  recordTimeIn(metricMeter, name, elapsedMs, labels);
}
