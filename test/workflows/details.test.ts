import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { detailsOf } from './details-of.js';

describe('showDetails', () => {
  it('costs the page, and not the run, where the page cannot be drawn', async () => {
    const workflowsPath = fileURLToPath(new URL('fixtures/undrawable.ts', import.meta.url));
    const workflowBundle = await bundleWorkflowCode({ workflowsPath });
    await using rig = await startRig('undrawable', fakeActivities, { workflowBundle });
    const workflowId = rig.taskQueue;
    const { taskQueue } = rig;
    const given = { workflowId, taskQueue, args: [] };
    assert.equal(await rig.client.workflow.execute('undrawable', given), 'it goes on');
    assert.match(await detailsOf(rig, workflowId), /could not be drawn/);
  });
});
