import type { LifecycleRow } from '../../../client/lifecycles.js';
import type { LifecycleOutcome, LifecycleStatus } from '../../../domain/lifecycle.js';
import { shortDigest } from '../../../domain/names.js';
import { isOpenUndo } from '../../../domain/undo.js';
import type { Answer } from './answer.js';
import { ledgerLines, undoCommands } from './ledger-lines.js';
import { answered, type Session } from './session.js';
import { renderTable } from './table.js';
import type { Terminal } from './terminal.js';
import { age, typed } from './words.js';

/** Where a lifecycle is, or how it ended, with what to type next. */
export async function lifecycleAnswer(
  session: Session,
  terminal: Terminal,
  row: LifecycleRow,
): Promise<Answer> {
  const webUi = session.page(row.workflowId);
  if (row.end === 'open') {
    await session.requireWorker();
    const asked = session.switchyard.status(row.workflowId);
    const status = await answered(terminal, `asking ${row.workflowId}`, asked);
    return { ...openAnswer(row, status), webUi };
  }
  if (row.end === 'completed') {
    return { ...endedAnswer(row, await session.switchyard.outcome(row.workflowId)), webUi };
  }
  return { ...(await brokenAnswer(session, row)), webUi };
}

type Part = Omit<Answer, 'webUi'>;

const headOf = ({ workflowId }: LifecycleRow, what: string) => `${workflowId}: ${what}`;

function openAnswer(row: LifecycleRow, status: LifecycleStatus): Part {
  const { workflowId } = row;
  const { model, stage, version, digest, evidence, waitingFor, decisions, refusals } = status;
  const at = `${stage}, begun ${age(row.startedAt, new Date())} ago`;
  const answers = waitingFor.flatMap((role) => {
    if (role === 'undo') return undoCommands(workflowId, status.ledger.filter(isOpenUndo));
    if (role === 'thaw') return typed('thaw', model, '--reason', 'your reason');
    return typed('approve', workflowId, '--role', role, '--reason', 'your reason');
  });
  return {
    lines: [
      headOf(row, `${at}${waitingFor.length > 0 ? `, waits for ${waitingFor.join(' and ')}` : ''}`),
      ...versionLine(model, version, digest),
      ...(evidence === null ? [] : [`evidence ${evidence}`]),
      ...gateLines(status.table),
      ...(status.twin === undefined ? [] : [`  ${status.twin}`]),
      ...decisions.map(
        ({ role, decision, by, reason }) => `${decision} by ${by} (${role}): ${reason}`,
      ),
      ...refusals.map((refusal) => `not taken: ${refusal}`),
      ...ledgerLines(status.ledger, status.undoing),
    ],
    facts: { workflowId, runId: row.runId, state: 'open', startedAt: row.startedAt, ...status },
    next: answers.length > 0 ? answers : [typed('status', workflowId)],
  };
}

function endedAnswer(row: LifecycleRow, outcome: LifecycleOutcome): Part {
  const { model, version, digest, decisions, table, ledger } = outcome;
  const { workflowId } = row;
  const why = 'reason' in outcome ? `: ${outcome.reason}` : '';
  const findings = outcome.outcome === 'rejected' ? outcome.findings : [];
  return {
    lines: [
      headOf(row, `${outcome.outcome}${why}`),
      ...versionLine(model, version, digest),
      ...gateLines(table),
      ...findings.flatMap(({ owner, reason, inputs }) => [
        `finding for ${owner}: ${reason}`,
        ...inputs.slice(0, 3).map(({ id, detail }) => `  ${id}: ${detail}`),
      ]),
      ...decisions.map(
        ({ role, decision, by, reason }) => `${decision} by ${by} (${role}): ${reason}`,
      ),
      ...ledgerLines(ledger),
    ],
    facts: { workflowId, runId: row.runId, state: 'completed', ...outcome },
    next:
      outcome.outcome === 'live'
        ? [typed('predict', model, '--text', 'a text'), typed('versions', model)]
        : [
            ...(version === null ? [] : [typed('show', model, String(version))]),
            typed('start', model),
          ],
  };
}

/** A technical error ended it, or somebody did. */
async function brokenAnswer(session: Session, row: LifecycleRow): Promise<Part> {
  const { workflowId, runId, end } = row;
  const why = await session.switchyard.outcome(workflowId).then(
    () => end,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return {
    lines: [headOf(row, end === 'failed' ? `failed: ${why}` : end), ...ledgerLines(row.ledger)],
    facts: { workflowId, runId, model: row.model, state: end, why, ledger: row.ledger },
    next: row.model === null ? [typed('status')] : [typed('start', row.model)],
  };
}

const versionLine = (model: string, version: number | null, digest: string | null) =>
  version === null ? [] : [`${model} version ${version}, digest ${shortDigest(digest ?? '')}`];

/** The gates, with their verdicts. */
export function gateLines(table: LifecycleStatus['table']): readonly string[] {
  return renderTable(table.map(({ verdict, reason }) => [`  ${verdict}`, reason]));
}
