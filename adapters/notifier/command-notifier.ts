import { spawn } from 'node:child_process';
import { PortError } from '../../domain/failures.js';
import type { Notice, Notifier } from '../../domain/ports/notifier.js';

const DEADLINE_MS = 10_000;

/** Runs the worker's own command for every notice, with the notice as JSON on its standard input. */
export class CommandNotifier implements Notifier {
  readonly #command: readonly [string, ...string[]];

  /** @param command - Program and arguments, from the worker's configuration; no shell reads them. */
  constructor(command: readonly [string, ...string[]]) {
    this.#command = command;
  }

  notify(notice: Notice): Promise<void> {
    const [program, ...args] = this.#command;
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown) =>
        reject(new PortError('NotificationFailed', `"${program}" ${why}`, { cause }));
      const child = spawn(program, args, {
        stdio: ['pipe', 'ignore', 'ignore'],
        timeout: DEADLINE_MS,
      });
      child.on('error', (error) => fail('could not be started', error));
      child.on('exit', (code, signal) => {
        if (code === 0) resolve();
        else fail(`ended with ${code === null ? `signal ${signal ?? 'unknown'}` : `code ${code}`}`);
      });
      child.stdin.on('error', () => undefined); // a command need not read; its exit code tells
      child.stdin.end(JSON.stringify(notice));
    });
  }
}
