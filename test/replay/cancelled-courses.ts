import { Context } from '@temporalio/activity';
import type { Activities } from '../../activities/index.js';
import type { Stage } from '../../domain/lifecycle.js';
import { aSpec, aTested } from '../../testing/builders.js';
import type { Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { approvedOnly, asked, over, type Course, type Courses } from './course.js';

/** Long enough that only the cancellation ends it. */
const HEARTBEAT_MS = 100;

/** An activity that goes on until it is cancelled. */
async function goesOn(): Promise<never> {
  const context = Context.current();
  for (;;) {
    context.heartbeat();
    await context.sleep(HEARTBEAT_MS);
  }
}

/** One that answers when the workflow has been cancelled, for those that do not hear of it. */
async function answersLate(): Promise<never> {
  await Context.current().sleep('2 seconds');
  throw new Error('nobody waits for it');
}

/** Cancelled while it is in a stage, whose activity does not end before. */
function cancelledIn(stage: Stage, overrides: Partial<Activities>): Course {
  return {
    overrides,
    run: async (rig) => {
      const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
      return cancelled(rig, workflowId, stage);
    },
  };
}

async function cancelled(rig: Rig, workflowId: string, stage: Stage): Promise<string> {
  await until(`it is in ${stage}`, async () => {
    const status = await rig.switchyard.status(workflowId);
    return status.stage === stage ? true : undefined;
  });
  await rig.switchyard.cancel(workflowId);
  return over(rig, workflowId);
}

/** Lifecycles that somebody cancels, in each stage. */
export const CANCELLED_COURSES: Courses = {
  'cancelled-in-resolve': cancelledIn('resolve', { resolveSpec: answersLate }),
  'cancelled-in-retrain': cancelledIn('retrain', { trainModel: goesOn }),
  'cancelled-in-convert': cancelledIn('convert', { convertToOnnx: goesOn }),
  'cancelled-in-test': cancelledIn('test', { measureQuality: goesOn }),
  'cancelled-in-gather': {
    ...cancelledIn('gather', {
      assembleEvidence: () => Promise.resolve(aTested({ verdict: 'inconclusive' })),
    }),
    spec: aSpec({ gather: { every: '1 hour', deadline: '2 hours' } }),
  },
  'cancelled-in-approve': {
    run: async (rig) => cancelled(rig, await asked(rig, 'data-science'), 'approve'),
  },
  'cancelled-in-deploy': {
    overrides: { awaitServing: goesOn },
    run: async (rig) => {
      const id = await approvedOnly(rig);
      await until('it has promoted', async () =>
        (await rig.switchyard.live(rig.taskQueue).catch(() => null)) === null ? undefined : true,
      );
      return cancelled(rig, id, 'deploy');
    },
  },
};
