import { setTimeout as pause } from 'node:timers/promises';
import type { LifecycleStatus } from '../../domain/lifecycle.js';
import { isOpenUndo, type UndoRow } from '../../domain/undo.js';
import { PortError } from '../../domain/failures.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { findLifecycle } from './terminal/find-lifecycle.js';
import { ledgerLines, undoCommands } from './terminal/ledger-lines.js';
import { thisPerson } from './terminal/person.js';
import { answered, inSession, type Session } from './terminal/session.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** How long an end is waited for. */
const PATIENCE_MS = 15_000;

const OPTIONS = {
  retry: { type: 'boolean', about: 'try what failed again; with --step that one only' },
  accept: { type: 'boolean', about: 'close a failed undo as it is; needs --step and --reason' },
  step: { type: 'string', value: 'STEP', about: 'the step, as status names it' },
  reason: { type: 'string', value: 'TEXT', about: 'why; required to accept' },
  by: { type: 'string', value: 'WHO', about: 'who orders it; git’s user.email where left out' },
} as const;

/** `switchyard undo <lifecycle>`: finishes or closes what a lifecycle could not undo. */
export const runUndo = defineCommand({
  name: 'undo',
  takes: '<lifecycle>',
  summary: 'what it could not undo: --retry tries again, --accept --step closes it as it is',
  more: ['<lifecycle> is a workflow id, or a model of which one run is open.'],
  options: OPTIONS,
  run: (asked) => finishUndo(asked, orderOf(asked)),
});

type Order =
  | {
      readonly kind: 'retry';
      readonly step: string | undefined;
      readonly reason: string | undefined;
    }
  | { readonly kind: 'accept'; readonly step: string; readonly reason: string };

/** @throws UsageError where the command line does not say which. */
function orderOf({ values, words: [word = ''] }: Asked<typeof OPTIONS>): Order {
  const { retry, accept, step } = values;
  const reason = values.reason?.trim() === '' ? undefined : values.reason;
  if (retry === accept) {
    throw new UsageError(
      `undo needs one of --retry and --accept: ${typed('undo', word, '--retry')}, or ${typed('undo', word, '--accept', '--step', step ?? 'the step', '--reason', 'your reason')}`,
    );
  }
  if (retry) return { kind: 'retry', step, reason };
  if (step !== undefined && reason !== undefined) return { kind: 'accept', step, reason };
  throw new UsageError(
    `undo --accept needs a step and a reason: ${typed('undo', word, '--accept', '--step', step ?? 'the step', '--reason', reason ?? 'your reason')}`,
  );
}

async function finishUndo(
  { values, words: [word = ''], terminal }: Asked<typeof OPTIONS>,
  order: Order,
): Promise<Answer> {
  const by = values.by ?? (await thisPerson());
  return inSession(terminal, async (session) => {
    const { workflowId, model } = await findLifecycle(session, word, { ended: false });
    await session.requireWorker();
    const asking = session.switchyard.status(workflowId);
    requireOpen(workflowId, await answered(terminal, `asking ${workflowId}`, asking));
    const { kind, step, reason } = order;
    const facts = {
      workflowId,
      model,
      order: kind,
      step: step ?? null,
      by,
      reason: reason ?? null,
    };
    const webUi = session.page(workflowId);
    const giving = give(session, workflowId, { ...order, by });
    const given = await terminal.during(
      `undoing in ${workflowId}`,
      Promise.race([giving, pause(PATIENCE_MS, null)]),
    );
    if (given === null) {
      const line = `${workflowId}: what failed is being tried again, and that goes on`;
      return { lines: [line], facts, webUi, next: [typed('status', workflowId)] };
    }
    const { ledger } = given;
    const open = ledger.filter(isOpenUndo);
    return {
      lines: [`${workflowId}: ${sentence(order, open)}`, ...ledgerLines(ledger)],
      facts: { ...facts, ledger },
      webUi,
      next: open.length > 0 ? undoCommands(workflowId, open) : [typed('status', workflowId)],
      exitCode: kind === 'retry' && open.some(isMeant(step)) ? 1 : 0,
    };
  });
}

/** Resolves when the undo has ended, which may take a minute or two where it is tried again. */
function give(
  { switchyard }: Session,
  workflowId: string,
  order: Order & { readonly by: string },
): Promise<{ ledger: readonly UndoRow[] }> {
  const { by, step, reason } = order;
  if (order.kind === 'accept') {
    return switchyard.acceptUndo(workflowId, { step: order.step, by, reason: order.reason });
  }
  return switchyard.retryUndo(workflowId, {
    by,
    ...(step !== undefined && { step }),
    ...(reason !== undefined && { reason }),
  });
}

/** @throws PortError `InvalidRequest`. */
function requireOpen(workflowId: string, { stage, ledger }: LifecycleStatus): void {
  if (ledger.some(isOpenUndo)) return;
  throw new PortError(
    'InvalidRequest',
    `${workflowId}: no undo of it waits for a person (stage ${stage}): type ${typed('status', workflowId)}`,
  );
}

const isMeant = (step: string | undefined) => (row: UndoRow) =>
  step === undefined || row.step === step;

function sentence(order: Order, open: readonly UndoRow[]): string {
  const rest =
    open.length === 0 ? 'nothing waits for a person any more' : `${open.length} still wait`;
  if (order.kind === 'accept') return `"${order.step}" is accepted as it is; ${rest}`;
  const failed = open.filter(isMeant(order.step));
  if (failed.length === 0) return `tried again, and undone; ${rest}`;
  return `tried again, and failed: ${failed.map(({ step, note }) => `"${step}": ${note}`).join('; ')}`;
}
