import type { Activities } from '../../activities/index.js';
import type { DecisionInput } from '../../domain/decision.js';
import type { ModelSpec } from '../../domain/spec.js';
import type { MemoryLive } from '../../testing/fake-activities.js';
import { aDecision, aDigest, aSpec, aTested } from '../../testing/builders.js';
import type { Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';

/** A history that is kept: a workflow's newest run, or the one that is named. */
export type Recorded = string | { readonly workflowId: string; readonly runId: string };

/** One way in which a run goes: what its activities answer, and what people do. Resolves to the run whose history counts. */
export interface Course {
  readonly spec?: ModelSpec;
  readonly overrides?: Partial<Activities>;
  readonly run: (rig: Rig, live: MemoryLive) => Promise<Recorded>;
}

/** Courses by the names of their histories. */
export type Courses = Readonly<Record<string, Course>>;

/** Another lifecycle's version. */
export const ANOTHER = {
  digest: aDigest('another'),
  version: 7,
  artifact: 'model.onnx',
  evidence: aDigest('other evidence'),
  decisions: [],
};

export const ORDER = { by: 'grace', reason: 'wrong queues' };

/** Keeps the histories of two rounds of tests small. */
export const ONE_ROLE: Pick<Course, 'spec' | 'overrides'> = {
  spec: aSpec({
    gather: { every: '50 ms', deadline: '1 minute' },
    approve: { handOffs: [{ role: 'data-science' }] },
  }),
  overrides: {
    assembleEvidence: ({ baseline, round }) => {
      const evidence = round > 199 ? aDigest(round) : aDigest('evidence');
      return Promise.resolve(aTested({ baseline, evidence, roles: ['data-science'] }));
    },
  },
};

/** Resolves when the run has ended, well or not. */
export async function over(rig: Rig, workflowId: string): Promise<string> {
  await rig.switchyard.outcome(workflowId).catch(() => undefined);
  return workflowId;
}

/** A lifecycle from start to end, with nobody who helps it. */
export async function ended(rig: Rig): Promise<string> {
  const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
  return over(rig, workflowId);
}

/** A lifecycle that waits for the role, or for a person's word about its undo. */
export async function asked(rig: Rig, role: string, started?: string): Promise<string> {
  const workflowId = started ?? (await rig.switchyard.start({ model: rig.taskQueue })).workflowId;
  await until(`"${role}" is asked`, async () => {
    const { waitingFor } = await rig.switchyard.status(workflowId);
    return waitingFor.includes(role) ? true : undefined;
  });
  return workflowId;
}

export async function decide(
  rig: Rig,
  id: string,
  overrides: Partial<DecisionInput> = {},
): Promise<void> {
  await rig.switchyard.decide(id, aDecision(overrides));
}

/** Approved by both roles, one by an update and one by a signal; resolves when it has ended. */
export async function approved(rig: Rig): Promise<string> {
  const id = await approvedOnly(rig);
  return over(rig, id);
}

/** Approved by both roles. */
export async function approvedOnly(rig: Rig): Promise<string> {
  const id = await asked(rig, 'data-science');
  await decide(rig, id);
  await asked(rig, 'engineering', id);
  await rig.switchyard.signalDecision(id, aDecision({ role: 'engineering', by: 'grace' }));
  return id;
}
