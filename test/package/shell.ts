import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { isAlive } from '../../scripts/servers/is-alive.js';
import { until } from '../../testing/until.js';

const SENTINEL = 'ended with exit code';

/** A terminal with a real shell, in which commands are typed one after the other. */
export class Shell implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #output = '';

  constructor(cwd: string) {
    // a process group of its own, as a terminal has: Ctrl-C reaches all of it
    this.#child = spawn('sh', [], { cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  /** Types a command and waits for its end. Rejects with what it wrote where its exit code is not 0. */
  async run(command: string, deadlineMs = 300_000): Promise<string> {
    this.#output = '';
    this.#child.stdin.write(`${command} < /dev/null\necho "${SENTINEL} $?"\n`);
    const ended = new RegExp(`${SENTINEL} (\\d+)\n`);
    const look = () => Promise.resolve(ended.exec(this.#output) ?? undefined);
    const [, code] = await until(command, look, deadlineMs).catch((cause: unknown) => {
      throw new Error(`${command} does not end: ${this.#output}`, { cause });
    });
    if (code !== '0') throw new Error(`${command}: exit code ${code ?? ''}\n${this.#output}`);
    return this.#output.replace(ended, '');
  }

  /** Types a command that stays, and waits until it has said something. */
  async start(command: string, said: string, deadlineMs = 300_000): Promise<void> {
    this.#output = '';
    this.#child.stdin.write(`${command}; echo "${SENTINEL} $?"\n`);
    await until(
      command,
      () => {
        if (this.#output.includes(said)) return Promise.resolve(true);
        if (!this.#output.includes(SENTINEL)) return Promise.resolve(undefined);
        throw new Error(`${command} ended: ${this.#output}`);
      },
      deadlineMs,
    );
  }

  /** Ctrl-C. Resolves when the shell and all that it started have ended. */
  async interrupt(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined || !isAlive(pid)) return;
    const ended = once(this.#child, 'exit');
    process.kill(-pid, 'SIGINT');
    this.#child.stdin.end();
    await ended;
    await until('the end of all that the shell started', () =>
      Promise.resolve(isGroupAlive(pid) ? undefined : true),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.interrupt();
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}
