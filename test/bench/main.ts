import { parseArgs } from 'node:util';
import { createProgress } from '../../scripts/demo/progress.js';
import { stopTestServers } from '../../testing/servers.js';
import type { Row, Say } from './benchmark.js';
import { loadNow, thisMachine } from './machine.js';
import { isAllMet, renderReport, reportJson, type RowResult } from './table.js';

/** Each loads what it needs only when it is named. */
const BENCHMARKS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  approve: async () => (await import('./approve/rows.js')).approveRows,
  lifecycle: async () => (await import('./lifecycle/rows.js')).lifecycleRows,
  parked: async () => (await import('./parked/rows.js')).parkedRows,
  serving: async () => (await import('./serving/rows.js')).servingRows,
  yard: async () => (await import('./yard/rows.js')).yardRows,
};

/** A command line that cannot be followed; its message is the one sentence that is printed. */
class WrongUsage extends Error {}

/**
 * `npm run bench -- NAME [--json] [--only ROW]…`: measures, and holds every figure against its target. Exit code 0: all met;
 * 1: one was missed, or could not be measured; 2: the command line is wrong.
 */
async function main(): Promise<void> {
  const { name, rows, isJson } = await readCommandLine();
  const progress = createProgress(Date.now());
  const say: Say = (line) => progress.say(line);
  const results: RowResult[] = [];
  try {
    for (const row of rows) results.push(await runRow(row, say));
  } finally {
    await stopTestServers();
  }
  const report = { benchmark: name, machine: thisMachine(), rows: results };
  process.stdout.write(isJson ? `${JSON.stringify(reportJson(report))}\n` : renderReport(report));
  process.exitCode = isAllMet(report) ? 0 : 1;
}

async function readCommandLine(): Promise<{
  name: string;
  rows: readonly Row[];
  isJson: boolean;
}> {
  const { values, positionals } = parse();
  const [name = '', ...rest] = positionals;
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (load === undefined || rest.length > 0) {
    const given = positionals.length === 0 ? 'no name' : `"${positionals.join(' ')}"`;
    throw new WrongUsage(
      `A benchmark's name is needed, and ${given} is none: type npm run bench -- NAME, with NAME one of ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  const rows = await load();
  const only = values.only ?? rows.map((row) => row.name);
  const unknown = only.find((each) => rows.every((row) => row.name !== each));
  if (unknown !== undefined) {
    throw new WrongUsage(
      `The benchmark ${name} has no row "${unknown}": its rows are ${rows.map((row) => row.name).join(', ')}`,
    );
  }
  return {
    name,
    rows: rows.filter((row) => only.includes(row.name)),
    isJson: values.json === true,
  };
}

function parse() {
  try {
    return parseArgs({
      options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

/** Runs a row; one that fails is a result too, so that the others are still measured. */
async function runRow(row: Row, say: Say): Promise<RowResult> {
  const before = loadNow();
  say(`${row.name}: begins`);
  try {
    const figures = await row.run((line) => say(`${row.name}: ${line}`));
    return { row: row.name, figures, problem: null, load: [before, loadNow()] };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    say(`${row.name}: not measured: ${error instanceof Error ? (error.stack ?? '') : problem}`);
    return { row: row.name, figures: [], problem, load: [before, loadNow()] };
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof WrongUsage)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
