/** How set-up starts other programs, and what it says when one is missing or fails. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout, or the installed package, that is set up. */
export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Only a checkout has it: an installed package came with its packages. */
export const NPM_LOCK = path.join(ROOT, 'package-lock.json');
const COMMAND = fs.existsSync(NPM_LOCK) ? 'npm run setup' : 'npx switchyard setup';
const GUARD = path.join(ROOT, 'scripts/servers/guard.sh');

/** What the user can mend; its message is the one sentence that is printed. */
export class Missing extends Error {}

/** One line of progress, only when there is any. */
export const say = (line) => process.stderr.write(`set-up: ${line}\n`);
const running = new Set();

/** Ends whatever still runs, because it is no longer wanted. */
export function endAll() {
  for (const child of running) child.kill('SIGTERM');
}

/** Starts a command that ends with this process; see guard.sh. */
export function start(command, args, options) {
  const stdio = [...options.stdio, 'pipe'];
  const child = spawn('sh', [GUARD, '10', command, ...args], { cwd: ROOT, ...options, stdio });
  running.add(child);
  child.stdio[3].on('error', () => undefined);
  child.once('exit', () => {
    running.delete(child);
    child.stdio[3].end('ended\n');
  });
  return child;
}

/** Runs a command to its end; resolves to its exit code and the end of its output. */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-8192));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Runs a command that must succeed; `what` begins the sentence if it does not. */
export async function mustRun(what, command, args, env) {
  const { code, output } = await run(command, args, env);
  if (code === 0) return;
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  process.stderr.write(lines.slice(0, 8).concat(lines.slice(8).slice(-12)).join('\n') + '\n');
  throw new Missing(`${what} failed (${code}), see above; then type: ${COMMAND}`);
}

/** Whether a command can be found. */
export function onPath(command) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => {
    try {
      fs.accessSync(path.join(folder, command), fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
