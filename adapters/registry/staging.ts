import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { stagedSchema, type Staged } from '../../domain/lifecycle.js';
import { filePathSchema } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { fetchFiles, inParallel, regularFile } from './files.js';
import { checkpointKey, checkpointPrefix, stagingKey, stagingPrefix } from './keys.js';

/** What travels between the stages of one run, and the checkpoints that survive its attempts. */
export class Staging {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async stage(
    place: Pick<Staged, 'run' | 'stage' | 'attempt'>,
    directory: string,
    files: readonly string[],
  ): Promise<Staged> {
    const { run, stage, attempt } = place;
    const records = await inParallel([...files].sort(), async (path) => {
      const key = stagingKey(place, path);
      return { path, ...(await this.#store.putFile(key, await regularFile(directory, path))) };
    });
    return { run, stage, attempt, files: records };
  }

  async fetch(staged: Staged, directory: string): Promise<void> {
    const parsed = stagedSchema.safeParse(staged);
    if (!parsed.success) {
      throw new PortError(
        'InvalidName',
        `a reference to staged files is wrong: ${parsed.error.message}`,
      );
    }
    const place = parsed.data;
    await fetchFiles(this.#store, directory, place.files, (path) => stagingKey(place, path));
  }

  async sweep(run: string): Promise<number> {
    const { objects } = await this.#store.list(stagingPrefix(run));
    await inParallel(objects, ({ key }) => this.#store.delete(key));
    return objects.length;
  }

  async saveCheckpoint(run: string, file: string, path: string): Promise<void> {
    await this.#store.putFile(checkpointKey(run, file), path);
  }

  async fetchCheckpoints(run: string, directory: string): Promise<readonly string[]> {
    const prefix = checkpointPrefix(run);
    const { objects } = await this.#store.list(prefix);
    const names = objects.map(({ key }) => key.slice(prefix.length)).filter(isFilePath);
    const fetched = await inParallel(names, async (file) => {
      const local = join(directory, file);
      await mkdir(dirname(local), { recursive: true });
      return (await this.#store.getFile(checkpointKey(run, file), local)) !== null;
    });
    return names.filter((_, index) => fetched[index]);
  }
}

/** What is no file path was not written by a trainer's checkpoint, and stays in the store. */
function isFilePath(path: string): boolean {
  return filePathSchema.safeParse(path).success;
}
