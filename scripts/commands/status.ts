import type { LifecycleRow } from '../../client/lifecycles.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand } from './terminal/define-command.js';
import { findLifecycle } from './terminal/find-lifecycle.js';
import { lifecycleAnswer } from './terminal/lifecycle-answer.js';
import { inSession, type Session } from './terminal/session.js';
import { renderTable } from './terminal/table.js';
import { wholeNumber } from './terminal/numbers.js';
import { age, typed } from './terminal/words.js';

const DEFAULT_LIMIT = 20;

/** `switchyard status [<lifecycle>]`: the newest runs of all models, or one run in full. */
export const runStatus = defineCommand({
  name: 'status',
  takes: '[<lifecycle>]',
  summary: 'the newest runs of all models; with a workflow id or a model, one run in full',
  options: {
    limit: {
      type: 'string',
      value: 'N',
      about: `runs in the table; ${DEFAULT_LIMIT} where left out`,
    },
  },
  run: ({ values, words: [word], terminal }) =>
    inSession(terminal, async (session) => {
      if (word === undefined) {
        const limit = wholeNumber('--limit', values.limit, { min: 1, max: 1_000 }) ?? DEFAULT_LIMIT;
        return tableAnswer(session, limit);
      }
      const row = await findLifecycle(session, word, { ended: true });
      const answer = await lifecycleAnswer(session, terminal, row);
      return row.model === null ? answer : withFollowUps(session, row.model, answer);
    }),
});

/** The same, with how many follow-ups of the model are open. */
async function withFollowUps(session: Session, model: string, answer: Answer): Promise<Answer> {
  const followUps = await session.switchyard.countFollowUps(model);
  const facts = { ...answer.facts, followUps };
  if (followUps === 0) return { ...answer, facts };
  const count = followUps === 1 ? '1 follow-up' : `${followUps} follow-ups`;
  const lines = [...answer.lines, `${count} of ${model} ${followUps === 1 ? 'is' : 'are'} open`];
  return { ...answer, facts, lines, next: [...answer.next, typed('follow-ups', model)] };
}

async function tableAnswer(session: Session, limit: number): Promise<Answer> {
  const [rows, workers] = await Promise.all([
    session.lifecycles.newest({ limit }),
    session.lifecycles.workers(),
  ]);
  const now = new Date();
  const head = ['model', 'stage', 'waiting for', 'version', 'age', 'lifecycle'];
  const idle = workers > 0 ? [] : [`no worker polls the task queue "${session.place.taskQueue}"`];
  return {
    lines:
      rows.length === 0
        ? ['no lifecycle was started yet', ...idle]
        : [...renderTable([head, ...rows.map((row) => cellsOf(row, now))]), ...idle],
    facts: { lifecycles: rows, workers },
    webUi: session.page(null),
    next: [nextOf(rows)],
  };
}

function cellsOf(row: LifecycleRow, now: Date): readonly string[] {
  return [
    row.model ?? '-',
    row.end === 'open' ? (row.stage ?? 'open') : (row.outcome ?? row.end),
    row.waitingFor.join(', ') || '-',
    row.version === null ? '-' : String(row.version),
    age(row.startedAt, now),
    row.workflowId,
  ];
}

function nextOf(rows: readonly LifecycleRow[]): string {
  const waiting = rows.find(({ waitingFor }) => waitingFor.length > 0);
  const [shown = waiting] = waiting === undefined ? rows : [waiting];
  return shown === undefined ? typed('start', '<model>') : typed('status', shown.workflowId);
}
