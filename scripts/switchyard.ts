#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../adapters/package/package-root.js';
import { nearestName } from '../domain/nearest-name.js';
import { COMMANDS } from './commands/list.js';
import { renderTable } from './commands/terminal/table.js';

/** `switchyard COMMAND …`: exit code 0 done, 1 could not be done, 2 wrong usage, 130 interrupted. */
async function main(args: readonly string[]): Promise<number> {
  const two = args.slice(0, 2).join(' ');
  const name = two !== '' && Object.hasOwn(COMMANDS, two) ? two : (args[0] ?? '');
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) {
    const command = await load().catch(packagesMissing);
    return command(args.slice(name.split(' ').length));
  }
  if (['--help', '-h', 'help'].includes(name)) {
    process.stdout.write(await help());
    return 0;
  }
  if (['--version', '-v'].includes(name)) {
    process.stdout.write(`${await ownVersion()}\n`);
    return 0;
  }
  if (name === '') {
    process.stderr.write(await help());
    return 2;
  }
  const group = Object.keys(COMMANDS).filter((each) => each.startsWith(`${name} `));
  if (group.length > 0) {
    process.stderr.write(`${name} is not a whole command: type one of ${group.join(', ')}\n`);
    return 2;
  }
  const nearest =
    nearestName(two, Object.keys(COMMANDS)) ?? nearestName(name, Object.keys(COMMANDS));
  const hint = nearest === null ? 'type npx switchyard --help' : `did you mean "${nearest}"?`;
  process.stderr.write(`there is no command "${name}"; ${hint}\n`);
  return 2;
}

/** A half-installed checkout, such as during `npm ci`: the command's own packages are not there. */
function packagesMissing(error: unknown): never {
  const isMissing =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing) throw error;
  process.stderr.write('the packages are not installed: type npm run setup\n');
  process.exit(1);
}

async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  const isRead = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isRead ? String(manifest.version) : 'unknown';
}

async function help(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const rows = commands.map(({ definition: { name, takes, summary } }) => [
    `  ${`${name} ${takes}`.trim()}`,
    summary,
  ]);
  return [
    'npx switchyard COMMAND, with COMMAND one of',
    '',
    ...renderTable(rows),
    '',
    'Each takes --json (one JSON object on stdout) and --help. They talk to what `switchyard dev` runs in this folder,',
    'or to what TEMPORAL_ADDRESS (or a profile of temporal.toml) and SWITCHYARD_BUCKET name.',
    '',
  ].join('\n');
}

process.stdout.on('error', () => process.exit(0)); // whoever reads has seen enough, such as `| head`
// at once: a connection that a silent server keeps open must not keep a command from ending
process.exit(await main(process.argv.slice(2)));
