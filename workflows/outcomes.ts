import { ApplicationFailure } from '@temporalio/workflow';
import type { Finding } from '../domain/gate.js';
import type { Candidate, LifecycleOutcome, Tested } from '../domain/lifecycle.js';
import type { Lifecycle } from './lifecycle.js';

/** A conversion whose answers differ from the source framework's: there is no version. */
export function convertedNot(lifecycle: Lifecycle, finding: Finding): LifecycleOutcome {
  return {
    outcome: 'rejected',
    ...common(lifecycle),
    stage: 'convert',
    findings: [finding],
    version: null,
    digest: null,
    testReport: null,
    table: [],
  };
}

/** A version that failed a gate. */
export function rejectedByGates(lifecycle: Lifecycle): LifecycleOutcome {
  const { candidate, tested } = reached(lifecycle);
  return {
    outcome: 'rejected',
    ...common(lifecycle),
    stage: 'test',
    findings: tested.findings,
    version: candidate.version,
    digest: candidate.digest,
    testReport: tested.testReport,
    table: tested.table,
  };
}

/** An end that people or another lifecycle brought about. */
export function endedAs(
  outcome: 'refused' | 'expired' | 'superseded',
  lifecycle: Lifecycle,
  reason: string,
): LifecycleOutcome {
  return { outcome, ...common(lifecycle), ...seen(lifecycle), reason };
}

export function wentLive(lifecycle: Lifecycle, generation: number): LifecycleOutcome {
  return { outcome: 'live', ...common(lifecycle), ...seen(lifecycle), generation };
}

function common(lifecycle: Lifecycle) {
  return {
    model: lifecycle.request.model,
    ledger: [],
    decisions: [...lifecycle.desk.decisions],
  };
}

function seen(lifecycle: Lifecycle) {
  const { candidate, tested } = reached(lifecycle);
  return {
    version: candidate.version,
    digest: candidate.digest,
    evidence: tested.evidence,
    testReport: tested.testReport,
    table: tested.table,
  };
}

function reached(lifecycle: Lifecycle): { candidate: Candidate; tested: Tested } {
  const { candidate, tested } = lifecycle;
  if (candidate && tested) return { candidate, tested };
  throw ApplicationFailure.nonRetryable('this end needs a tested candidate', 'InvalidRequest');
}
