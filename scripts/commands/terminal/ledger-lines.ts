import type { UndoRow } from '../../../domain/undo.js';
import { typed } from './words.js';

/** Undos, each with its end. */
export function ledgerLines(
  ledger: readonly UndoRow[],
  running: readonly string[] = [],
): readonly string[] {
  return [
    ...ledger
      .filter(({ step }) => !running.includes(step))
      .map((row) => `undone: ${row.step}: ${endOf(row)}${row.note === '' ? '' : `, ${row.note}`}`),
    ...running.map((step) => `undone: ${step}: under way`),
  ];
}

function endOf({ end, accepted }: UndoRow): string {
  return accepted === undefined ? end : `${end} (accepted by ${accepted.by}: ${accepted.reason})`;
}

/** What to type where undos failed: try all again, or accept each as it is. */
export function undoCommands(workflowId: string, open: readonly UndoRow[]): readonly string[] {
  return [
    typed('undo', workflowId, '--retry'),
    ...open.map(({ step }) =>
      typed('undo', workflowId, '--accept', '--step', step, '--reason', 'your reason'),
    ),
  ];
}
