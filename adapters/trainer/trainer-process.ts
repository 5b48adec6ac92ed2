import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { PortError } from '../../domain/failures.js';
import { EventLines, type FailureEvent } from './event-lines.js';
import { OutputTail } from './output-tail.js';
import type { TrainerEvent } from '../../domain/ports/trainer.js';

const LOG_BYTES = 4096;
/** The launcher needs 2 s at most to end a script that ignores SIGTERM. */
const STOP_MS = 5000;
/** After the launcher's end nobody should hold its pipes any more; this long we wait to be shown wrong. */
const DRAIN_MS = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface TrainerCommand {
  readonly python: string;
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly noProgressMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: TrainerEvent) => void;
}

/** Why a process was stopped from here, if it was. */
type Stopped = 'cancelled' | 'deadline' | 'no-progress' | 'listener-failed';

/** How a trainer's process ended; `exitCode` is null where even its launcher was killed. */
export interface TrainerEnd {
  readonly stopped: Stopped | undefined;
  readonly exitCode: number | null;
  readonly failure: FailureEvent | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script under the kit's launcher until it and all its descendants are gone; see trainers/kit/switchyard_kit/launcher.py.
 * Closing the launcher's stdin ends them, and the system closes it when this process dies, however it dies.
 *
 * @throws PortError `TrainerCrashed` where the process cannot be started (no memory, no descriptors), and what `onEvent` throws
 */
export async function runTrainerProcess(command: TrainerCommand): Promise<TrainerEnd> {
  const child = spawn(command.python, ['-m', 'switchyard_kit.launcher', command.script], {
    cwd: command.cwd,
    env: command.env,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true, // Ctrl-C goes to the worker alone, which then decides what becomes of a training
  });
  const ended = once(child, 'exit');
  const closed = once(child, 'close');
  // Both are awaited below; a child that cannot be started rejects them before that.
  for (const end of [ended, closed]) end.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  const stdout = keepTail(child.stdout);
  const stderr = keepTail(child.stderr);
  const watch = watchOver(child, command);
  let failure: FailureEvent | undefined;
  let listenerError: unknown;
  const lines = new EventLines((event) => {
    watch.progressed();
    if (event.event === 'failure') failure = event;
    else if (watch.stopped() === undefined) {
      try {
        command.onEvent(event);
      } catch (error) {
        listenerError = error;
        watch.stop('listener-failed');
      }
    }
  });
  eventsOf(child).on('data', (chunk: Buffer) => lines.add(chunk));
  try {
    await ended.catch((cause: unknown) => {
      const sentence = `The process ${command.python} cannot be started.`;
      throw new PortError('TrainerCrashed', sentence, { cause });
    });
    await Promise.race([closed, pause(DRAIN_MS, undefined, { ref: false })]);
  } finally {
    watch.end();
    for (const stream of child.stdio) stream?.destroy();
  }
  if (watch.stopped() === 'listener-failed') throw listenerError;
  const { exitCode } = child;
  return {
    stopped: watch.stopped(),
    exitCode,
    failure,
    stdout: stdout.text(),
    stderr: stderr.text(),
  };
}

/** Stops the process at an abort or a deadline: by its stdin, and by SIGKILL if that does not help. */
function watchOver(child: ChildProcess, command: TrainerCommand) {
  let stopped: Stopped | undefined;
  let killing: NodeJS.Timeout | undefined;
  const stop = (why: Stopped) => {
    if (stopped !== undefined) return;
    stopped = why;
    child.stdin?.destroy();
    killing = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  };
  const after = (ms: number, why: Stopped) =>
    setTimeout(() => stop(why), Math.min(ms, LONGEST_TIMER_MS));
  const onAbort = () => stop('cancelled');
  const deadline = after(command.deadlineMs, 'deadline');
  const silence = after(command.noProgressMs, 'no-progress');
  command.signal.addEventListener('abort', onAbort);
  if (command.signal.aborted) onAbort();
  return {
    stop,
    stopped: () => stopped,
    progressed: () => void silence.refresh(),
    end: () => {
      for (const timer of [deadline, silence, killing]) clearTimeout(timer);
      command.signal.removeEventListener('abort', onAbort);
    },
  };
}

function keepTail(stream: Readable): OutputTail {
  const tail = new OutputTail(LOG_BYTES);
  stream.on('data', (chunk: Buffer) => tail.add(chunk));
  return tail;
}

function eventsOf(child: ChildProcess): Readable {
  const stream = child.stdio[3];
  if (!stream || !('read' in stream)) throw new Error('The trainer has no pipe for its events.');
  stream.on('error', () => undefined);
  return stream;
}
