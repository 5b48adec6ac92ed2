import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { isAlive, until } from './scripts.js';

const WORKER = fileURLToPath(new URL('run-scripted.ts', import.meta.url));

describe('a worker that is killed', () => {
  it('leaves nothing of its training behind', async () => {
    const body = `
daemon("pid"); wait_for("pid")
note("own", str(os.getpid())); note("launcher", str(os.getppid())); time.sleep(600)
`;
    const worker = spawn(process.execPath, ['--import', 'tsx', WORKER, body], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(worker, 'exit');
    const lines = createInterface({ input: worker.stdout });
    const folder = await new Promise<string>((resolve) => lines.once('line', resolve));
    const notes = ['pid', 'own', 'launcher'].map((name) => join(folder, name));
    await until(() => notes.every((path) => existsSync(path)));
    const pids = notes.map((path) => readFileSync(path, 'utf8'));
    assert.ok(pids.every(isAlive));

    worker.kill('SIGKILL');
    await ended;

    await until(() => !pids.some(isAlive));
    rmSync(folder, { recursive: true });
  });
});
