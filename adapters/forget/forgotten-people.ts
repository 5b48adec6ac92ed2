import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { deletionSchema, type Deletion } from '../../domain/forgetting.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { forgottenKey, forgottenPrefix, forgottenSaltKey } from '../registry/keys.js';
import { encodeJson, missingObject, parseStored } from '../registry/stored-json.js';

const saltSchema = z.strictObject({
  schemaVersion: z.literal(1),
  salt: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Who was forgotten, by a hash that is salted once a bucket: the records say that, when and why, not who. */
export class ForgottenPeople {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** A person's name among the records; makes the bucket's salt where there is none. */
  async personOf(customer: string): Promise<string> {
    return hashOf((await this.#salt()) ?? (await this.#makeSalt()), customer);
  }

  /** A person's record, or null. */
  async record(person: string): Promise<Deletion | null> {
    const key = forgottenKey(person);
    const stored = await this.#store.get(key);
    return stored === null ? null : parseStored(key, stored.bytes, deletionSchema);
  }

  async write(deletion: Deletion): Promise<void> {
    await this.#store.put(
      forgottenKey(deletion.person),
      encodeJson(deletionSchema.parse(deletion)),
      'none',
    );
  }

  /**
   * The rows that may be taken into a snapshot: a forgotten person's rows of before the deletion may not, whatever the data
   * source still says. Costs a call of the store only where a row names a customer.
   */
  async allowed(rows: readonly Row[]): Promise<readonly Row[]> {
    if (!rows.some(({ customer }) => customer !== undefined)) return rows;
    const salt = await this.#salt();
    if (salt === null) return rows;
    const { objects } = await this.#store.list(forgottenPrefix());
    const listed = new Set(objects.map(({ key }) => key));
    const until = new Map<string, string>();
    for (const customer of new Set(rows.map((row) => row.customer))) {
      if (customer === undefined) continue;
      const person = hashOf(salt, customer);
      const record = listed.has(forgottenKey(person)) ? await this.record(person) : null;
      if (record) until.set(customer, record.at);
    }
    return rows.filter(({ customer, at }) => {
      const end = customer === undefined ? undefined : until.get(customer);
      return end === undefined || at > end;
    });
  }

  async #salt(): Promise<string | null> {
    const key = forgottenSaltKey();
    const stored = await this.#store.get(key);
    return stored === null ? null : parseStored(key, stored.bytes, saltSchema).salt;
  }

  async #makeSalt(): Promise<string> {
    const salt = randomBytes(32).toString('hex');
    const made = await this.#store.put(
      forgottenSaltKey(),
      encodeJson({ schemaVersion: 1, salt }),
      'absent',
    );
    if (made.kind === 'written') return salt;
    const other = await this.#salt();
    if (other === null) throw missingObject(forgottenSaltKey(), 'it was removed just now');
    return other;
  }
}

function hashOf(salt: string, customer: string): string {
  return createHmac('sha256', salt).update(customer).digest('hex');
}
