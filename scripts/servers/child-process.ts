import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { requireBinary } from './binaries.js';

const GUARD = path.join(PACKAGE_ROOT, 'scripts/servers/guard.sh');
const POLL_MS = 20;
/** How much of a server's output is kept for the sentence that says why it ended. */
const TAIL_CHARACTERS = 16_384;
const TAIL_LINES = 5;

/** What to start. */
export interface ServerCommand {
  /** How people call it, such as `the Temporal server`. */
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL; default 10,000. */
  readonly stopMs?: number;
  /** Is told everything that it writes to its output. */
  readonly onOutput?: (text: string) => void;
}

/** A server that ends at the latest when this process ends, however it ends. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason; never rejects. */
  readonly ended: Promise<void>;
  readonly hasEnded: () => boolean;
  /** How it ended, to be said after its name: by whose signal, or with which exit code and last lines. */
  readonly ending: () => string;
  /** The last lines of its output, in one line; of a line of JSON log only what it says. */
  readonly tail: () => string;
  /** Whether a text is among the last 16 KB of its output, or was at an earlier look. */
  readonly hasSaid: (text: string) => boolean;
  /** SIGTERM, then SIGKILL after the deadline; resolves when the process is gone. May be called again. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a server under `guard.sh`, in a process group of its own, so that Ctrl-C reaches only its
 * starter, which stops things in its order.
 *
 * @throws `PortError` `SetUpMissing` where the binary is not installed
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  requireBinary(command.binary);
  const stopMs = command.stopMs ?? 10_000;
  const guardSeconds = Math.ceil(stopMs / 1000).toString();
  const child = spawn('sh', [GUARD, guardSeconds, command.binary, ...command.args], {
    detached: true,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit').then(
    () => undefined,
    () => undefined,
  );
  releaseGuard(child, ended);
  const { tail, hasSaid } = keepOutput(child, command.onOutput);
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error(`${command.name} has no process id`);

  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const ending = () =>
    child.signalCode === null
      ? `ended by itself with exit code ${child.exitCode ?? 'unknown'}: ${tail()}`
      : `was ended by ${child.signalCode}`; // then its last lines say nothing of it
  const stop = async () => {
    if (!hasEnded()) child.kill('SIGTERM');
    const deadline = new AbortController();
    const killed = pause(stopMs, undefined, { signal: deadline.signal }).then(
      () => child.kill('SIGKILL'),
      () => false,
    );
    await ended;
    deadline.abort();
    await killed;
  };
  return {
    ...{ pid: child.pid, ended, hasEnded, ending, tail, hasSaid, stop },
    [Symbol.asyncDispose]: stop,
  };
}

/** Tells the guard that there is nothing left to end, or it might end a later process of that id. */
function releaseGuard(child: ChildProcess, ended: Promise<void>): void {
  const pipe = child.stdio[3];
  if (!pipe || !('write' in pipe)) throw new Error('the guard has no pipe');
  pipe.on('error', () => undefined);
  void ended.then(() => pipe.end('ended\n'));
}

function keepOutput(
  child: ChildProcess,
  onOutput?: (text: string) => void,
): Pick<ServerProcess, 'tail' | 'hasSaid'> {
  let kept = '';
  const said = new Set<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      kept = (kept + chunk).slice(-TAIL_CHARACTERS);
      onOutput?.(chunk);
    });
  }
  return {
    tail: () => {
      const lines = kept.split('\n').map((line) => line.trim());
      return lines
        .filter((line) => line !== '')
        .slice(-TAIL_LINES)
        .map(messageOf)
        .join(' | ');
    },
    hasSaid: (text) => {
      if (kept.includes(text)) said.add(text);
      return said.has(text);
    },
  };
}

/** What a line of our programs' log says; any other line as it is. */
function messageOf(line: string): string {
  return (
    /^\{"level":.*"msg":"((?:[^"\\]|\\.)*)"\}$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line
  );
}

/** What a look at a starting server found; `hopeless` is the sentence why it will never be ready. */
export type Readiness = 'ready' | 'not-yet' | { readonly hopeless: string };

/**
 * Polls until a server answers; a look that throws counts as `not-yet`.
 *
 * @throws Error with the server's last lines if it ends first, or is not ready within `deadlineMs`
 *   (default 30,000), or never will be; it is stopped then
 */
export async function untilReady(
  name: string,
  server: ServerProcess,
  look: () => Promise<Readiness>,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const readiness = await look().catch(() => 'not-yet' as const);
    if (readiness === 'ready') return;
    if (readiness !== 'not-yet') {
      await server.stop();
      throw new Error(readiness.hopeless);
    }
    if (server.hasEnded()) throw new Error(`${name} ended at its start: ${server.tail()}`);
    if (performance.now() > deadline) {
      await server.stop();
      throw new Error(`${name} did not answer within ${deadlineMs} ms: ${server.tail()}`);
    }
    await Promise.race([pause(POLL_MS), server.ended]);
  }
}

/** Starts again, up to three times, when somebody took a port between our look and the server's bind. */
export async function retryTakenPorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const isTaken =
        error instanceof Error && /address already in use|is not available/.test(error.message);
      if (!isTaken || attempt === 3) throw error;
    }
  }
}
