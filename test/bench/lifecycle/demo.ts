import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { isAlive } from '../../../scripts/servers/is-alive.js';
import { ROOT } from '../../../scripts/stack.js';
import type { Figure, Row, Say } from '../benchmark.js';
import { runNpm } from './run-npm.js';

const DEMO_LIMIT_SECONDS = 90;
const CLONE_LIMIT_SECONDS = 300;

const summarySchema = z.object({ seconds: z.number(), setUpSeconds: z.number() });

/** The demo in a checkout that is set up. */
export const demoRow: Row = {
  name: 'demo',
  run: async (say) => {
    const { seconds, setUpSeconds, wallSeconds } = await runDemo(ROOT, {}, say);
    return [
      figure('npm run demo, once set up', seconds, DEMO_LIMIT_SECONDS, {
        setUpSeconds,
        wallSeconds,
      }),
    ];
  },
};

/** The demo from nothing: a clone of the last commit, with empty caches of npm and uv. */
export const cloneRow: Row = {
  name: 'clone',
  run: async (say) => {
    await using folder = await cloneFolder();
    const clone = join(folder.path, 'switchyard');
    await promisify(execFile)('git', ['clone', '--quiet', '--no-hardlinks', ROOT, clone]);
    const env = {
      npm_config_cache: join(folder.path, 'npm-cache'),
      UV_CACHE_DIR: join(folder.path, 'uv-cache'),
    };
    const { seconds, setUpSeconds, wallSeconds } = await runDemo(clone, env, say);
    return [
      figure('npm run demo, fresh clone', setUpSeconds + seconds, CLONE_LIMIT_SECONDS, {
        setUpSeconds,
        wallSeconds,
      }),
    ];
  },
};

/** A folder outside of this checkout, gone with its scope; those that killed runs left behind go too. */
async function cloneFolder(): Promise<{ path: string } & AsyncDisposable> {
  const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 3 });
  for (const name of await readdir(tmpdir())) {
    const pid = /^switchyard-clone-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await remove(join(tmpdir(), name));
  }
  const path = await mkdtemp(join(tmpdir(), `switchyard-clone-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => remove(path) };
}

async function runDemo(folder: string, env: Readonly<Record<string, string>>, say: Say) {
  const startedMs = performance.now();
  const line = await runNpm(['run', 'demo', '--', '--json'], { folder, env, say });
  const wallSeconds = (performance.now() - startedMs) / 1_000;
  return { ...summarySchema.parse(JSON.parse(line)), wallSeconds };
}

function figure(
  what: string,
  seconds: number,
  atMost: number,
  { setUpSeconds, wallSeconds }: { setUpSeconds: number; wallSeconds: number },
): Figure {
  return {
    ...{ what, unit: 's', value: seconds, other: null, rounds: 1 },
    target: { of: 'value', atMost },
    note: `set-up ${setUpSeconds.toFixed(1)} s; the whole command, with the start of its processes and their end, ${wallSeconds.toFixed(1)} s`,
  };
}
