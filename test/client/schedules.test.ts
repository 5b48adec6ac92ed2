import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { Schedules } from '../../client/schedules.js';
import { isPortError } from '../../domain/failures.js';
import type { ModelSpec, ModelSpecInput } from '../../domain/spec.js';
import { aSpec } from '../../testing/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';

let queues = 0;

/** Schedules of a task queue of their own, and the models that they are for. */
async function open() {
  const { temporal } = await testServers();
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  queues += 1;
  const model = `scheduled-${process.pid}-${queues}`;
  const schedules = new Schedules({ client, taskQueue: model });
  const apply = (retrain: ModelSpecInput['retrain']) =>
    schedules.apply({ [model]: aSpec({ model, retrain }) });
  const handle = client.schedule.getHandle(`retrain/${model}`);
  return {
    ...{ client, model, schedules, apply, handle },
    [Symbol.asyncDispose]: async () => {
      await handle.delete().catch(() => undefined);
      await connection.close();
    },
  };
}

const none: Readonly<Record<string, ModelSpec>> = {};

describe('Schedules', () => {
  it('creates, updates and deletes what the specification says', async () => {
    await using given = await open();
    const { model, apply, handle } = given;
    assert.deepEqual([...(await apply({ every: '1 day' }))], [[model, 'created']]);
    const created = await handle.describe();
    assert.equal(created.spec.intervals?.[0]?.every, 86_400_000);
    assert.deepEqual(created.policies.overlap, 'SKIP');
    assert.deepEqual(created.action.args, [{ model, reason: 'schedule', startedBy: 'schedule' }]);
    assert.equal(created.action.workflowId, `lifecycle/${model}/scheduled`);

    const cron = { cron: '0 3 * * *', overlap: 'buffer-one', catchUp: '2 days' } as const;
    assert.deepEqual([...(await apply(cron))], [[model, 'updated']]);
    const updated = await handle.describe();
    assert.equal(updated.spec.intervals?.length ?? 0, 0);
    assert.equal(updated.spec.calendars?.length, 1);
    assert.deepEqual(
      [updated.policies.overlap, updated.policies.catchupWindow],
      ['BUFFER_ONE', 2 * 86_400_000],
    );
    await until('it is listed', async () =>
      (await given.schedules.list()).length === 1 ? true : undefined,
    );
    assert.deepEqual([...(await apply({}))], [[model, 'deleted']]);
    await assert.rejects(handle.describe());
  });

  it('keeps a pause by a person, whatever workers start', async () => {
    await using given = await open();
    await given.apply({ every: '1 day' });
    await given.schedules.pause(given.model, 'ada: a campaign');
    await given.apply({ every: '2 days' });
    const { state, spec } = await given.handle.describe();
    assert.deepEqual([state.paused, state.note], [true, 'ada: a campaign']);
    assert.equal(spec.intervals?.[0]?.every, 2 * 86_400_000);
    await given.schedules.resume(given.model, 'ada: it is over');
    assert.equal((await given.handle.describe()).state.paused, false);
  });

  it('is made once by several workers that start at the same time', async () => {
    await using given = await open();
    const changes = await Promise.all(
      Array.from({ length: 5 }, () => given.apply({ every: '1 day' })),
    );
    const kinds = changes.map((change) => change.get(given.model));
    assert.equal(kinds.filter((kind) => kind === 'created').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'updated').length, 4);
  });

  it('leaves alone what somebody else made', async () => {
    await using given = await open();
    const { client, model } = given;
    const action = { type: 'startWorkflow', workflowType: 'theirs', taskQueue: 'theirs' } as const;
    const spec = { intervals: [{ every: '1 day' }] };
    await client.schedule.create({ scheduleId: `retrain/${model}`, spec, action });
    assert.deepEqual([...(await given.apply({ every: '3 days' }))], [[model, 'foreign']]);
    await given.schedules.apply(none);
    assert.equal((await given.handle.describe()).action.workflowType, 'theirs');
  });

  it('says in one sentence that a model has no schedule', async () => {
    await using given = await open();
    for (const act of [
      () => given.schedules.pause('nothing-here', 'x'),
      () => given.schedules.resume('nothing-here', 'x'),
      () => given.schedules.trigger('nothing-here'),
      () => given.schedules.trigger('No Name'),
    ]) {
      await assert.rejects(act, (error) => {
        assert.ok(isPortError(error) && error.type === 'InvalidRequest', String(error));
        assert.match(error.message, /has no schedule: give its specification retrain\.every/);
        return !error.message.includes('\n');
      });
    }
  });

  it('starts a lifecycle that says why, and skips a start while one is open', async () => {
    await using rig = await startRig('schedule-trigger', (place) => fakeActivities(place));
    const model = rig.taskQueue;
    const schedules = new Schedules(rig);
    await schedules.apply({ [model]: aSpec({ model, retrain: { every: '30 days' } }) });
    const handle = rig.client.schedule.getHandle(`retrain/${model}`);
    try {
      await schedules.trigger(model);
      const started = await until('a lifecycle is started', async () => {
        const { info } = await handle.describe();
        return info.recentActions[0]?.action.workflow;
      });
      assert.match(started.workflowId, new RegExp(`^lifecycle/${model}/scheduled-20`));
      await until('it waits for an approval', async () => {
        const { waitingFor } = await rig.switchyard.status(started.workflowId);
        return waitingFor.length > 0 ? true : undefined;
      });
      await schedules.trigger(model);
      await until('the second start is skipped', async () => {
        const { info } = await handle.describe();
        return info.numActionsSkippedOverlap > 0 ? true : undefined;
      });
      assert.equal((await handle.describe()).info.runningActions.length, 1);
      await rig.switchyard.cancel(started.workflowId);
      await rig.switchyard.outcome(started.workflowId).catch(() => undefined);
    } finally {
      await handle.delete();
    }
  });
});
