import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.js';
import { TemporalFollowUps } from '../../client/follow-ups.js';
import { closedSchema } from '../../domain/follow-up.js';
import { aFollowUp } from '../../testing/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { failure } from '../adapters/registry/builders.js';
import { moveOn } from '../../workflows/messages.js';
import { detailsOf } from './details-of.js';

const order = { role: 'engineering', by: 'grace', reason: 'mended' };

/** A rig, a follow-up of a model of its own, and what people were told. */
async function openOne(context: Mocha.Context, overrides: Partial<Activities> = {}) {
  const told: unknown[] = [];
  const notify: Activities['notify'] = (notice) => {
    told.push(notice);
    return Promise.resolve();
  };
  const rig = await startRig(context.test?.title ?? 'follow-up', (place) =>
    fakeActivities(place, { overrides: { notify, ...overrides } }),
  );
  const followUps = new TemporalFollowUps(rig);
  const followUp = aFollowUp({ model: `follow-${randomUUID().slice(0, 8)}` });
  const { workflowId } = await followUps.open(followUp);
  const handle = rig.client.workflow.getHandle(workflowId);
  const ends = () => rig[Symbol.asyncDispose]();
  return { rig, followUps, followUp, workflowId, handle, told, [Symbol.asyncDispose]: ends };
}

const rowsOf = (followUps: TemporalFollowUps, model: string, all = false) =>
  followUps.list({ model, all, limit: 10 });

const toldOf = (followUps: TemporalFollowUps, workflowId: string) =>
  until('somebody is told', async () => (await followUps.state(workflowId)).told ?? undefined);

describe('followUp', () => {
  it('is one however often it is opened, tells its owner once, and stays closed', async function () {
    await using given = await openOne(this);
    const { rig, followUps, followUp, workflowId, told } = given;
    assert.deepEqual(await followUps.open(followUp), { workflowId, opened: false });
    await toldOf(followUps, workflowId);
    assert.equal(told.length, 1);
    assert.deepEqual(told[0], {
      ...{ kind: 'follow-up', model: followUp.model, workflowId, roles: ['engineering'] },
      text: `fallen back from version 2. When it is mended, engineering types: npx switchyard close ${workflowId} --role engineering --reason 'why'`,
    });

    const [row] = await rowsOf(followUps, followUp.model);
    assert.deepEqual(
      { ...row, openedAt: null },
      {
        ...{ workflowId, model: followUp.model, owner: 'engineering', cause: 'fallback' },
        ...{ title: 'fallen back from version 2', end: 'open', openedAt: null },
        ...{ closedAt: null, closedBy: null },
      },
    );
    assert.equal(await followUps.count(followUp.model), 1);
    const found = `ModelName = "${followUp.model}" AND WaitingFor = "engineering" AND Stage = "follow-up"`;
    assert.equal((await rig.client.workflow.count(found)).count, 1);

    assert.equal((await followUps.close(workflowId, order)).by, 'grace');
    await until('none is open', async () =>
      (await followUps.count(followUp.model)) === 0 ? true : undefined,
    );
    assert.deepEqual(await followUps.open(followUp), { workflowId, opened: false });
    const [closed] = await rowsOf(followUps, followUp.model, true);
    assert.deepEqual([closed?.end, closed?.closedBy], ['closed', 'grace']);
  });

  it('is closed by its owner only, and by a cancellation not at all', async function () {
    await using given = await openOne(this);
    const { followUps, workflowId, handle } = given;
    await handle.cancel();
    await assert.rejects(
      followUps.close(workflowId, { ...order, role: 'data-science' }),
      failure('InvalidRequest', /"data-science" does not close it; "engineering" owns it/),
    );
    await assert.rejects(handle.executeUpdate('close', { args: [{ by: 'grace' }] }));
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    assert.match(await detailsOf(given.rig, workflowId), /--role engineering --reason/);
    await followUps.close(workflowId, order);
    const { at, ...closed } = closedSchema.parse(await handle.result());
    assert.deepEqual(closed, order);
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
    await assert.rejects(followUps.close(workflowId, order), failure('InvalidRequest', /not open/));
  });

  it('moves on to another run, which knows since when it is open and tells nobody twice', async function () {
    await using given = await openOne(this);
    const { followUps, followUp, workflowId, handle, told } = given;
    await toldOf(followUps, workflowId);
    const before = await followUps.state(workflowId);
    const { runId } = await handle.describe();
    await handle.executeUpdate(moveOn, { args: [{ because: 'a release' }] });
    await until('another run', async () =>
      (await handle.describe()).runId === runId ? undefined : true,
    );
    assert.deepEqual(await followUps.state(workflowId), before);
    await until('its age in the list', async () => {
      const [row, ...others] = await rowsOf(followUps, followUp.model, true);
      const isOld = row?.openedAt.toISOString() === before.openedAt && row.owner === 'engineering';
      return isOld && others.length === 0 ? true : undefined;
    });
    await followUps.close(workflowId, order);
    assert.equal(told.length, 1);
  });

  it('closes while nobody can be told, and says that nobody was', async function () {
    const refused = ApplicationFailure.nonRetryable('no such address', 'SetUpMissing');
    await using given = await openOne(this, { notify: () => Promise.reject(refused) });
    const { followUps, workflowId } = given;
    await toldOf(followUps, workflowId);
    assert.match(await detailsOf(given.rig, workflowId), /Nobody could be told/);
    await followUps.close(workflowId, order);
  });

  it('ends at once when it is closed while its owner is still being told', async function () {
    await using given = await openOne(this, {
      notify: () => Promise.reject(new Error('try again')),
    });
    const { followUps, workflowId, handle } = given;
    await followUps.close(workflowId, order);
    await handle.result();
  });
});
