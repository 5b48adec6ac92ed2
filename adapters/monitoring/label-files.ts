import { digestOfBytes, digestOfJson } from '../../domain/digest.js';
import { decodeLabels, encodeLabels, type Label } from '../../domain/monitor/labels.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { LabelBatch, LabelStore } from '../../domain/ports/monitoring.js';
import { labelsKey, labelsPrefix } from '../registry/keys.js';

/** Labels as immutable objects, each under the digest of its bytes: the same labels twice are one object. */
export class LabelFiles implements LabelStore {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async add(model: string, labels: readonly Label[]): Promise<{ added: number; known: number }> {
    let [added, known] = [0, 0];
    for (const bytes of encodeLabels(labels)) {
      const key = labelsKey(model, digestOfBytes(bytes));
      const { kind } = await this.#store.put(key, bytes, 'absent');
      const count = decodeLabels(bytes).length;
      if (kind === 'written') added += count;
      else known += count;
    }
    return { added, known };
  }

  async state(model: string): Promise<string> {
    const { objects } = await this.#store.list(labelsPrefix(model));
    return digestOfJson(objects.map(({ key }) => key));
  }

  async *batches(model: string, sinceMs: number): AsyncIterable<LabelBatch> {
    const { objects } = await this.#store.list(labelsPrefix(model));
    const since = objects
      .filter(({ modifiedAt }) => modifiedAt.getTime() >= sinceMs)
      .sort((one, other) => one.modifiedAt.getTime() - other.modifiedAt.getTime());
    for (const { key, modifiedAt } of since) {
      const stored = await this.#store.get(key);
      if (stored === null) continue;
      yield { labels: decodeLabels(stored.bytes), addedMs: modifiedAt.getTime() };
    }
  }
}
