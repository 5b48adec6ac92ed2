import assert from 'node:assert/strict';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { runAudit } from './audit.js';

describe('the audit chain', () => {
  it('shows whatever was changed, dropped, put elsewhere or forged in a bucket, and where', async () => {
    const { figures, violations } = await runAudit(
      { seed: 1, count: 60, say: () => undefined },
      new MemoryObjectStore(),
    );
    assert.deepEqual(violations, []);
    assert.match(figures.join(), /^60 attacks on \d\d objects, 0 not found/);
  }).timeout(180_000);
});
