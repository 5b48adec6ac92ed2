import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { PortError } from '../../domain/failures.js';
import { tellsOfMemory } from './load-failure.js';
import { residentMemory } from './resident-memory.js';

export interface ChildOptions {
  readonly nodePath: string;
  readonly childPath: string;
  readonly memoryLimitBytes: number;
}

/** How often the child's resident memory is compared with its limit. */
const MEMORY_POLL_MS = process.platform === 'linux' ? 250 : 1_000;
/** The same while a large batch is at work, which may take it to its limit in some tenths of a second. */
const CLOSE_POLL_MS = 20;
/** A process that was seen with so much of its limit was short of memory. */
const NEARLY_ALL = 0.8;
/** Node.js and onnxruntime alone; below it the process aborts without a word. */
const MIN_MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
const LAST_WORDS_BYTES = 4_096;

/** A capped process and its socket; it ends on `end`, on its limit, by a fault of its own, or with this process. */
export class CappedChild {
  readonly socket: Socket;
  readonly pid: number;
  /** Settles when the process is gone, with why. */
  readonly ended: Promise<PortError>;
  #reason: PortError | null = null;
  #lastWords = '';
  /** As it was seen last. */
  #dataBytes = 0;
  readonly #limitBytes: number;
  readonly #process: ChildProcess;

  constructor(options: ChildOptions) {
    if (options.memoryLimitBytes < MIN_MEMORY_LIMIT_BYTES) {
      throw outOfMemory(
        `a limit of ${options.memoryLimitBytes} bytes is under the ${MIN_MEMORY_LIMIT_BYTES} that it needs without a model`,
      );
    }
    this.#limitBytes = options.memoryLimitBytes;
    this.#process = spawn(
      '/bin/sh',
      [
        '-c',
        UNDER_LIMIT,
        'sh',
        `${Math.floor(options.memoryLimitBytes / 1024)}`,
        ...command(options),
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: ENVIRONMENT },
    );
    const [, , , socket, watched] = this.#process.stdio;
    if (!(socket instanceof Socket) || !(watched instanceof Socket)) {
      throw new PortError('RuntimeCrashed', 'the model process has no socket');
    }
    this.socket = socket;
    this.pid = this.#process.pid ?? 0;
    socket.on('error', ignore);
    watched.on('error', ignore).resume();
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_BYTES);
    });
    const poll = this.#checkMemoryEvery(MEMORY_POLL_MS);
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (cause) => {
        clearInterval(poll);
        resolve(new PortError('RuntimeCrashed', 'the model process cannot start', { cause }));
      });
      this.#process.once('close', (code, signal) => {
        clearInterval(poll);
        resolve(this.#reason ?? this.#crash(code, signal));
      });
    });
  }

  /** Ends the process at once; the first reason given is the one that counts. */
  end(reason: PortError): void {
    this.#reason ??= reason;
    this.#process.kill('SIGKILL');
  }

  /** Looks at its memory often until this work has ended. */
  async watchClosely(work: Promise<unknown>): Promise<void> {
    const poll = this.#checkMemoryEvery(CLOSE_POLL_MS);
    await Promise.allSettled([work]);
    clearInterval(poll);
  }

  #checkMemoryEvery(ms: number): NodeJS.Timeout {
    return setInterval(() => void this.#checkMemory(), ms).unref();
  }

  async #checkMemory(): Promise<void> {
    const memory = await residentMemory(this.pid).catch(() => null);
    if (memory === null || memory.dataBytes === 0) return; // it has ended
    this.#dataBytes = memory.dataBytes;
    if (memory.anonymousBytes <= this.#limitBytes) return;
    this.end(
      outOfMemory(`it took ${memory.anonymousBytes} bytes, over its limit of ${this.#limitBytes}`),
    );
  }

  #crash(code: number | null, signal: NodeJS.Signals | null): PortError {
    if (tellsOfMemory(this.#lastWords)) return outOfMemory('it could not get more memory');
    // V8's collector does not check what it is given, and has no last words where that is nothing
    const isShort = this.#dataBytes >= NEARLY_ALL * this.#limitBytes;
    if (signal === 'SIGSEGV' && isShort) {
      return outOfMemory(
        `it ended by SIGSEGV with ${this.#dataBytes} of ${this.#limitBytes} bytes`,
      );
    }
    const how = signal === null ? `with exit code ${code ?? -1}` : `by ${signal}`;
    return new PortError('RuntimeCrashed', `the model process ended ${how}`, {
      details: { code, signal, stderr: this.#lastWords.slice(-1_000) },
    });
  }
}

/**
 * RLIMIT_DATA counts what a process may write in private: heap, anonymous mappings, thread stacks. RLIMIT_AS would count
 * V8's reserved, never used address space too, and stop Node itself. `ulimit` fails only where a lower limit holds already.
 */
const UNDER_LIMIT = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"';

function command({ nodePath, childPath }: ChildOptions): string[] {
  // few threads: each one's stack counts against the limit
  return [nodePath, '--expose-gc', '--v8-pool-size=1', '--no-warnings', childPath];
}

/** No credential of this process reaches a hostile model. */
const ENVIRONMENT = {
  PATH: '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  UV_THREADPOOL_SIZE: '1',
  MALLOC_ARENA_MAX: '2',
};

function outOfMemory(what: string): PortError {
  return new PortError('OutOfMemory', `the model process ran out of memory: ${what}`);
}

function ignore(): void {
  // a socket's error is followed by the process's end, which says why
}
