import { connectClient } from '../../../client/connect.js';
import { Switchyard } from '../../../client/switchyard.js';
import { carry, type Approver } from '../../../scripts/demo/carry.js';
import { startStack } from '../../../scripts/stack.js';
import { liveWorkflowId } from '../../../workflows/messages.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import type { Figure, Row } from '../benchmark.js';
import { countHistory } from './count-history.js';

const MODEL = 'tickets';
const TASKS_LIMIT = 30;
const EVENTS_LIMIT = 200;

const APPROVERS: readonly Approver[] = [
  { role: 'data-science', by: 'ada@example.com', reason: 'the gates hold', way: 'update' },
  { role: 'engineering', by: 'grace@example.com', reason: 'it is fast', way: 'signal' },
];

/** What one real lifecycle leaves in Temporal's histories: its own and that of the pointer that it moves. */
export const historyRow: Row = {
  name: 'history',
  run: async (say) => {
    await using folder = await temporaryFolder();
    await using stack = await startStack({ directory: folder.path, models: [MODEL] });
    const connected = await connectClient({ address: stack.temporal.address });
    try {
      const carried = carry(new Switchyard({ client: connected.client }), {
        title: MODEL,
        request: { model: MODEL, startedBy: 'benchmark' },
        approvers: APPROVERS,
        progress: { say },
      });
      const { workflowId, runId, outcome } = await Promise.race([carried, stack.broken]);
      if (outcome.outcome !== 'live') throw new Error(`the lifecycle ended ${outcome.outcome}`);
      const lifecycle = await countHistory(connected.client, workflowId, runId);
      const pointer = await countHistory(connected.client, liveWorkflowId(MODEL));
      return [
        figure('workflow tasks of a lifecycle', TASKS_LIMIT, lifecycle.tasks, pointer.tasks),
        figure('history events of a lifecycle', EVENTS_LIMIT, lifecycle.events, pointer.events),
      ];
    } finally {
      await connected.close();
    }
  },
};

function figure(what: string, atMost: number, own: number, pointers: number): Figure {
  return {
    ...{ what, unit: '', value: own + pointers, other: null, rounds: 1 },
    target: { of: 'value', atMost },
    note: `${own} of modelLifecycle, ${pointers} of liveModel`,
  };
}
