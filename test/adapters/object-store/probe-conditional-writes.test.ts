import assert from 'node:assert/strict';
import { probeConditionalWrites } from '../../../adapters/object-store/probe-conditional-writes.js';
import { isPortError } from '../../../domain/failures.js';
import type { WriteCondition, WriteResult } from '../../../domain/ports/object-store.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';

/** A store that takes some conditions for `none`, as a proxy does that drops headers. */
class ForgetfulStore extends MemoryObjectStore {
  readonly #forgets: (condition: WriteCondition) => boolean;

  constructor(forgets: (condition: WriteCondition) => boolean) {
    super();
    this.#forgets = forgets;
  }

  override put(key: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    return super.put(key, bytes, this.#forgets(condition) ? 'none' : condition);
  }
}

describe('probeConditionalWrites', () => {
  it('accepts a store that honours conditions', async () => {
    await probeConditionalWrites(new MemoryObjectStore());
  });

  for (const [header, forgets] of [
    ['If-None-Match', (condition: WriteCondition) => condition === 'absent'],
    ['If-Match', (condition: WriteCondition) => typeof condition === 'object'],
  ] as const) {
    it(`refuses a store that ignores ${header}, and leaves nothing behind`, async () => {
      const store = new ForgetfulStore(forgets);

      await assert.rejects(probeConditionalWrites(store), (error) => {
        assert.ok(isPortError(error));
        assert.equal(error.type, 'StoreIgnoresConditions');
        assert.equal(error.kind, 'terminal');
        assert.match(error.message, new RegExp(`8 of 8 writers .* ${header}, expected 1`));
        return true;
      });
      assert.deepEqual((await store.list('')).objects, []);
    });
  }

  it('refuses a store that lets nobody write', async () => {
    class DeafStore extends MemoryObjectStore {
      override put(): Promise<WriteResult> {
        return Promise.resolve({ kind: 'conflict' });
      }
    }

    await assert.rejects(probeConditionalWrites(new DeafStore()), /0 of 8 writers/);
  });
});
