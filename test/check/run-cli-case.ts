import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../../scripts/servers/is-alive.js';
import { beginCommand, type Typed } from '../support/typed-command.js';
import type { CliCase } from './cli-cases.js';

/** A command that has not ended after this long hangs. */
const PATIENCE_MS = 60_000;
const INTERRUPT_MS = 1_500;
/** What the command started may take this long to end after it. */
const AFTERMATH_MS = 15_000;

/** How one case went; no problems: as it must. */
export interface CliResult {
  readonly of: CliCase;
  readonly code: number | null;
  readonly seconds: number;
  readonly sentence: string;
  readonly problems: readonly string[];
}

/** Types the command, with Ctrl-C where the case has it, and holds what it did against what it must. */
export async function runCliCase(of: CliCase, folder: string): Promise<CliResult> {
  const startedMs = performance.now();
  const typed = beginCommand(of.args, { folder, environment: of.environment });
  const { child } = typed;
  const pid = child.pid ?? 0;
  const patience = setTimeout(() => process.kill(-pid, 'SIGKILL'), PATIENCE_MS);
  const started = of.situation === 'Ctrl-C' ? await interrupt(typed, of.interruptAfter) : [];
  const { code, stdout, stderr } = await typed.ended;
  clearTimeout(patience);
  const seconds = (performance.now() - startedMs) / 1_000;
  const lines = stderr.split('\n').filter((line) => line !== '' && !isProgress(line));
  const left = await leftRunning([...started, ...(await groupOf(pid))]);
  const problems = [
    ...(seconds * 1_000 >= PATIENCE_MS ? [`did not end within ${PATIENCE_MS / 1_000} s`] : []),
    ...(of.codes.includes(code ?? -1)
      ? []
      : [`ended with ${String(code)}, not ${of.codes.join(' or ')}`]),
    ...(/^\s+at /m.test(stderr + stdout) ? ['shows a stack trace'] : []),
    ...(left.length > 0 ? [`left ${left.length} processes running`] : []),
    ...(code === 0 || (of.finds === true && stdout !== '')
      ? []
      : sentenceProblems(of, lines, stdout)),
  ];
  return { of, code, seconds, sentence: lines.join(' | '), problems };
}

function sentenceProblems(
  of: CliCase,
  lines: readonly string[],
  stdout: string,
): readonly string[] {
  const [only = ''] = lines;
  return [
    ...(lines.length === 1 ? [] : [`says ${lines.length} sentences, not one`]),
    ...(of.sentence.test(only) ? [] : [`says "${only}", which is not ${String(of.sentence)}`]),
    ...(stdout === '' ? [] : ['prints on standard output, too']),
  ];
}

/** Seconds that pass, stages, and what set-up and training tell while they work. */
function isProgress(line: string): boolean {
  return /… \d+ s$|^ *\d+\.\d s |^set-up: |^training on|^\d+ % |^[a-z-]+ [\d.]+$| …$/.test(line);
}

/** As a terminal does: to the whole group; resolves to the descendants that there were. */
async function interrupt(
  { child, ended }: Typed,
  after: RegExp | undefined,
): Promise<readonly number[]> {
  const pid = child.pid ?? 0;
  if (after === undefined) await pause(INTERRUPT_MS);
  else {
    let said = '';
    const heard = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (after.test(said)) resolve();
      });
    });
    await Promise.race([heard, ended]);
    await pause(INTERRUPT_MS / 3);
  }
  const below = await descendantsOf(pid);
  if (child.exitCode === null) process.kill(-pid, 'SIGINT');
  return below;
}

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Linux' table of processes. */
async function processes(): Promise<readonly Row[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(
    pids.map(async (pid): Promise<readonly Row[]> => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return stat === '' || state === 'Z'
        ? []
        : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
    }),
  );
  return rows.flat();
}

async function descendantsOf(pid: number): Promise<readonly number[]> {
  const rows = await processes();
  const below = (parent: number): readonly number[] =>
    rows.flatMap((row) => (row.parent === parent ? [row.pid, ...below(row.pid)] : []));
  return below(pid);
}

async function groupOf(group: number): Promise<readonly number[]> {
  return (await processes()).flatMap((row) => (row.group === group ? [row.pid] : []));
}

async function leftRunning(pids: readonly number[]): Promise<readonly number[]> {
  const deadline = Date.now() + AFTERMATH_MS;
  for (;;) {
    const left = pids.filter(isAlive);
    if (left.length === 0 || Date.now() > deadline) return left;
    await pause(50);
  }
}
