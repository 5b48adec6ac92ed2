import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import type { FollowUp } from '../../domain/follow-up.js';
import { liveChangeSchema } from '../../domain/live-state.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { liveWorkflowId, moveOn } from '../../workflows/messages.js';
import { aDigest, aPromotion } from '../adapters/registry/builders.js';

const grace = { by: 'grace', reason: 'wrong queues' };
type Open = Activities['openFollowUp'];

/** A rig with a model of its own that has three versions; every attempt to open a follow-up is told to `open`. */
async function startThree(
  context: Mocha.Context,
  open: (followUp: FollowUp) => ReturnType<Open>,
  overrides: (live: MemoryLive) => Partial<Activities> = () => ({}),
) {
  const live = new MemoryLive();
  const openFollowUp: Open = ({ followUp }) => open(followUp);
  const rig = await startRig(context.test?.title ?? 'live', (place) =>
    fakeActivities(place, { live, overrides: { openFollowUp, ...overrides(live) } }),
  );
  const model = `follow-${randomUUID().slice(0, 8)}`;
  const pointer = new TemporalLivePointer(rig);
  for (const [word, over] of [['one', null] as const, ['two', 'one'] as const]) {
    await pointer.ask(model, aPromotion(word, over), `promote ${word}`);
  }
  return { rig, model, pointer, handle: rig.client.workflow.getHandle(liveWorkflowId(model)) };
}

const fallBack = (rig: Rig, model: string, order: object = {}) =>
  rig.switchyard.fallback(model, { ...grace, leaving: aDigest('two'), ...order });

const opened = { workflowId: 'follow-up/x/y', opened: true };

describe('follow-ups of liveModel', () => {
  it('are opened once for each fallback, for the role that the order names, with its inputs', async function () {
    const seen: FollowUp[] = [];
    const given = await startThree(this, (followUp) => {
      seen.push(followUp);
      return Promise.resolve(opened);
    });
    const { model, pointer, handle } = given;
    await using rig = given.rig;
    const inputs = [{ id: 'mail-1', excerpt: 'where is it', detail: 'billing, not delivery' }];
    await fallBack(rig, model, { owner: 'data-science', inputs });
    assert.equal((await fallBack(rig, model)).kind, 'already-done');
    await pointer.ask(model, aPromotion('three', 'one'), 'promote three');
    await fallBack(rig, model, { leaving: aDigest('three') });
    await until('two are opened', () => Promise.resolve(seen[1]));

    assert.equal(seen.length, 2);
    assert.deepEqual(
      { ...seen[0], text: '' },
      {
        ...{ model, key: 'fallback-g3', owner: 'data-science', cause: 'fallback', text: '' },
        title: `${model} fell back from version 1: wrong queues`,
        subject: {
          workflowId: liveWorkflowId(model),
          ...{ version: 1, digest: aDigest('two'), generation: 3 },
        },
        inputs,
      },
    );
    assert.match(seen[0]?.text ?? '', /^grace fell back from version 1 at 20.*: wrong queues$/m);
    assert.deepEqual([seen[1]?.key, seen[1]?.owner], ['fallback-g5', 'engineering']);
    await handle.terminate();
  });

  it('neither delay nor fail the answer, and stop nothing where they cannot be opened', async function () {
    const refused = ApplicationFailure.nonRetryable('access denied', 'InvalidRequest');
    let asked = 0;
    const given = await startThree(this, () => {
      asked += 1;
      return Promise.reject(refused);
    });
    const { model, handle } = given;
    await using rig = given.rig;
    assert.equal((await fallBack(rig, model)).kind, 'fallen-back');
    await until('it is asked for', () => Promise.resolve(asked > 0 ? true : undefined));
    assert.equal((await rig.switchyard.freeze(model, grace)).kind, 'frozen');
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    await handle.terminate();
  });

  it('are opened, once, of a fallback whose answer was lost, when its write is seen', async function () {
    const seen: FollowUp[] = [];
    const given = await startThree(
      this,
      (followUp) => {
        seen.push(followUp);
        return Promise.resolve(opened);
      },
      (live) => ({
        writeLive: ({ model, change, writeId }) => {
          const wish = liveChangeSchema.parse(change);
          const answer = live.change(model, wish, writeId);
          if (wish.kind !== 'fallback' || answer.kind !== 'fallen-back')
            return Promise.resolve(answer);
          const lost = ApplicationFailure.nonRetryable('its answer was lost', 'StoreUnreachable');
          return Promise.reject(lost);
        },
      }),
    );
    const { model, handle } = given;
    await using rig = given.rig;
    await assert.rejects(fallBack(rig, model), /its answer was lost/);
    assert.deepEqual(seen, []);
    assert.equal((await fallBack(rig, model)).kind, 'already-done');
    assert.equal((await fallBack(rig, model)).kind, 'already-done');
    await rig.switchyard.freeze(model, grace);
    await until('it is opened', () => Promise.resolve(seen[0]));
    assert.deepEqual(
      seen.map(({ key, title }) => [key, title]),
      [['fallback-g3', `${model} fell back from version 1: wrong queues`]],
    );
    await handle.terminate();
  });

  it('that are not open when the run ends are opened by the next one', async function () {
    let isDown = true;
    const seen = new Set<string>();
    const given = await startThree(this, ({ key }) => {
      if (isDown) return Promise.reject(new Error('Temporal is down'));
      seen.add(key);
      return Promise.resolve(opened);
    });
    const { model, handle } = given;
    await using rig = given.rig;
    assert.equal((await fallBack(rig, model)).kind, 'fallen-back');
    const { runId } = await handle.describe();
    await handle.executeUpdate(moveOn, { args: [{ because: 'a release' }] });
    await until('another run', async () =>
      (await handle.describe()).runId === runId ? undefined : true,
    );
    assert.equal((await rig.switchyard.live(model))?.generation, 3);
    isDown = false;
    await until('it is opened', () => Promise.resolve(seen.has('fallback-g3') ? true : undefined));
    await handle.terminate();
  });
});
