import assert from 'node:assert/strict';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { fallBackDirectly } from '../../client/direct-fallback.js';
import { TemporalFollowUps } from '../../client/follow-ups.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { liveChangeSchema } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import { liveWorkflowId, WORKFLOW_TYPES } from '../../workflows/messages.js';
import { aDigest, aPromotion, failure, uniqueModel } from '../adapters/registry/builders.js';
import { WatchedStore, type Watch } from '../adapters/registry/watched-store.js';
import { storeOf } from '../lifecycle/processes.js';
import { detailsOf } from './details-of.js';

const grace = { by: 'grace', reason: 'wrong queues' };
const ada = { by: 'ada', reason: 'too slow' };

/** Workers whose `liveModel` writes to the real bucket, and opens real follow-ups. */
function startYard(store: ObjectStore, given: { watch?: Watch; taskQueue?: string } = {}) {
  const registry = new ObjectRegistry(new WatchedStore(store, given.watch));
  return startRig(
    'direct',
    (place) => {
      const followUps = new TemporalFollowUps(place);
      return fakeActivities(place, {
        overrides: {
          writeLive: ({ model, change, writeId }) =>
            registry.changeLive(model, liveChangeSchema.parse(change), writeId),
          openFollowUp: ({ followUp }) => followUps.open(followUp),
        },
      });
    },
    given.taskQueue === undefined ? {} : { taskQueue: given.taskQueue },
  );
}

async function promote(rig: Rig, model: string, ...words: readonly string[]): Promise<void> {
  const pointer = new TemporalLivePointer(rig);
  for (const [index, word] of words.entries()) {
    const change = aPromotion(word, words[index - 1] ?? null);
    assert.equal((await pointer.ask(model, change, `promote ${word}`)).kind, 'promoted');
  }
}

/** Waits until so many follow-ups are open, and gives their titles. */
const openTitles = (rig: Rig, model: string, count: number) =>
  until(`${count} follow-ups`, async () => {
    const rows = await rig.switchyard.followUps({ model });
    return rows.length >= count ? rows.map(({ title }) => title).sort() : undefined;
  });

/** Ends what a test started, so that nothing asks for a worker later. */
async function endAll(rig: Rig, model: string): Promise<void> {
  const open = await rig.switchyard.followUps({ model });
  const ids = [liveWorkflowId(model), ...open.map(({ workflowId }) => workflowId)];
  for (const id of ids) await rig.client.workflow.getHandle(id).terminate();
}

describe('a direct fallback', () => {
  let store: ObjectStore;

  before(async () => {
    store = storeOf(await testServers());
  });

  it('works while no worker lives, and is adopted once when one is back', async () => {
    const model = uniqueModel();
    const first = await startYard(store);
    await promote(first, model, 'one', 'two', 'three');
    const { taskQueue } = first;
    await first[Symbol.asyncDispose]();

    const registry = new ObjectRegistry(store);
    const back = await fallBackDirectly(registry, model, grace);
    assert.deepEqual(back, { kind: 'fallen-back', generation: 4, live: aDigest('two') });
    const again = { ...ada, leaving: aDigest('three') };
    assert.equal((await fallBackDirectly(registry, model, again)).kind, 'already-done');

    await using rig = await startYard(store, { taskQueue });
    assert.equal((await rig.switchyard.live(model))?.generation, 3);
    assert.deepEqual(await rig.switchyard.adopt(model), {
      ...{ kind: 'adopted', generation: 4, live: aDigest('two') },
    });
    assert.equal((await rig.switchyard.live(model))?.generation, 4);
    assert.match(
      await detailsOf(rig, liveWorkflowId(model)),
      /written past this workflow, by grace: wrong queues: \*\*fallen-back\*\*, generation 4/,
    );
    await rig.switchyard.adopt(model);
    assert.deepEqual(await openTitles(rig, model, 1), [
      `${model} fell back from version 1: wrong queues`,
    ]);
    const order = { ...ada, leaving: aDigest('three') };
    assert.equal((await rig.switchyard.fallback(model, order)).kind, 'already-done');
    const notes = await detailsOf(rig, liveWorkflowId(model));
    assert.equal(notes.match(/written past this workflow/g)?.length, 1);
    await endAll(rig, model);
  }).timeout(60_000);

  it('is adopted by the next change, and by a liveModel that starts', async () => {
    const model = uniqueModel();
    await using rig = await startYard(store);
    await promote(rig, model, 'one', 'two', 'three');
    const registry = new ObjectRegistry(store);
    await fallBackDirectly(registry, model, grace);
    await rig.switchyard.freeze(model, ada);
    const [title] = await openTitles(rig, model, 1);
    assert.match(title ?? '', /wrong queues/);

    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
    await fallBackDirectly(registry, model, { ...ada, leaving: aDigest('two') });
    await rig.client.workflow.start(WORKFLOW_TYPES.live, {
      ...{ workflowId: liveWorkflowId(model), taskQueue: rig.taskQueue, args: [{ model }] },
    });
    assert.equal((await openTitles(rig, model, 2)).length, 2);
    assert.equal((await rig.switchyard.live(model))?.picture?.frozen?.by, 'ada');
    await endAll(rig, model);
  }).timeout(60_000);

  it('wins or loses against a write of liveModel by compare-and-set, and two of them equal one', async () => {
    const model = uniqueModel();
    const direct = new ObjectRegistry(store);
    let between: (() => Promise<unknown>) | null = null;
    const before = async (call: string, key: string) => {
      if (call !== 'put' || !key.includes(model)) return;
      const run = between;
      between = null;
      await run?.();
    };
    await using rig = await startYard(store, { watch: { before } });
    await promote(rig, model, 'one', 'two', 'three');

    between = () => fallBackDirectly(direct, model, grace);
    const order = { ...ada, leaving: aDigest('three') };
    const lost = await rig.switchyard.fallback(model, order);
    assert.deepEqual(lost, { kind: 'already-done', generation: 4, live: aDigest('two') });

    between = () => fallBackDirectly(direct, model, { ...grace, leaving: aDigest('two') });
    const pointer = new TemporalLivePointer(rig);
    const late = await pointer.ask(model, aPromotion('four', 'two'), 'promote four');
    assert.deepEqual(late, { kind: 'moved', generation: 5, live: aDigest('one') });
    const withdrawn = await pointer.ask(model, aPromotion('two', 'one'), 'two again');
    assert.equal(withdrawn.kind, 'withdrawn');
    assert.equal((await fallBackDirectly(direct, model, grace)).kind, 'already-done');
    const last = { ...grace, leaving: aDigest('one') };
    assert.equal((await fallBackDirectly(direct, model, last)).kind, 'no-previous');

    assert.equal((await openTitles(rig, model, 2)).length, 2);
    await endAll(rig, model);
  }).timeout(60_000);

  it('says in one sentence what is missing, and writes nothing then', async () => {
    const model = uniqueModel();
    const registry = new ObjectRegistry(store);
    const refused = (order: Parameters<typeof fallBackDirectly>[2], sentence: RegExp) =>
      assert.rejects(fallBackDirectly(registry, model, order), failure('InvalidRequest', sentence));
    await refused(grace, /no live\.json of "model-.*nothing to leave/);
    await refused({ ...grace, leaving: aDigest('one') }, /no live\.json/);
    await registry.changeLive(model, aPromotion('one', null), 'w1');
    await refused({ ...grace, leaving: 'one' }, /"one" is no digest/);
    await refused({ by: ' ', reason: 'x' }, /needs by and reason/);
    assert.equal((await registry.live(model))?.state.generation, 1);
  });
});
