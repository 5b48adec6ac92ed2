import { ApplicationFailure } from '@temporalio/common';
import { aDigest, aSpec, aTested } from '../../testing/builders.js';
import { until } from '../../testing/until.js';
import { ANOTHER, approved, asked, decide, ended, ONE_ROLE, over, type Courses } from './course.js';

const failedGate = {
  gate: { metric: 'accuracy' as const, min: 0.5, minSample: 1 },
  owner: 'data-science' as const,
  reason: 'accuracy is 0.3',
  inputs: [],
};

/** Lifecycles by how they end where nobody ends them before, and nothing must be undone by hand. */
export const LIFECYCLE_COURSES: Courses = {
  'went-live': { run: (rig) => approved(rig) },
  rejected: {
    overrides: {
      assembleEvidence: () =>
        Promise.resolve(aTested({ verdict: 'failed', findings: [failedGate] })),
    },
    run: ended,
  },
  'rejected-in-convert': {
    overrides: {
      convertToOnnx: () => Promise.resolve({ kind: 'parity-missed', finding: failedGate }),
    },
    run: ended,
  },
  refused: {
    run: async (rig) => {
      const id = await asked(rig, 'data-science');
      await decide(rig, id, { decision: 'rejected', reason: 'slices look odd' });
      return over(rig, id);
    },
  },
  expired: {
    spec: aSpec({
      approve: {
        handOffs: [{ role: 'data-science', deadline: '1 second', reminder: '300 ms' }],
      },
    }),
    overrides: { assembleEvidence: () => Promise.resolve(aTested({ roles: ['data-science'] })) },
    run: ended,
  },
  superseded: {
    ...ONE_ROLE,
    overrides: {
      assembleEvidence: ({ baseline }) => {
        const verdict = baseline === null ? 'passed' : 'failed';
        return Promise.resolve(aTested({ baseline, verdict, roles: ['data-science'] }));
      },
    },
    run: async (rig, live) => {
      const id = await asked(rig, 'data-science');
      const change = { kind: 'promote', candidate: ANOTHER, baseline: null } as const;
      live.change(rig.taskQueue, change, 'another lifecycle');
      await decide(rig, id);
      return over(rig, id);
    },
  },
  'approved-again-after-live-moved': {
    ...ONE_ROLE,
    overrides: {
      assembleEvidence: ({ baseline }) => {
        const evidence = baseline === null ? aDigest('evidence') : aDigest('evidence again');
        return Promise.resolve(aTested({ baseline, evidence, roles: ['data-science'] }));
      },
    },
    run: async (rig, live) => {
      const id = await asked(rig, 'data-science');
      const change = { kind: 'promote', candidate: ANOTHER, baseline: null } as const;
      live.change(rig.taskQueue, change, 'another lifecycle');
      await decide(rig, id);
      await until('it is asked on new evidence', async () => {
        const { evidence, waitingFor } = await rig.switchyard.status(id);
        const isAsked = evidence === aDigest('evidence again') && waitingFor.length > 0;
        return isAsked ? true : undefined;
      });
      await decide(rig, id, { evidence: aDigest('evidence again') });
      return over(rig, id);
    },
  },
  'failed-in-retrain': {
    overrides: {
      trainModel: () =>
        Promise.reject(ApplicationFailure.nonRetryable('exit code 3', 'TrainerFailed')),
    },
    run: ended,
  },
  gathered: {
    spec: aSpec({ gather: { every: '50 ms', deadline: '1 minute' }, approve: { handOffs: [] } }),
    overrides: {
      assembleEvidence: ({ heldOut }) => {
        const verdict = heldOut.digest === aDigest('held-out') ? 'inconclusive' : 'passed';
        return Promise.resolve(aTested({ verdict, roles: [] }));
      },
    },
    run: ended,
  },
  'more-data-wanted': {
    ...ONE_ROLE,
    run: async (rig) => {
      const id = await asked(rig, 'data-science');
      await decide(rig, id, { decision: 'needs-more-data', reason: 'too few mails' });
      await until('it is tested again', async () => {
        const { evidence } = await rig.switchyard.status(id);
        return evidence === aDigest(200) ? true : undefined;
      });
      await asked(rig, 'data-science', id);
      await decide(rig, id, { decision: 'rejected', evidence: aDigest(200) });
      return over(rig, id);
    },
  },
};
