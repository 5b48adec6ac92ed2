import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { LiveState } from '../domain/live-state.js';
import { digestSchema } from '../domain/names.js';
import type { Log } from './log.js';

const floorSchema = z.strictObject({
  schemaVersion: z.literal(1),
  generation: z.int().min(1),
  writeId: z.string(),
  withdrawn: z.array(digestSchema),
});
/** What was followed last: nothing older is, and nothing that forgot what was withdrawn by then. */
export type Floor = Pick<LiveState, 'generation' | 'writeId' | 'withdrawn'>;

/**
 * The floor of a model on the local disk, so that one who starts anew knows what was followed before: an older state was sealed too. Where
 * the disk gives or takes nothing it is logged, and what is read from the bucket is followed.
 */
export class LiveFloor {
  readonly file: string;
  readonly #log: Log;

  constructor(file: string, log: Log) {
    this.file = file;
    this.#log = log;
  }

  async read(): Promise<Floor | null> {
    try {
      const { generation, writeId, withdrawn } = floorSchema.parse(
        JSON.parse(await readFile(this.file, 'utf8')),
      );
      return { generation, writeId, withdrawn };
    } catch (error) {
      const isNone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isNone) this.#log.error({ file: this.file, err: error }, 'the floor cannot be read');
      return null;
    }
  }

  async write({ generation, writeId, withdrawn }: Floor): Promise<void> {
    const floor = { schemaVersion: 1, generation, writeId, withdrawn };
    try {
      await mkdir(dirname(this.file), { recursive: true });
      const own = `${this.file}.${process.pid}`; // endpoints may share a disk
      await writeFile(own, JSON.stringify(floor));
      await rename(own, this.file);
    } catch (error) {
      this.#log.error({ file: this.file, err: error }, 'the floor cannot be written');
    }
  }
}
