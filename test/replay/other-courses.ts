import type { Activities } from '../../activities/index.js';
import { TemporalFollowUps } from '../../client/follow-ups.js';
import type { Problem } from '../../domain/reconcile/problem.js';
import { aDigest, aFollowUp } from '../../testing/builders.js';
import type { Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { moveOn } from '../../workflows/messages.js';
import type { Courses } from './course.js';

/** A follow-up whose owner was told. */
async function toldOf(rig: Rig): Promise<{ followUps: TemporalFollowUps; workflowId: string }> {
  const followUps = new TemporalFollowUps(rig);
  const { workflowId } = await followUps.open(aFollowUp({ model: rig.taskQueue }));
  await until('its owner is told', async () => {
    const { told } = await followUps.state(workflowId);
    return told ?? undefined;
  });
  return { followUps, workflowId };
}

/** One that is mended, one that is deleted and one that only people can mend. */
function problems(): readonly Problem[] {
  const common = {
    ...{ model: 'tickets', sentence: 'as recorded', owner: 'engineering' },
    subject: { version: 1, digest: aDigest('version 1'), generation: 2 },
  };
  return [
    {
      ...{ ...common, kind: 'half-deploy', what: 'a run' },
      remedy: {
        ...{ do: 'undo-promotion', promoted: aDigest('version 1'), before: null },
        promotion: 'a run/promote/0123456789ab',
        generation: 2,
      },
    },
    { ...common, kind: 'orphaned-staging', what: 'another run', remedy: { do: 'sweep' } },
    { ...common, kind: 'live-model-behind', what: 'live.json', remedy: { do: 'adopt' } },
    { ...common, kind: 'replica-behind', what: 'endpoint-1', remedy: { do: 'report' } },
  ];
}

const lookForProblems: Activities['lookForProblems'] = () =>
  Promise.resolve({
    looked: { models: 1, versions: 1, replicas: 1, staged: 1 },
    ...{ problems: [...problems()], more: 0, suspects: [] },
  });

/** Follow-ups and the reconciler. */
export const OTHER_COURSES: Courses = {
  'follow-up-closed': {
    run: async (rig) => {
      const { followUps, workflowId } = await toldOf(rig);
      await followUps.close(workflowId, { role: 'engineering', by: 'grace', reason: 'mended' });
      await rig.client.workflow.getHandle(workflowId).result();
      return workflowId;
    },
  },
  'follow-up-moved-on': {
    run: async (rig) => {
      const { workflowId } = await toldOf(rig);
      const handle = rig.client.workflow.getHandle(workflowId);
      const { runId } = await handle.describe();
      await handle.executeUpdate(moveOn, { args: [{ because: 'build 2 is released' }] });
      await until('the next run has begun', async () =>
        (await handle.describe()).runId === runId ? undefined : true,
      );
      return { workflowId, runId };
    },
  },
  reconcile: {
    overrides: {
      lookForProblems,
      undoPromotion: () => Promise.resolve({ kind: 'restored', generation: 3, live: null }),
    },
    run: async (rig) => {
      const workflowId = `reconcile/${rig.taskQueue}`;
      const { taskQueue } = rig;
      await rig.client.workflow.execute('reconcile', { workflowId, taskQueue, args: [{}] });
      return workflowId;
    },
  },
};
