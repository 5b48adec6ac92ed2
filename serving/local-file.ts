import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** JSON on the local disk; null where there is no such file. @throws Error where it cannot be read, or is no JSON. */
export async function readLocal(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Written whole or not at all; endpoints may share a disk. */
export async function writeLocal(file: string, value: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  await writeFile(own, JSON.stringify(value));
  await rename(own, file);
}
