import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { signDecision } from '../../../client/signing/signing-key.js';
import { WORKFLOW_TASK_TIMEOUT } from '../../../client/live-pointer.js';
import type { DecisionInput } from '../../../domain/decision.js';
import type { LifecycleStatus } from '../../../domain/lifecycle.js';
import { policyOfRoles } from '../../../domain/signing/policy.js';
import { keysOf } from '../../../domain/signing/trust.js';
import { readWorkflowBundle } from '../../../workers/bundle.js';
import { decide, status, WORKFLOW_TYPES } from '../../../workflows/messages.js';
import { aCandidate, aDecision, aDigest, aTested } from '../../../testing/builders.js';
import { fakeActivities } from '../../../testing/fake-activities.js';
import { until } from '../../../testing/until.js';
import { ENVIRONMENT, signersOf } from '../../support/signers.js';
import type { Row } from '../benchmark.js';
import { openLink, startWorkers, type Link } from '../lifecycle/workers.js';
import { interleave, median, spread } from '../rounds.js';

const ROUNDS = 6;
const DECISIONS_A_ROUND = 15;
const RATIO_LIMIT = 1.5;
const ROLE = 'data-science';
const HAND_WRITTEN = fileURLToPath(new URL('../workflows/hand-written.ts', import.meta.url));
const { keys, trust } = signersOf({ ada: [ROLE] });

/** What verifying a signed decision costs whoever waits for it, against a workflow that checks nothing. */
export const approveRows: readonly Row[] = [
  {
    name: 'approve',
    run: async (say) => {
      const logger = new DefaultLogger('WARN');
      const handWritten = await bundleWorkflowCode({ workflowsPath: HAND_WRITTEN, logger });
      await using link = await openLink();
      await using ours = await startSide(link, {
        ...{ workflowType: WORKFLOW_TYPES.lifecycle, isSigned: true },
        workflowBundle: await readWorkflowBundle(),
      });
      await using other = await startSide(link, {
        ...{ workflowType: 'handWritten', isSigned: false },
        workflowBundle: handWritten,
      });
      const taken = await interleave(
        { ours: () => ours.decideOnce(), other: () => other.decideOnce() },
        { rounds: ROUNDS, perRound: DECISIONS_A_ROUND, say },
      );
      return [
        {
          what: 'signed decision sent to next activity scheduled, p50',
          unit: 'ms',
          value: median(taken.ours),
          other: { name: 'a workflow that checks nothing', value: median(taken.other) },
          target: { of: 'ratio', atMost: RATIO_LIMIT },
          rounds: ROUNDS,
          note: `${DECISIONS_A_ROUND} decisions a round and side, ${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}`,
        },
      ];
    },
  },
];

interface Side extends AsyncDisposable {
  /** Carries one to its only hand-off and decides; resolves to the milliseconds from there to the promotion's activity. */
  decideOnce(): Promise<number>;
}

async function startSide(
  link: Link,
  given: {
    readonly workflowType: string;
    readonly isSigned: boolean;
    readonly workflowBundle: { code: string };
  },
): Promise<Side> {
  const { workflowType, isSigned, workflowBundle } = given;
  const taskQueue = `approve-${randomUUID().slice(0, 8)}`;
  const { client } = link;
  const signing = {
    environment: ENVIRONMENT,
    nonce: 'n'.repeat(32),
    keys: keysOf(trust).map((key) => ({ ...key, roles: [...key.roles] })),
  };
  const asked = new Map<string, () => void>();
  let version = 0;
  const activities = fakeActivities(
    { client, taskQueue },
    {
      overrides: {
        // a version of its own each time, which nobody has promoted yet
        publishVersion: () => {
          version += 1;
          return Promise.resolve(
            aCandidate({ version, digest: aDigest(`${taskQueue} ${version}`) }),
          );
        },
        assembleEvidence: ({ baseline }) =>
          Promise.resolve(
            aTested({
              ...{ baseline, roles: [ROLE], policy: policyOfRoles([ROLE]) },
              ...(isSigned && { signing }),
            }),
          ),
        notify: ({ workflowId }) => {
          asked.get(workflowId)?.();
          return Promise.resolve();
        },
      },
    },
  );
  const workers = await startWorkers(link, { taskQueue, activities, workflowBundle });
  const decideOnce = async () => {
    const workflowId = `approve/${randomUUID()}`;
    const isAsked = new Promise<void>((resolve) => void asked.set(workflowId, resolve));
    const handle = await client.workflow.start(workflowType, {
      ...{ workflowId, taskQueue, workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT },
      args: [{ model: taskQueue }],
    });
    await isAsked;
    const decision = isSigned ? await signed(() => handle.query(status)) : aDecision();
    const sentMs = Date.now();
    await handle.executeUpdate(decide, { args: [decision] });
    await handle.result();
    const { events } = await handle.fetchHistory();
    const scheduled = events?.find(
      ({ activityTaskScheduledEventAttributes: attributes }) =>
        attributes?.activityType?.name === 'promoteVersion',
    );
    const { seconds, nanos } = scheduled?.eventTime ?? {};
    return Number(seconds ?? Number.NaN) * 1_000 + (nanos ?? 0) / 1e6 - sentMs;
  };
  return { decideOnce, [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose]() };
}

/** Before the time is taken. */
async function signed(look: () => Promise<LifecycleStatus>): Promise<DecisionInput> {
  const about = await until('there is something to sign', async () => {
    const { toSign } = await look();
    return toSign ?? undefined;
  });
  return signDecision(keys.ada, about, { role: ROLE, decision: 'approved', reason: 'reads well' });
}
