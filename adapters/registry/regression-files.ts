import type { ObjectStore } from '../../domain/ports/object-store.js';
import { regressionsSchema, type Regressions } from '../../domain/regressions.js';
import { inParallel } from './files.js';
import { regressionsKey, regressionsPrefix } from './keys.js';
import { encodeJson, parseStored } from './stored-json.js';

/** Which rows candidates must answer right: an object for each follow-up that left some. */
export class RegressionFiles {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async keep(regressions: Regressions): Promise<void> {
    const { model, key } = regressions;
    const bytes = encodeJson(regressionsSchema.parse(regressions));
    await this.#store.put(regressionsKey(model, key), bytes, 'none');
  }

  async all(model: string): Promise<readonly Regressions[]> {
    const { objects } = await this.#store.list(regressionsPrefix(model));
    const found = await inParallel(objects, async ({ key }) => {
      const stored = await this.#store.get(key);
      return stored === null ? [] : [parseStored(key, stored.bytes, regressionsSchema)];
    });
    return found.flat();
  }

  async drop(model: string, key: string): Promise<boolean> {
    const place = regressionsKey(model, key);
    const isThere = (await this.#store.get(place)) !== null;
    if (isThere) await this.#store.delete(place);
    return isThere;
  }
}
