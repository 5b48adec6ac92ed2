import {
  judge,
  overallVerdict,
  type GateResult,
  type Measurement,
  type Verdict,
} from '../domain/gate.js';
import type { Candidate } from '../domain/lifecycle.js';
import { withRegressions } from '../domain/regressions.js';
import type { ModelSpec } from '../domain/spec.js';
import {
  candidateGates,
  chooseTwin,
  judgeTwin,
  noTwin,
  twinGates,
  withOffer,
  type TwinReport,
} from '../domain/twin.js';
import type { MeasuredVariant, StagedTests } from './staged-tests.js';

/** Inputs of each measurement that are kept of the file that does not go on. */
const KEPT_INPUTS = 5;

/** What was measured of a file of a version, and what its gates make of it. */
export interface JudgedVariant extends MeasuredVariant {
  readonly measurements: Measurement[];
  readonly results: GateResult[];
  readonly verdict: Verdict;
}

interface JudgeGiven {
  readonly spec: ModelSpec;
  readonly candidate: Candidate;
  readonly baseline: string | null;
}

/** Judges the full model and its twin, and chooses which of them goes on; the report on the twin is null where none was asked for. */
export function judgeVariants(
  given: JudgeGiven,
  { full: measured, twin }: StagedTests,
): { readonly goesOn: JudgedVariant; readonly twin: TwinReport | null } {
  const { spec, candidate } = given;
  const full = judged(given, measured);
  if (twin === null) {
    const made = candidate.twin;
    const report = made?.kind === 'failed' ? noTwin(made.reason) : null;
    return { goesOn: offering(full, candidate, report), twin: report };
  }
  const small = judged(given, twin.variant);
  const results = [...judgeTwin(twinGates(spec.test.gates), twin.compared)];
  const choice = chooseTwin(results, { full, twin: small });
  const [goesOn, other] = choice.chosen ? [small, full] : [full, small];
  const report: TwinReport = {
    ...{ artifact: small.artifact, measurements: [...twin.compared], results },
    ...{ calls: twin.calls, ...choice, other: shortened(other) },
  };
  return { goesOn: offering(goesOn, candidate, report), twin: report };
}

function judged({ spec, baseline }: JudgeGiven, measured: MeasuredVariant): JudgedVariant {
  const measurements = [...measured.measurements];
  const gates = withRegressions(candidateGates(spec.test.gates), measurements);
  const results = gates.map((gate) => {
    const found = measurements.find(({ metric }) => metric === gate.metric);
    return judge(gate, found, baseline !== null);
  });
  return { ...measured, measurements, results, verdict: overallVerdict(results) };
}

function offering(
  variant: JudgedVariant,
  { twin }: Candidate,
  report: TwinReport | null,
): JudgedVariant {
  return { ...variant, results: withOffer(variant.results, twin, report?.reason ?? null) };
}

function shortened({ artifact, measurements, results, verdict }: JudgedVariant) {
  const kept = measurements.map((each) => ({
    ...each,
    inputs: each.inputs.slice(0, KEPT_INPUTS),
  }));
  return { artifact, measurements: kept, results, verdict };
}
