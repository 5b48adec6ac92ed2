import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.js';
import type { Rig } from '../../testing/rig.js';
import { approved, asked, decide, over, type Course, type Courses } from './course.js';

const unreachable = () => ApplicationFailure.nonRetryable('none serves', 'ReplicasNotReady');
const denied = () => ApplicationFailure.nonRetryable('access denied', 'StoreRefused');

/** Staging that cannot be deleted the first time. */
function deniedOnce(): Partial<Activities> {
  let tries = 0;
  return {
    sweepStaging: () => {
      tries += 1;
      return tries === 1 ? Promise.reject(denied()) : Promise.resolve(3);
    },
  };
}

/** Refused by a role, and then stuck with an undo that failed until a person has said what to do. */
function stuck(word: (rig: Rig, id: string) => Promise<unknown>): Course {
  return {
    overrides: deniedOnce(),
    run: async (rig) => {
      const id = await asked(rig, 'data-science');
      await decide(rig, id, { decision: 'rejected', reason: 'slices look odd' });
      await asked(rig, 'undo', id);
      await word(rig, id);
      return over(rig, id);
    },
  };
}

/** Lifecycles that must undo what they did, and those whose undo fails. */
export const UNDO_COURSES: Courses = {
  'undone-after-failed-deploy': {
    overrides: { awaitServing: () => Promise.reject(unreachable()) },
    run: (rig) => approved(rig),
  },
  'undo-failed-then-retried': stuck((rig, id) => rig.switchyard.retryUndo(id, { by: 'grace' })),
  'undo-failed-then-accepted': stuck((rig, id) =>
    rig.switchyard.acceptUndo(id, { step: 'staging', by: 'ada', reason: 'deleted by hand' }),
  ),
};
