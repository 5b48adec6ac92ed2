import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { WORKFLOW_TASK_TIMEOUT } from '../../../client/live-pointer.js';
import { readWorkflowBundle } from '../../../workers/bundle.js';
import { approve, decide, WORKFLOW_TYPES } from '../../../workflows/messages.js';
import { aDecision } from '../../../testing/builders.js';
import { fakeActivities } from '../../../testing/fake-activities.js';
import type { Row } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { countHistory } from './count-history.js';
import { openLink, startWorkers, type Link } from './workers.js';

const ROUNDS = 6;
const LIFECYCLES_A_ROUND = 10;
const RATIO_LIMIT = 1.3;
const HAND_WRITTEN = fileURLToPath(new URL('../workflows/hand-written.ts', import.meta.url));

/** What Switchyard adds to a lifecycle whose activities take no time, against one that is written by hand. */
export const overheadRow: Row = {
  name: 'overhead',
  run: async (say) => {
    const logger = new DefaultLogger('WARN');
    const handWritten = await bundleWorkflowCode({ workflowsPath: HAND_WRITTEN, logger });
    await using link = await openLink();
    await using ours = await startSide(link, {
      workflowType: WORKFLOW_TYPES.lifecycle,
      workflowBundle: await readWorkflowBundle(),
    });
    await using other = await startSide(link, {
      workflowType: 'handWritten',
      workflowBundle: handWritten,
    });
    const taken = await interleave(
      { ours: () => ours.carry(), other: () => other.carry() },
      { rounds: ROUNDS, perRound: LIFECYCLES_A_ROUND, say },
    );
    return [
      {
        what: 'lifecycle with instant activities, p50',
        unit: 'ms',
        value: median(taken.ours),
        other: { name: 'hand-written workflow', value: median(taken.other) },
        target: { of: 'ratio', atMost: RATIO_LIMIT },
        rounds: ROUNDS,
        note: `${LIFECYCLES_A_ROUND} lifecycles a round and side, ${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}; ${await ours.histories()} against ${await other.histories()}`,
      },
    ];
  },
};

interface Side extends AsyncDisposable {
  /** Carries one from start to live; resolves to the milliseconds it took. */
  carry(): Promise<number>;
  /** Workflow tasks and events of one, in words. */
  histories(): Promise<string>;
}

/** Workers with one of the two workflows, and the driver that both have. */
async function startSide(
  link: Link,
  given: { readonly workflowType: string; readonly workflowBundle: { code: string } },
): Promise<Side> {
  const taskQueue = `overhead-${randomUUID().slice(0, 8)}`;
  const { client } = link;
  const bell = new Bell();
  const activities = fakeActivities(
    { client, taskQueue },
    {
      overrides: {
        notify: ({ workflowId, roles }) => {
          for (const role of roles) bell.ring(workflowId, role);
          return Promise.resolve();
        },
      },
    },
  );
  const workers = await startWorkers(link, {
    taskQueue,
    activities,
    workflowBundle: given.workflowBundle,
  });
  const carried: string[] = [];
  const carry = async () => {
    const workflowId = `overhead/${randomUUID()}`;
    const startedMs = performance.now();
    const handle = await client.workflow.start(given.workflowType, {
      ...{ workflowId, taskQueue, workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT },
      args: [{ model: taskQueue }],
    });
    await bell.heard(workflowId, 'data-science');
    await handle.executeUpdate(decide, { args: [aDecision()] });
    await bell.heard(workflowId, 'engineering');
    await handle.signal(approve, aDecision({ role: 'engineering', by: 'grace' }));
    await handle.result();
    carried.push(workflowId);
    return performance.now() - startedMs;
  };
  const histories = async () => {
    const counts = await Promise.all(carried.map((id) => countHistory(client, id)));
    const tasks = counts.map((each) => each.tasks);
    const events = median(counts.map((each) => each.events));
    return `${median(tasks)} workflow tasks (${spread(tasks, 'each')}) and ${events} events`;
  };
  return { carry, histories, [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose]() };
}

/** Tells when a role is asked, without polling. */
class Bell {
  readonly #rings = new Map<string, { heard: Promise<void>; ring: () => void }>();

  ring(workflowId: string, role: string): void {
    this.#of(workflowId, role).ring();
  }

  heard(workflowId: string, role: string): Promise<void> {
    return this.#of(workflowId, role).heard;
  }

  #of(workflowId: string, role: string) {
    const key = `${workflowId} ${role}`;
    const known = this.#rings.get(key);
    if (known !== undefined) return known;
    let ring: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (ring = resolve));
    const made = { heard, ring };
    this.#rings.set(key, made);
    return made;
  }
}
