import { mkdtemp, rm, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A local folder of one activity attempt; it is deleted when the attempt ends, however it ends. */
export async function inWorkFolder<Result>(
  root: string,
  run: (folder: (name: string) => Promise<string>) => Promise<Result>,
): Promise<Result> {
  await mkdir(root, { recursive: true });
  const place = await mkdtemp(join(root, 'attempt-'));
  try {
    return await run(async (name) => {
      const path = join(place, name);
      await mkdir(path, { recursive: true });
      return path;
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
