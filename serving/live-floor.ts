import { z } from 'zod';
import type { LiveState } from '../domain/live-state.js';
import { digestSchema } from '../domain/names.js';
import { readLocal, writeLocal } from './local-file.js';
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
      const stored = await readLocal(this.file);
      if (stored === null) return null;
      const { generation, writeId, withdrawn } = floorSchema.parse(stored);
      return { generation, writeId, withdrawn };
    } catch (error) {
      this.#log.error({ file: this.file, err: error }, 'the floor cannot be read');
      return null;
    }
  }

  async write({ generation, writeId, withdrawn }: Floor): Promise<void> {
    try {
      await writeLocal(this.file, { schemaVersion: 1, generation, writeId, withdrawn });
    } catch (error) {
      this.#log.error({ file: this.file, err: error }, 'the floor cannot be written');
    }
  }
}
