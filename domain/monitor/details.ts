import { code, page, plain, table } from '../markdown.js';
import type { MonitorState } from './state.js';
import type { WindowRow } from './window.js';

const LONGEST = 12_000;

/** What the web UI shows of a monitor: how it stands, the last windows, what it did, and what to type. */
export function monitorDetails(model: string, state: MonitorState): string {
  const sections = [
    standing(state),
    state.rows.length === 0 ? 'No window has been judged yet.' : windowTable(state.rows),
    state.notes.map(({ at, text }) => `- ${minute(at)} ${plain(text, 400)}`).join('\n'),
    commands(model, state),
  ];
  return page(sections, { longest: LONGEST, more: 'More: the query `state`.' });
}

function standing(state: MonitorState): string {
  const { paused, verdict, silent, coolDown } = state;
  if (paused !== null) {
    return `**Paused** by ${plain(paused.by)} since ${minute(paused.at)}: ${plain(paused.reason, 500)}`;
  }
  const silence = silent > 0 ? ` ${silent} windows in a row without a verdict.` : '';
  const waits =
    coolDown.length > 0 ? ' It has fallen back, and does nothing until a new version is live.' : '';
  return `Last verdict: **${verdict ?? 'none yet'}**.${silence}${waits}`;
}

function windowTable(rows: readonly WindowRow[]): string {
  const head = ['window', 'version', 'verdict', 'requests', 'errors', 'p50', 'p99'];
  return table(
    [...head, 'class drift', 'score drift', 'accuracy', 'what'],
    [...rows]
      .reverse()
      .map((row) => [
        `${minute(row.from)} to ${row.until.slice(11, 16)}`,
        row.version === null ? '-' : String(row.version),
        row.verdict === 'failed' ? '**failed**' : row.verdict,
        row.kind === 'accuracy' ? '-' : String(row.requests),
        row.errorRate === null ? '-' : `${(row.errorRate * 100).toFixed(1)} %`,
        amount(row.latencyP50Ms, ' ms'),
        amount(row.latencyP99Ms, ' ms'),
        amount(row.classDrift),
        amount(row.scoreDrift),
        amount(row.accuracy),
        plain(row.reason, 300),
      ]),
  );
}

function commands(model: string, { paused }: MonitorState): string {
  const other = paused === null ? 'pause' : 'resume';
  return `${code(`npx switchyard monitor ${other} ${model} --reason "..."`)} or the update ${code(other)}: ${code('{"by": "grace@example.com", "reason": "..."}')}`;
}

function minute(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}

function amount(value: number | null, unit = ''): string {
  return value === null ? '-' : `${Number(value.toPrecision(3))}${unit}`;
}
