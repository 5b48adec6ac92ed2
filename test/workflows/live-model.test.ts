import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { isPortError } from '../../domain/failures.js';
import type { LiveChange } from '../../domain/live-state.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { aDigest } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { detailsOf } from './details-of.js';

const rigFor = (context: Mocha.Context, live: MemoryLive, overrides: Partial<Activities> = {}) =>
  startRig(context.test?.title ?? 'live', (place) => fakeActivities(place, { live, overrides }));

/** Model names are shared by all tests on one server, since `live/<model>` is one workflow. */
const aModel = () => `live-${randomUUID().slice(0, 8)}`;

const promotion = (
  name: string,
  baseline: string | null,
): Extract<LiveChange, { kind: 'promote' }> => ({
  kind: 'promote',
  candidate: {
    digest: aDigest(name),
    version: 1,
    artifact: 'model.onnx',
    evidence: aDigest(`evidence of ${name}`),
    decisions: [],
  },
  baseline,
});

const order = (name: string) => ({ leaving: aDigest(name), by: 'grace', reason: 'wrong queues' });

async function promoteTwo(rig: Rig, model: string): Promise<TemporalLivePointer> {
  const pointer = new TemporalLivePointer(rig);
  await pointer.ask(model, promotion('one', null), 'ask-1');
  await pointer.ask(model, promotion('two', aDigest('one')), 'ask-2');
  return pointer;
}

