import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from './is-alive.js';

/** One process's right to a folder's development servers. */
export interface DevLock extends AsyncDisposable {
  readonly file: string;
}

/** Takes a folder for this process; or resolves to the id of the process that has it. A lock whose process is gone is broken. */
export async function takeDevLock(folder: string): Promise<DevLock | { readonly heldBy: number }> {
  const file = path.join(folder, '.switchyard', 'dev.lock');
  await mkdir(path.dirname(file), { recursive: true });
  for (;;) {
    if (await create(file)) {
      return { file, [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    }
    const heldBy = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
    if (heldBy !== process.pid && isAlive(heldBy)) return { heldBy };
    await rm(file, { force: true });
  }
}

/** By a link, so that the file is never seen before it holds the process's id. */
async function create(file: string): Promise<boolean> {
  const own = `${file}.${process.pid}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}
