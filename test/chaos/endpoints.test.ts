import assert from 'node:assert/strict';
import { runEndpoints } from './endpoints.js';

/** `npm run chaos -- endpoints` at a size that every test run can bear. */
describe('endpoints behind one address', () => {
  it('lose no request that is made again, and none at all where one ends in good order', async () => {
    const { violations, figures } = await runEndpoints({
      ...{ seed: 39, count: null, say: () => undefined },
      ...{ only: ['deploy among kills', 'drain again'], settings: { between: 1_500 } },
    });
    assert.deepEqual(violations, []);
    assert.match(figures.join('\n'), /3 endpoints, [1-9]\d* SIGKILLs;/);
    assert.match(figures.join('\n'), / answers of 2 versions, .* 0 lost;/);
    assert.match(figures.join('\n'), /drain again: .* 0 requests had to be made again/);
  }).timeout(60_000);
});
