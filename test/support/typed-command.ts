import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../scripts/switchyard.js', import.meta.url));

/** How a command ended. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that was typed, in a process group of its own. */
export interface Typed {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Where and with what environment a command is typed; variables that name an installation are not inherited. */
export interface TypedIn {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts `switchyard …` as a user does. */
export function beginCommand(args: readonly string[], { folder, environment }: TypedIn): Typed {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL|SWITCHYARD|S3|AWS)_/.test(name),
  );
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    ...{ cwd: folder, detached: true },
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr]) => ({ code: child.exitCode, stdout, stderr }),
  );
  return { child, ended };
}

/** Types a command and waits for its end. */
export function typeCommand(args: readonly string[], given: TypedIn): Promise<Ended> {
  return beginCommand(args, given).ended;
}
