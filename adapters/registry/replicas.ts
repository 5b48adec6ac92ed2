import { z } from 'zod';
import { digestSchema, nameSchema } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { ReplicaReport } from '../../domain/ports/registry.js';
import { inParallel } from './files.js';
import { replicaKey, replicasPrefix } from './keys.js';
import { encodeJson, parseStored } from './stored-json.js';

/** A replica that is silent for this long, by the store's clock, does not count. */
export const REPLICA_LIVE_MS = 10_000;

/** What a replica's object holds. */
export const replicaFileSchema = z.strictObject({
  schemaVersion: z.literal(1),
  replica: nameSchema,
  digest: digestSchema.nullable(),
  generation: z.int().min(0),
  problem: z.string().max(2_000).nullable(),
});

/** What the processes that serve a model say of themselves; one object a replica, renewed every 2 s. */
export class Replicas {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async report(model: string, report: ReplicaReport): Promise<void> {
    const { replica, digest, generation } = report;
    const problem = report.problem?.slice(0, 2_000) ?? null;
    const bytes = encodeJson({ schemaVersion: 1, replica, digest, generation, problem });
    await this.#store.put(replicaKey(model, replica), bytes, 'none');
  }

  async remove(model: string, replica: string): Promise<void> {
    await this.#store.delete(replicaKey(model, replica));
  }

  async live(model: string): Promise<readonly ReplicaReport[]> {
    const { objects, now } = await this.#store.list(replicasPrefix(model));
    const fresh = objects.filter(
      ({ modifiedAt }) => now.getTime() - modifiedAt.getTime() < REPLICA_LIVE_MS,
    );
    const reports = await inParallel(fresh, ({ key }) => this.#read(model, key));
    return reports.filter((report) => report !== null);
  }

  async #read(model: string, key: string): Promise<ReplicaReport | null> {
    const name = nameSchema.safeParse(key.slice(replicasPrefix(model).length, -'.json'.length));
    if (!name.success || key !== replicaKey(model, name.data)) return null;
    const stored = await this.#store.get(key);
    if (stored === null) return null;
    const { digest, generation, problem } = parseStored(key, stored.bytes, replicaFileSchema);
    return { replica: name.data, digest, generation, problem };
  }
}
