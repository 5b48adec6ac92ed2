import assert from 'node:assert/strict';
import { joined, LIMITS } from '../long-life/figures.js';
import { liveALivePointersYear } from '../long-life/live-year.js';
import { liveAMonitorsYear } from '../long-life/monitor-year.js';

// Short: `npm run check -- limits` has hourly windows and a whole year of both.
describe('monitorModel and liveModel, in a long life', () => {
  it('judge every window once, answer every fallback, also into their ends, and stay small', async () => {
    const [monitor, live] = await Promise.all([
      liveAMonitorsYear(12),
      liveALivePointersYear({ days: 62, perDay: 1 }),
    ]);
    const { windows, retrainings } = monitor;
    const both = joined(monitor, live);
    console.log(
      `    ${windows} windows of 12 hours, ${retrainings} retrainings, ${monitor.fallbacks} and ${live.fallbacks.answered} fallbacks, ` +
        `${both.continued} runs continued as new, carried at most ${both.largestCarried} bytes`,
    );
    assert.equal(live.fallbacks.answered, live.fallbacks.sent);
    assert.deepEqual([live.intoAnEnd, live.repeated], [live.continued, live.continued]);
    assert.ok(both.continued >= 8, `${both.continued} runs continued`);
    for (const limit of ['largestCarried', 'largestPayload', 'mostEvents'] as const) {
      assert.ok(both[limit] <= LIMITS[limit], `${limit}: ${both[limit]}`);
    }
  }).timeout(300_000);
});
