import assert from 'node:assert/strict';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { startTimeSkippingServer } from '../../testing/time-skipping.js';

describe('startRig', () => {
  it('lets a hand-off of seven days expire in a moment on a server that skips time', async () => {
    await using server = await startTimeSkippingServer();
    await using rig = await startRig('time skipping', fakeActivities, { server });
    const startedMs = Date.now();
    const { workflowId } = await rig.switchyard.start({ model: 'slow' });

    const { outcome } = await rig.switchyard.outcome(workflowId);

    assert.equal(outcome, 'expired');
    assert.ok(Date.now() - startedMs < 20_000);
    const replayedLater: string[] = [];
    for await (const each of server.histories(rig.taskQueue)) replayedLater.push(each.workflowId);
    assert.deepEqual(replayedLater, [workflowId]);
  });
});
