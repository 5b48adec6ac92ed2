import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { readWorkflowBundle } from '../../../workers/bundle.js';
import { WORKFLOW_TYPES } from '../../../workflows/messages.js';
import { fakeActivities } from '../../../testing/fake-activities.js';
import type { Row } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { openLink, startWorkers, type Link } from './workers.js';

const ROUNDS = 5;
/** At least twice as fast. */
const RATIO_LIMIT = 0.5;
const WORKFLOWS = fileURLToPath(new URL('../../../workflows/index.ts', import.meta.url));

/** How long a worker takes to its first workflow task, with the bundle that set-up built and with one that it builds then. */
export const bundleRow: Row = {
  name: 'bundle',
  run: async (say) => {
    await using link = await openLink();
    const logger = new DefaultLogger('WARN');
    const taken = await interleave(
      {
        ours: () => toFirstTask(link, readWorkflowBundle),
        other: () =>
          toFirstTask(link, () => bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger })),
      },
      { rounds: ROUNDS, perRound: 1, say },
    );
    return [
      {
        what: 'Worker.create to the first workflow task done, p50',
        unit: 'ms',
        value: median(taken.ours),
        other: { name: 'bundle built then', value: median(taken.other) },
        target: { of: 'ratio', atMost: RATIO_LIMIT },
        rounds: ROUNDS,
        note: `${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}; the bundler was warm`,
      },
    ];
  },
};

/** A request that is refused at the door ends its run in the first workflow task: that end is the moment. */
async function toFirstTask(
  link: Link,
  bundle: () => Promise<WorkflowBundleOption>,
): Promise<number> {
  const { client } = link;
  const taskQueue = `bundle-${randomUUID().slice(0, 8)}`;
  const handle = await client.workflow.start(WORKFLOW_TYPES.lifecycle, {
    ...{ workflowId: `bundle/${taskQueue}`, taskQueue },
    args: [{ model: '' }],
  });
  const ended = handle.result().catch(() => undefined);
  const startedMs = performance.now();
  const workers = await startWorkers(link, {
    taskQueue,
    activities: fakeActivities({ client, taskQueue }),
    workflowBundle: await bundle(),
  });
  await ended;
  const ms = performance.now() - startedMs;
  await workers.stop();
  return ms;
}
