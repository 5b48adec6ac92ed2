import { parseArgs } from 'node:util';
import { stopTestServers } from '../../testing/servers.js';
import { renderTable } from '../../scripts/commands/terminal/table.js';
import { cliCases, SITUATIONS, type CliCase } from './cli-cases.js';
import { openCliWorld, type CliWorld } from './cli-world.js';
import { runCliCase, type CliResult } from './run-cli-case.js';

/** Commands at work at the same time; most of them wait. */
const AT_ONCE = 4;

/**
 * `npm run check -- cli`: types every command without a server, before a silent one, without a worker, with a wrong name or id,
 * and with Ctrl-C. Exit code 1 where one says more or less than a sentence, ends with a wrong code or leaves something running.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
  const results = await check();
  const missed = results.filter(({ problems }) => problems.length > 0);
  if (values.json === true)
    process.stdout.write(`${JSON.stringify({ results, missed: missed.length })}\n`);
  else process.stdout.write(render(results));
  process.exitCode = missed.length === 0 ? 0 : 1;
}

async function check(): Promise<readonly CliResult[]> {
  try {
    await using world = await openCliWorld();
    return await runCases(await cliCases(world), world);
  } finally {
    await stopTestServers();
  }
}

async function runCases(cases: readonly CliCase[], world: CliWorld): Promise<readonly CliResult[]> {
  const results: CliResult[] = [];
  const waiting = [...cases];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runCliCase(next, world.folder);
      results.push(result);
      const mark = result.problems.length === 0 ? 'ok' : result.problems.join('; ');
      process.stderr.write(`${next.command}, ${next.situation}: ${mark}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function render(results: readonly CliResult[]): string {
  const commands = [...new Set(results.map(({ of }) => of.command))].sort();
  const cell = (command: string, situation: string) => {
    const result = results.find(({ of }) => of.command === command && of.situation === situation);
    if (result === undefined) return '-';
    const { code, seconds, problems } = result;
    return `${problems.length === 0 ? '' : 'MISSED '}${String(code)} in ${seconds.toFixed(1)} s`;
  };
  const missed = results.filter(({ problems }) => problems.length > 0);
  return [
    ...renderTable([
      ['command', ...SITUATIONS],
      ...commands.map((command) => [command, ...SITUATIONS.map((each) => cell(command, each))]),
    ]),
    '',
    ...missed.map(
      ({ of, problems, sentence }) =>
        `${of.command}, ${of.situation}: ${problems.join('; ')}\n  ${of.args.join(' ')}\n  ${sentence}`,
    ),
    `${results.length - missed.length} of ${results.length} as they must`,
    '',
  ].join('\n');
}

await main();
process.exit(); // a worker's connection to a server that has gone would try on
