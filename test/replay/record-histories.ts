import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { z } from 'zod';
import type { Activities } from '../../activities/index.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import type { DecisionInput } from '../../domain/decision.js';
import type { ModelSpec } from '../../domain/spec.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { aDecision, aDigest, aSpec, aTested } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { stopTestServers } from '../../testing/servers.js';
import { MONITOR_COURSE } from './monitor-course.js';

const HISTORIES = fileURLToPath(new URL('histories/', import.meta.url));

/** One way in which a run goes: what its activities answer, and what people do. Resolves to the workflow whose history counts. */
interface Course {
  readonly spec?: ModelSpec;
  readonly overrides?: Partial<Activities>;
  readonly run: (rig: Rig, live: MemoryLive) => Promise<string>;
}

const failedGate = {
  gate: { metric: 'accuracy' as const, min: 0.5, minSample: 1 },
  owner: 'data-science' as const,
  reason: 'accuracy is 0.3',
  inputs: [],
};

/** Another lifecycle's version. */
const ANOTHER = {
  digest: aDigest('another'),
  version: 7,
  artifact: 'model.onnx',
  evidence: aDigest('other evidence'),
  decisions: [],
};

const ORDER = { by: 'grace', reason: 'wrong queues' };

/** Keeps the histories of two rounds of tests small. */
const ONE_ROLE: Pick<Course, 'spec' | 'overrides'> = {
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

const COURSES: Readonly<Record<string, Course>> = {
  monitor: MONITOR_COURSE,
  'went-live': { run: (rig) => approved(rig) },
  rejected: {
    overrides: {
      assembleEvidence: () =>
        Promise.resolve(aTested({ verdict: 'failed', findings: [failedGate] })),
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
      await decide(rig, id, {});
      return over(rig, id);
    },
  },
  'undone-after-failed-deploy': {
    overrides: {
      awaitServing: () =>
        Promise.reject(
          ApplicationFailure.nonRetryable('endpoint-1 serves nothing', 'ReplicasNotReady'),
        ),
    },
    run: (rig) => approved(rig),
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
  cancelled: {
    run: async (rig) => {
      const id = await asked(rig, 'data-science');
      await rig.switchyard.cancel(id);
      return over(rig, id);
    },
  },
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
};

/**
 * Runs courses on a server and saves the history that each leaves; resolves to the files' names.
 * @param only - Names of courses; all where it is empty.
 */
export async function recordHistories(only: readonly string[] = []): Promise<readonly string[]> {
  await mkdir(HISTORIES, { recursive: true });
  const courses = Object.entries(COURSES).filter(
    ([name]) => only.length === 0 || only.includes(name),
  );
  try {
    for (const [name, course] of courses) await record(name, course);
  } finally {
    await stopTestServers();
  }
  return courses.map(([name]) => name);
}

async function record(name: string, course: Course): Promise<void> {
  const live = new MemoryLive();
  await using rig = await startRig(name, (place) =>
    fakeActivities(place, {
      live,
      ...(course.spec && { spec: course.spec }),
      ...(course.overrides && { overrides: course.overrides }),
    }),
  );
  const workflowId = await course.run(rig, live);
  const history = await rig.client.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(`${HISTORIES}${name}.json`, oneEventALine(historyToJSON(history)));
}

const historySchema = z.object({ events: z.array(z.unknown()) });

function oneEventALine(history: string): string {
  const { events } = historySchema.parse(JSON.parse(history, withoutPlaces));
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

/** Who recorded it, on which machine and where its code lay: replay does without. */
function withoutPlaces(key: string, value: unknown): unknown {
  if (key === 'identity' || key === 'workerVersion') return undefined;
  if (key === 'stackTrace') return '';
  return key === 'name' && typeof value === 'string' ? value.replace(/^\d+@.*/, 'sticky') : value;
}

async function ended(rig: Rig): Promise<string> {
  const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
  return over(rig, workflowId);
}

async function asked(rig: Rig, role: string, started?: string): Promise<string> {
  const workflowId = started ?? (await rig.switchyard.start({ model: rig.taskQueue })).workflowId;
  await until(`"${role}" is asked`, async () => {
    const { waitingFor } = await rig.switchyard.status(workflowId);
    return waitingFor.includes(role) ? true : undefined;
  });
  return workflowId;
}

async function approved(rig: Rig): Promise<string> {
  const id = await asked(rig, 'data-science');
  await decide(rig, id, {});
  await asked(rig, 'engineering', id);
  await rig.switchyard.signalDecision(id, aDecision({ role: 'engineering', by: 'grace' }));
  return over(rig, id);
}

/** Approved while its model is frozen; resolves to its id when it has gone live after the thaw. */
async function frozenThenThawed(rig: Rig): Promise<string> {
  await rig.switchyard.freeze(rig.taskQueue, ORDER);
  const id = await asked(rig, 'data-science');
  await decide(rig, id, {});
  await decide(rig, id, { role: 'engineering' });
  await until('it waits for the thaw', async () => {
    const { waitingFor } = await rig.switchyard.status(id);
    return waitingFor.includes('thaw') ? true : undefined;
  });
  await rig.switchyard.thaw(rig.taskQueue, ORDER);
  return over(rig, id);
}

async function decide(rig: Rig, id: string, overrides: Partial<DecisionInput>): Promise<void> {
  await rig.switchyard.decide(id, aDecision(overrides));
}

/** Resolves when the run has ended, well or not. */
async function over(rig: Rig, workflowId: string): Promise<string> {
  await rig.switchyard.outcome(workflowId).catch(() => undefined);
  return workflowId;
}
