import type { Activities } from '../../activities/index.js';
import { isPortError } from '../../domain/failures.js';
import type { Tested } from '../../domain/lifecycle.js';
import type { ModelSpec } from '../../domain/spec.js';
import { aDecision, aDigest } from '../../testing/builders.js';
import { fakeActivities, type MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';

interface Given {
  readonly spec?: ModelSpec;
  readonly live?: MemoryLive;
  readonly overrides?: Partial<Activities>;
}

/** Workers of the ready workflows with fakes for activities, on a queue named after the test; a model has the queue's name. */
export const rigFor = (context: Mocha.Context, given: Given = {}): Promise<Rig> =>
  startRig(context.test?.title ?? 'lifecycle', (place) => fakeActivities(place, given));

/** A lifecycle that waits for the role's decision. */
export async function startedAndAsked(rig: Rig, role = 'data-science'): Promise<string> {
  const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
  await asked(rig, workflowId, role);
  return workflowId;
}

/** Waits until a lifecycle asks the role, on evidence where it is given. */
export async function asked(
  rig: Rig,
  workflowId: string,
  role: string,
  evidence?: string,
): Promise<void> {
  await until(`"${role}" is asked`, async () => {
    const status = await rig.switchyard.status(workflowId);
    const isIt = evidence === undefined || status.evidence === evidence;
    return status.waitingFor.includes(role) && isIt ? true : undefined;
  });
}

export async function approveBoth(rig: Rig, id: string, evidence: string): Promise<void> {
  await rig.switchyard.decide(id, aDecision({ evidence }));
  await rig.switchyard.decide(id, aDecision({ role: 'engineering', evidence }));
}

/** Makes another version live past every workflow. */
export function promoteAnother(live: MemoryLive, model: string, name = 'another'): void {
  const candidate = {
    digest: aDigest(name),
    version: 7,
    artifact: 'model.onnx',
    evidence: aDigest('other evidence'),
    decisions: [],
  };
  const baseline = live.state(model)?.live ?? null;
  live.change(model, { kind: 'promote', candidate, baseline }, name);
}

/** A test's result that one gate failed. */
export function failedOn(metric: string): Pick<Tested, 'verdict' | 'table'> {
  const gate = { metric, min: 0, minSample: 1 };
  return { verdict: 'failed', table: [{ gate, verdict: 'failed', reason: `${metric} is less` }] };
}

export const refusedWith = (pattern: RegExp) => (error: unknown) =>
  isPortError(error) && pattern.test(error.message);
