import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { BusyPoll } from '../../../adapters/model-runtime/busy-poll.js';

/** Milliseconds for which the event loop did not sleep during the next 200. */
async function awakeMs(poll: BusyPoll): Promise<number> {
  const before = performance.eventLoopUtilization();
  poll.start();
  await pause(200);
  return performance.eventLoopUtilization(before).active;
}

describe('busy polling', () => {
  it('keeps the event loop awake for so long after each start, and no longer', async () => {
    const poll = new BusyPoll(100);
    for (let time = 0; time < 2; time++) {
      const awake = await awakeMs(poll);
      assert.ok(awake > 98 && awake < 180, `${awake} ms`);
    }
  });

  it('does nothing where it is off', async () => {
    const awake = await awakeMs(new BusyPoll(0));
    assert.ok(awake < 90, `${awake} ms`);
  });
});
