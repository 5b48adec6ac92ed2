import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createProgress } from '../../scripts/demo/progress.js';
import { stopTestServers } from '../../testing/servers.js';
import { loadNow, thisMachine } from '../bench/machine.js';
import type { ChaosRun } from './chaos-run.js';

/** Each command, loaded when it is asked for. */
export type SeededCommands = Readonly<Record<string, () => Promise<ChaosRun>>>;

/** A command line that cannot be followed; its message is the one sentence that is printed. */
class WrongUsage extends Error {}

/**
 * `npm run chaos|attack -- NAME [--seed N] [--count N] [--only WHAT]… [--set NAME=N]…`. Prints figures, seed and machine, and PASS or
 * FAIL alone on the last line. Ends the process with 0: PASS; 1: FAIL; 2: the command line is wrong.
 */
export async function runSeeded(kind: string, commands: SeededCommands): Promise<never> {
  try {
    await runOne(kind, commands);
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
  process.exit(); // a connection to a server that was killed would try on
}

async function runOne(kind: string, commands: SeededCommands): Promise<void> {
  const { name, run, ...args } = await readCommandLine(kind, commands);
  const progress = createProgress(Date.now());
  const say = (line: string) => progress.say(line);
  const before = loadNow();
  const startedMs = performance.now();
  let figures: readonly string[] = [];
  let violations: readonly string[] = [];
  try {
    ({ figures, violations } = await run({ ...args, say }));
  } catch (error) {
    violations = [
      `the command itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ];
  } finally {
    await stopTestServers();
  }
  const { cores, processor, memoryGiB, system, node } = thisMachine();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  process.stdout.write(
    [
      `${kind} ${name}, seed ${args.seed}, ${seconds} s`,
      `${cores} x ${processor}, ${memoryGiB} GiB, ${system}, Node ${node}; load ${before} before, ${loadNow()} after`,
      ...figures,
      ...violations.map((each) => `violation: ${each}`),
      violations.length === 0 ? 'PASS' : 'FAIL',
      '',
    ].join('\n'),
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function readCommandLine(kind: string, commands: SeededCommands) {
  const { values, positionals } = parse();
  const [name = '', ...rest] = positionals;
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined || rest.length > 0) {
    const given = positionals.length === 0 ? 'no name' : `"${positionals.join(' ')}"`;
    throw new WrongUsage(
      `A name is needed, and ${given} is none: type npm run ${kind} -- NAME, with NAME one of ${Object.keys(commands).join(', ')}`,
    );
  }
  return {
    ...{ name, run: await load() },
    seed: values.seed === undefined ? randomInt(2 ** 31) : numberOf('--seed', values.seed),
    count: values.count === undefined ? null : numberOf('--count', values.count),
    only: values.only ?? [],
    settings: Object.fromEntries((values.set ?? []).map(settingOf)),
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        count: { type: 'string' },
        only: { type: 'string', multiple: true },
        set: { type: 'string', multiple: true },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

function settingOf(given: string): [string, number] {
  const [, name = '', value = ''] = /^([a-z-]+)=(.+)$/.exec(given) ?? [];
  if (name === '') throw new WrongUsage(`--set ${given}: write NAME=NUMBER`);
  return [name, numberOf(`--set ${name}`, value)];
}

function numberOf(what: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new WrongUsage(`${what} needs a whole number from 0, not "${given}"`);
}
