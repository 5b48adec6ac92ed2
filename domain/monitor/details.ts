import { code, page, plain, table } from '../markdown.js';
import type { MonitorState } from './state.js';
import type { WindowRow } from './window.js';

const LONGEST = 12_000;
/** Windows whose reason is told. */
const REASONS = 5;

/** What the web UI shows of a monitor: how it stands, the last windows, what it did, and what to type. */
export function monitorDetails(model: string, state: MonitorState): string {
  const sections = [
    standing(state),
    state.rows.length === 0 ? 'No window has been judged yet.' : windowTable(state.rows),
    // a column of sentences would push the numbers out of the page
    reasons(state.rows),
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
    [...head, 'class drift', 'score drift', 'accuracy'],
    [...rows]
      .reverse()
      .map((row) => [
        windowSpan(row),
        row.version === null ? '-' : String(row.version),
        row.verdict === 'failed' ? '**failed**' : row.verdict,
        row.kind === 'accuracy' ? '-' : String(row.requests),
        row.errorRate === null ? '-' : `${(row.errorRate * 100).toFixed(1)} %`,
        amount(row.latencyP50Ms, ' ms'),
        amount(row.latencyP99Ms, ' ms'),
        amount(row.classDrift),
        amount(row.scoreDrift),
        amount(row.accuracy),
      ]),
  );
}

function reasons(rows: readonly WindowRow[]): string {
  return [...rows]
    .reverse()
    .filter(({ verdict }, index) => index === 0 || verdict !== 'passed')
    .slice(0, REASONS)
    .map((row) => `- ${windowSpan(row)} **${row.verdict}**: ${plain(row.reason, 300)}`)
    .join('\n');
}

function commands(model: string, { paused }: MonitorState): string {
  const other = paused === null ? 'pause' : 'resume';
  return `${code(`npx switchyard monitor ${other} ${model} --reason "..."`)} or the update ${code(other)}: ${code('{"by": "grace@example.com", "reason": "..."}')}`;
}

/** From when until when, with seconds where minutes would not tell windows apart. */
export function windowSpan({ from, until }: Pick<WindowRow, 'from' | 'until'>): string {
  const isWhole = [from, until].every((instant) => instant.slice(17, 19) === '00');
  const end = isWhole ? 16 : 19;
  return `${from.slice(0, end).replace('T', ' ')} to ${until.slice(from.slice(0, 10) === until.slice(0, 10) ? 11 : 0, end).replace('T', ' ')}`;
}

function minute(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}

function amount(value: number | null, unit = ''): string {
  return value === null ? '-' : `${Number(value.toPrecision(3))}${unit}`;
}
