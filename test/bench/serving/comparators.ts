import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startServerProcess, untilReady } from '../../../scripts/servers/child-process.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import { ROOT } from '../../../scripts/stack.js';

/** The locked uv project of what ours is held against. */
export const COMPARATORS = fileURLToPath(new URL('comparators', import.meta.url));
const PYTHON = join(COMPARATORS, '.venv/bin/python');

/** One thread of numpy's, as every side has one. */
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

/** Installs what the lock says, where it is not there yet. */
export async function installComparators(): Promise<void> {
  const setUp = join(ROOT, 'scripts/setup.js');
  await runToEnd('the set-up', process.execPath, [setUp, '--python', COMPARATORS]);
}

/** Runs a script of the project to its end. */
export function runPython(script: string, ...args: string[]): Promise<void> {
  return runToEnd(script, PYTHON, [join(COMPARATORS, script), ...args]);
}

async function runToEnd(name: string, program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...ONE_THREAD },
  });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${name} did not come to its end, see above`);
}

/** The sentence that says what to install. @throws Error where the load generator is not there. */
export function requireWrk(): void {
  const isThere = (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'wrk'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!isThere) {
    throw new Error('wrk is missing: apt-get install -y --no-install-recommends wrk');
  }
}

/** A running server and where its model is asked. */
export interface Server extends AsyncDisposable {
  readonly pid: number;
  inferUrl(model: string): string;
}

/** Starts FastAPI on the same model files: `merchants`, `forest` and, where a file is given, `heavy`. */
export async function startFastApi(models: string, heavy: string | null = null): Promise<Server> {
  const port = await freePort();
  const server = await startServerProcess({
    name: 'FastAPI',
    binary: PYTHON,
    args: [join(COMPARATORS, 'serve.py'), String(port), models, ...(heavy === null ? [] : [heavy])],
    env: ONE_THREAD,
  });
  await untilReady('FastAPI', server, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/openapi.json`);
    return answer.ok ? 'ready' : 'not-yet';
  });
  return {
    pid: server.pid,
    inferUrl: (model) => `http://127.0.0.1:${port}/v2/models/${model}/infer`,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** A program that answers each line of JSON with another. */
export interface Conversation extends AsyncDisposable {
  ask(question: object): Promise<unknown>;
}

/** Starts one, and waits for its first line. */
export async function converse(program: string, args: readonly string[]): Promise<Conversation> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...ONE_THREAD },
  });
  const lines: AsyncIterator<string, undefined> = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  const next = async (): Promise<unknown> => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error(`${args.join(' ')} ended`);
    return JSON.parse(value);
  };
  await next();
  return {
    ask: (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return next();
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** scikit-learn's own pipelines of the text models, in a process. */
export function startPredictProba(models: string): Promise<Conversation> {
  return converse(PYTHON, [join(COMPARATORS, 'predict_proba.py'), models]);
}
