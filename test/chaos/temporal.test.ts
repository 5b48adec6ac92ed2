import assert from 'node:assert/strict';
import { runTemporal } from './temporal.js';

/** `npm run chaos -- temporal` at a size that every test run can bear. */
describe('a Temporal server that is killed', () => {
  it('has every start and decision that it acknowledged, and all lifecycles end', async () => {
    const { violations, figures } = await runTemporal({
      ...{ seed: 1, count: 3, only: [], say: () => undefined },
      settings: { kills: 1, every: 500 },
    });
    assert.deepEqual(violations, []);
    assert.match(figures.join('\n'), /3 lifecycles, 2 workers, 1 SIGKILLs .*: live 3\n/);
  }).timeout(120_000);
});
