import { defineCommand } from './terminal/define-command.js';
import { findLifecycle } from './terminal/find-lifecycle.js';
import { inSession } from './terminal/session.js';
import { typed } from './terminal/words.js';

/** `switchyard cancel <lifecycle>`: ends a candidate; what it did is undone. */
export const runCancel = defineCommand({
  name: 'cancel',
  takes: '<lifecycle>',
  summary: 'ends a candidate; what it did is undone',
  options: {},
  run: ({ words: [word = ''], terminal }) =>
    inSession(terminal, async (session) => {
      const { workflowId, model } = await findLifecycle(session, word, { ended: false });
      await session.switchyard.cancel(workflowId);
      const workers = await session.lifecycles.workers();
      const idle = workers > 0 ? '' : '; no worker polls, so it happens when one does';
      return {
        lines: [`${workflowId}: cancelled, what it did is being undone${idle}`],
        facts: { workflowId, model, cancelled: true, workers },
        webUi: session.page(workflowId),
        next: [typed('status', workflowId)],
      };
    }),
});
