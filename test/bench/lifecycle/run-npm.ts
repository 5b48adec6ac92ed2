import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Say } from '../benchmark.js';

const GUARD = fileURLToPath(new URL('../../../scripts/servers/guard.sh', import.meta.url));
const GUARD_SECONDS = '30';

/** Runs npm in a folder as a person would there; resolves to its last line of output. It ends with this process. */
export async function runNpm(
  args: readonly string[],
  given: {
    readonly folder: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly say: Say;
  },
): Promise<string> {
  const child = spawn('sh', [GUARD, GUARD_SECONDS, 'npm', ...args], {
    cwd: given.folder,
    env: { ...cleanEnvironment(), ...given.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  child.once('exit', () => releaseGuard(child)); // the guard's pipe is open until then, and `close` waits for it
  let last = '';
  follow(child.stdout, (line) => (last = line));
  follow(child.stderr, given.say);
  await once(child, 'close');
  const end = child.exitCode ?? child.signalCode;
  if (end !== 0) throw new Error(`npm ${args.join(' ')} ended with ${end ?? 'nothing'}`);
  return last;
}

/** This process's environment without what npm and set-up told it about its own checkout. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const isAboutCheckout =
    /^(npm_(package_.*|lifecycle_.*|command|execpath|config_local_prefix|config_cache)|INIT_CWD|SWITCHYARD_.*)$/i;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !isAboutCheckout.test(name)),
  );
}

function follow(stream: NodeJS.ReadableStream | null, say: Say): void {
  if (stream === null) return;
  createInterface({ input: stream }).on('line', (line) => {
    if (line.trim() !== '') say(line.trim());
  });
}

/** Tells the guard that there is nothing left to end. */
function releaseGuard(child: ChildProcess): void {
  const pipe = child.stdio[3];
  if (pipe && 'write' in pipe) pipe.on('error', () => undefined).end('ended\n');
}
