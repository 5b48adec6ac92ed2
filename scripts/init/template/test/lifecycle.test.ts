import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { aDecision, fakeActivities, startRig, stopTestServers, until } from 'switchyard/testing';
import { loadProject } from 'switchyard/worker';

after(stopTestServers);

test('my-model goes live when every role of its specification has approved', async () => {
  const { models } = await loadProject('switchyard.config.ts');
  const spec = models['my-model'];
  assert.ok(spec);
  // A real Temporal server and the real workflows; the activities only pretend to train and measure.
  await using rig = await startRig('my-model', (given) => fakeActivities(given, { spec }));
  const { workflowId } = await rig.switchyard.start({ model: spec.model });

  for (const { role } of spec.approve.handOffs) {
    const evidence = await until(`${role} is asked`, async () => {
      const status = await rig.switchyard.status(workflowId);
      return status.waitingFor.includes(role) ? (status.evidence ?? undefined) : undefined;
    });
    await rig.switchyard.decide(workflowId, aDecision({ role, evidence }));
  }

  assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'live');
});
