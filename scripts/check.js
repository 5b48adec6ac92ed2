/**
 * `npm run check` runs every check that a change must pass; `npm run check -- NAME…` runs those that are named, and knows the ones
 * that take longer too. Plain JavaScript, because it runs before there are packages.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The longest first, since two run at a time. */
const EVERY = ['lint', 'reference', 'types', 'format', 'unused', 'docs', 'bundle', 'python'];

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

/** Resolves to its exit code; one that runs beside another is heard when it has ended. */
function run(name, isAlone) {
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const child = spawn(command, [...args, 'run', '--silent', `check:${name}`], {
    stdio: isAlone ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => (said += text));
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      process.stdout.write(said);
      resolve(code ?? 1);
    });
  });
}

/** One after another, until one of any line fails. */
async function takeFrom(names, isAlone) {
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const code = await run(name, isAlone);
    if (code === 0) continue;
    process.stderr.write(`the check "${name}" failed\n`);
    process.exitCode ||= code;
    names.length = 0;
  }
}

const waiting = [...(asked.length > 0 ? asked : EVERY)];
const lines = asked.length > 0 ? 1 : Math.min(2, availableParallelism());
await Promise.all(Array.from({ length: lines }, () => takeFrom(waiting, lines === 1)));
