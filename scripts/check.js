/**
 * `npm run check` runs every check that a change must pass; `npm run check -- NAME…` runs those that are named, and knows the ones
 * that take longer too. Plain JavaScript, because it runs before there are packages.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** In this order: the quick ones first. */
const EVERY = ['format', 'lint', 'types', 'unused', 'bundle', 'docs', 'reference', 'python'];

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const known = Object.keys(manifest.scripts)
  .filter((name) => name.startsWith('check:'))
  .map((name) => name.slice('check:'.length));

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !known.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`there is no check "${unknown}": name some of ${known.join(', ')}\n`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : EVERY) {
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const { status } = spawnSync(command, [...args, 'run', '--silent', `check:${name}`], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
