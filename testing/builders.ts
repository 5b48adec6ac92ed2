import type { DecisionInput } from '../domain/decision.js';
import { digestOfJson } from '../domain/digest.js';
import type { FollowUp } from '../domain/follow-up.js';
import type { Candidate, SnapshotRef, Tested } from '../domain/lifecycle.js';
import { parseModelSpec, type ModelSpec, type ModelSpecInput } from '../domain/spec.js';

/** A digest that is the same for the same seed. */
export function aDigest(seed: string | number = 1): string {
  return digestOfJson({ seed });
}

/** The smallest complete specification, with two hand-offs in order. */
export function aSpec(overrides: Partial<ModelSpecInput> = {}): ModelSpec {
  return parseModelSpec({
    model: 'tickets',
    train: { trainer: 'tickets', source: 'mails' },
    test: { gates: [{ metric: 'accuracy', min: 0.5 }] },
    approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
    deploy: { deadline: '2 seconds' },
    ...overrides,
  });
}

export function aSnapshot(overrides: Partial<SnapshotRef> = {}): SnapshotRef {
  return { name: 'mails', digest: aDigest('mails'), rows: 100, labels: ['a', 'b'], ...overrides };
}

export function aCandidate(overrides: Partial<Candidate> = {}): Candidate {
  return {
    version: 1,
    digest: aDigest('version 1'),
    artifact: 'model.onnx',
    parityReport: aDigest('parity'),
    ...overrides,
  };
}

export function aTested(overrides: Partial<Tested> = {}): Tested {
  return {
    verdict: 'passed',
    evidence: aDigest('evidence'),
    testReport: aDigest('report'),
    baseline: null,
    roles: ['data-science', 'engineering'],
    table: [],
    findings: [],
    ...overrides,
  };
}

/** An approval by `ada` of the evidence that `aTested` names. */
export function aDecision(overrides: Partial<DecisionInput> = {}): DecisionInput {
  return {
    role: 'data-science',
    decision: 'approved',
    by: 'ada',
    reason: 'reads well',
    evidence: aDigest('evidence'),
    ...overrides,
  };
}

/** What a fallback from version 2 leaves to engineering. */
export function aFollowUp(overrides: Partial<FollowUp> = {}): FollowUp {
  return {
    ...{ model: 'tickets', key: 'fallback-g3', owner: 'engineering', cause: 'fallback' },
    title: 'fallen back from version 2',
    text: 'grace ordered it: wrong queues.',
    subject: { workflowId: null, version: 2, digest: aDigest('version 2'), generation: 3 },
    inputs: [],
    ...overrides,
  };
}
