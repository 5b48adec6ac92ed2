import { TemporalLivePointer } from '../../client/live-pointer.js';
import { aDigest } from '../../testing/builders.js';
import type { Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { adopt, liveWorkflowId, moveOn } from '../../workflows/messages.js';
import {
  ANOTHER,
  approved,
  asked,
  decide,
  ORDER,
  over,
  type Courses,
  type Recorded,
} from './course.js';

/** Approved while its model is frozen; resolves to its id when it has gone live after the thaw. */
async function frozenThenThawed(rig: Rig): Promise<string> {
  await rig.switchyard.freeze(rig.taskQueue, ORDER);
  const id = await asked(rig, 'data-science');
  await decide(rig, id);
  await decide(rig, id, { role: 'engineering' });
  await asked(rig, 'thaw', id);
  await rig.switchyard.thaw(rig.taskQueue, ORDER);
  return over(rig, id);
}

/** Another version goes live, and a fallback leaves it, ordered twice; resolves to the run that was told to move on. */
async function movedOn(rig: Rig): Promise<{ before: Recorded; after: string }> {
  const model = rig.taskQueue;
  const workflowId = liveWorkflowId(model);
  const pointer = new TemporalLivePointer(rig);
  const first = { ...ANOTHER, digest: aDigest('version 1'), version: 1 };
  await pointer.ask(model, { kind: 'promote', candidate: first, baseline: null }, 'one');
  const second = { kind: 'promote', candidate: ANOTHER, baseline: first.digest } as const;
  await pointer.ask(model, second, 'another lifecycle');
  const handle = rig.client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  await handle.executeUpdate(moveOn, { args: [{ because: 'build 2 is released' }] });
  await until('the next run has begun', async () =>
    (await handle.describe()).runId === runId ? undefined : true,
  );
  await rig.switchyard.fallback(model, { leaving: ANOTHER.digest, ...ORDER });
  // a request that the run before has answered
  await pointer.ask(model, second, 'another lifecycle');
  return { before: { workflowId, runId }, after: workflowId };
}

/** `liveModel`, and the lifecycles that wait for it. */
export const LIVE_COURSES: Courses = {
  'frozen-then-thawed': { run: frozenThenThawed },
  'live-model-frozen': {
    run: async (rig) => {
      await frozenThenThawed(rig);
      await rig.switchyard.freeze(rig.taskQueue, ORDER);
      await rig.switchyard.freeze(rig.taskQueue, ORDER);
      return liveWorkflowId(rig.taskQueue);
    },
  },
  'live-model': {
    run: async (rig) => {
      const model = rig.taskQueue;
      await approved(rig);
      const baseline = aDigest('version 1');
      const change = { kind: 'promote', candidate: ANOTHER, baseline } as const;
      await new TemporalLivePointer(rig).ask(model, change, 'another lifecycle');
      const order = { leaving: aDigest('another'), ...ORDER };
      await rig.switchyard.fallback(model, order);
      await rig.switchyard.fallback(model, order);
      return liveWorkflowId(model);
    },
  },
  'live-model-moved-on': { run: async (rig) => (await movedOn(rig)).before },
  'live-model-continued': { run: async (rig) => (await movedOn(rig)).after },
  'live-model-adopted': {
    run: async (rig, live) => {
      const model = rig.taskQueue;
      const workflowId = liveWorkflowId(model);
      const pointer = new TemporalLivePointer(rig);
      await pointer.ask(model, { kind: 'promote', candidate: ANOTHER, baseline: null }, 'one');
      const next = { ...ANOTHER, digest: aDigest('next'), version: 8 };
      const change = { kind: 'promote', candidate: next, baseline: ANOTHER.digest } as const;
      await pointer.ask(model, change, 'next');
      const order = { kind: 'fallback', leaving: next.digest, direct: ORDER } as const;
      live.change(model, order, 'past liveModel');
      const handle = rig.client.workflow.getHandle(workflowId);
      await handle.executeUpdate(adopt, { args: [{}] });
      return workflowId;
    },
  },
};
