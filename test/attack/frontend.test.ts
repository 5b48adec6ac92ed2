import assert from 'node:assert/strict';
import { runFrontend } from './frontend.js';

describe('an open frontend', () => {
  it('lets nobody serve what was not approved, and stops nothing that serves', async () => {
    const { violations } = await runFrontend({ count: 300, say: () => undefined });
    assert.deepEqual(violations, []);
  }).timeout(120_000);
});