describe('liveModel', () => {
  it('promotes, falls back, and never serves a withdrawn version again', async function () {
    const live = new MemoryLive();
    const model = aModel();
    await using rig = await rigFor(this, live);
    const pointer = await promoteTwo(rig, model);
    const back = await rig.switchyard.fallback(model, order('two'));
    assert.deepEqual(back, { kind: 'fallen-back', generation: 3, live: aDigest('one') });
    const again = await pointer.ask(model, promotion('two', aDigest('one')), 'ask-3');
    assert.equal(again.kind, 'withdrawn');
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('answers two fallbacks that leave the same version as one', async function () {
    const live = new MemoryLive();
    const model = aModel();
    await using rig = await rigFor(this, live);
    await promoteTwo(rig, model);
    const answers = await Promise.all([
      rig.switchyard.fallback(model, order('two')),
      rig.switchyard.fallback(model, order('two')),
    ]);
    assert.deepEqual(answers.map(({ kind }) => kind).sort(), ['already-done', 'fallen-back']);
    assert.equal(live.writes, 3);
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('refuses a fallback by name where there is no previous version', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    await new TemporalLivePointer(rig).ask(model, promotion('one', null), 'ask-1');
    const answer = await rig.switchyard.fallback(model, order('one'));
    assert.equal(answer.kind, 'no-previous');
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('gives a repeated request its first answer, also after it has continued as new', async function () {
    const live = new MemoryLive();
    const model = aModel();
    await using rig = await rigFor(this, live);
    const pointer = new TemporalLivePointer(rig);
    const describe = () => rig.client.workflow.getHandle(liveWorkflowId(model)).describe();
    const ask = (wish: number) =>
      pointer.ask(
        model,
        promotion(`${wish}`, wish === 1 ? null : aDigest(`${wish - 1}`)),
        `ask-${wish}`,
      );
    let wish = 1;
    let answer = await ask(wish);
    const { runId } = await describe();
    while ((await describe()).runId === runId) {
      wish += 1;
      answer = await ask(wish);
      assert.ok(wish < 200, 'it never continues as new');
    }
    assert.deepEqual(await ask(wish), answer);
    assert.equal(live.writes, wish);
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  }).timeout(120_000);

  it('survives an answer that fails, and gives the next one', async function () {
    const live = new MemoryLive();
    const model = aModel();
    let broken = true;
    await using rig = await rigFor(this, live, {
      writeLive: ({ model: name, writeId }) => {
        if (broken) return Promise.reject(ApplicationFailure.nonRetryable('no', 'EvidenceInvalid'));
        return Promise.resolve(live.change(name, promotion('one', null), writeId));
      },
    });
    const pointer = new TemporalLivePointer(rig);
    await assert.rejects(
      pointer.ask(model, promotion('one', null), 'ask-1'),
      (error) => isPortError(error) && error.type === 'EvidenceInvalid',
    );
    broken = false;
    assert.equal((await pointer.ask(model, promotion('one', null), 'ask-2')).kind, 'promoted');
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('refuses an update that it does not understand, without an event', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    await promoteTwo(rig, model);
    const handle = rig.client.workflow.getHandle(liveWorkflowId(model));
    const before = (await handle.describe()).historyLength;
    await assert.rejects(handle.executeUpdate('change', { args: [{ kind: 'promote' }] }));
    const direct = { by: 'mallory', reason: 'as if it had been past it' };
    await assert.rejects(
      handle.executeUpdate('change', {
        args: [{ kind: 'fallback', leaving: aDigest('two'), direct }],
      }),
      (error: Error) => /written past this workflow/.test(String(error.cause)),
    );
    assert.equal((await handle.describe()).historyLength, before);
    await handle.terminate();
  });

  it('promotes nothing while it is frozen, but falls back, and promotes after the thaw', async function () {
    const live = new MemoryLive();
    const model = aModel();
    await using rig = await rigFor(this, live);
    const pointer = await promoteTwo(rig, model);
    const who = { by: 'grace', reason: 'wrong queues' };
    assert.equal((await rig.switchyard.freeze(model, who)).kind, 'frozen');
    assert.equal((await rig.switchyard.freeze(model, who)).kind, 'already-done');
    const stopped = await pointer.ask(model, promotion('three', aDigest('two')), 'ask-3');
    assert.deepEqual(
      { ...stopped, frozen: stopped.frozen?.by },
      { kind: 'frozen', generation: 3, live: aDigest('two'), frozen: 'grace' },
    );
    assert.equal((await rig.switchyard.fallback(model, order('two'))).kind, 'fallen-back');
    assert.equal((await rig.switchyard.live(model))?.picture?.frozen?.reason, 'wrong queues');
    assert.equal((await rig.switchyard.thaw(model, who)).kind, 'thawed');
    assert.equal((await rig.switchyard.thaw(model, who)).kind, 'already-done');
    const again = await pointer.ask(model, promotion('three', aDigest('one')), 'ask-4');
    assert.equal(again.kind, 'promoted');
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('gives a request that a freeze stopped the same answer after the thaw', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    const pointer = new TemporalLivePointer(rig);
    await rig.switchyard.freeze(model, { by: 'grace', reason: 'audit' });
    const stopped = await pointer.ask(model, promotion('one', null), 'ask-1');
    await rig.switchyard.thaw(model, { by: 'grace', reason: 'done' });
    assert.deepEqual(await pointer.ask(model, promotion('one', null), 'ask-1'), stopped);
    assert.equal((await pointer.ask(model, promotion('one', null), 'ask-2')).kind, 'promoted');
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('falls back after a thaw that could not be told to anybody', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    const pointer = await promoteTwo(rig, model);
    await rig.switchyard.freeze(model, { by: 'grace', reason: 'audit' });
    const handle = rig.client.workflow.getHandle(liveWorkflowId(model));
    for (const asker of ['€'.repeat(1_000), ' ', 'nobody', liveWorkflowId(model)]) {
      const wish = { ...promotion('three', aDigest('two')), asker };
      await pointer.ask(model, wish, `ask-${asker.slice(0, 20)}`).catch(() => undefined);
    }
    await rig.switchyard.thaw(model, { by: 'grace', reason: 'done' });
    assert.equal((await rig.switchyard.fallback(model, order('two'))).kind, 'fallen-back');
    await handle.terminate();
  });

  it('carries little, whatever was written into the reasons of a freeze', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    const pointer = new TemporalLivePointer(rig);
    await rig.switchyard.freeze(model, { by: 'é'.repeat(200), reason: 'é'.repeat(2_000) });
    const handle = rig.client.workflow.getHandle(liveWorkflowId(model));
    const { runId } = await handle.describe();
    for (let wish = 1; (await handle.describe()).runId === runId; wish += 1) {
      const asker = `lifecycle/${model}/${'x'.repeat(200)}/${wish}`;
      await pointer.ask(model, { ...promotion('one', null), asker }, `ask-${wish}`);
      assert.ok(wish < 200, 'it never continues as new');
    }
    const { events } = await handle.fetchHistory();
    const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const bytes = payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    assert.ok(bytes > 0 && bytes < 128 * 1_024, `${bytes} bytes are carried`);
    await handle.terminate();
  }).timeout(120_000);

  it('shows what serves, the way back and the last changes in its details', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    await promoteTwo(rig, model);
    await rig.switchyard.freeze(model, { by: '<b>grace</b>', reason: 'a | b' });
    const details = await detailsOf(rig, liveWorkflowId(model));
    assert.match(details, /## .*: version 1 is live/);
    assert.match(details, new RegExp(`"leaving": "${aDigest('two')}"`));
    assert.match(details, /\*\*Frozen\*\* by \\<b\\>grace/);
    assert.match(details, /promote version 1.*\*\*promoted\*\*/);
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('refuses a freeze without a reason in one sentence, and shows no stack', async function () {
    const model = aModel();
    await using rig = await rigFor(this, new MemoryLive());
    await promoteTwo(rig, model);
    const handle = rig.client.workflow.getHandle(liveWorkflowId(model));
    await assert.rejects(
      handle.executeUpdate('freeze', { args: [{ by: 'grace', reson: 'x' }] }),
      (error) =>
        error instanceof WorkflowUpdateFailedError &&
        error.cause instanceof ApplicationFailure &&
        /has no key "reson", did you mean "reason"\?/.test(error.cause.message) &&
        !error.cause.failure?.stackTrace,
    );
    await handle.terminate();
  });
});
