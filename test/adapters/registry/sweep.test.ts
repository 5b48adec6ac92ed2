import assert from 'node:assert/strict';
import { takeInventory } from '../../../adapters/registry/inventory.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { sweep } from '../../../adapters/registry/sweep.js';
import type { ObjectStore } from '../../../domain/ports/object-store.js';
import { retentionSpecSchema } from '../../../domain/retention.js';
import { planSweep } from '../../../domain/sweep.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { ownBucket } from '../../support/own-bucket.js';
import { aFolder, aManifest, aTestReport, uniqueModel } from './builders.js';

const DAY_MS = 86_400_000;

/** Four versions of a model of which the first serves; retention keeps one besides. */
async function fourVersions(store: ObjectStore) {
  const model = uniqueModel();
  const registry = new ObjectRegistry(store);
  const publish = async (version: number) => {
    const files = { 'model.onnx': `graph ${version}`, 'words.json': `words ${version}` };
    await using folder = await aFolder(files);
    return await registry.publish(aManifest(model, files), folder.path);
  };
  for (const version of [1, 2, 3, 4]) await publish(version);
  const first = (await registry.version(model, 1)) ?? assert.fail('there is no version 1');
  const candidate = {
    ...{ version: 1, digest: first.digest, artifact: 'model.onnx' },
    ...{ evidence: 'e'.repeat(64), decisions: [] },
  };
  await registry.changeLive(model, { kind: 'promote', baseline: null, candidate }, 'write-1');
  return { model, registry, publish };
}

async function planOf(store: ObjectStore, model: string, laterDays = 0) {
  const bucket = await takeInventory(store);
  const staging = bucket.staging.map((each) => ({
    ...each,
    model: null,
    state: 'unknown' as const,
  }));
  const inventory = { ...bucket, staging };
  const plan = planSweep({
    inventory,
    open: { digests: new Set(), since: null },
    retention: { [model]: retentionSpecSchema.parse({ versions: 1 }) },
    includesShared: true,
    now: new Date(inventory.now.getTime() + laterDays * DAY_MS),
  });
  return { plan, inventory };
}

const numbersOf = async (registry: ObjectRegistry, model: string) =>
  (await registry.versions(model)).map(({ version }) => version);

for (const [where, openStore] of [
  ['in memory', () => Promise.resolve(new MemoryObjectStore())],
  ['on S3', async () => (await ownBucket()).store],
] as const) {
  describe(`sweep ${where}`, () => {
    it('deletes versions but not what serves, and a number never names another version', async () => {
      const store: ObjectStore = await openStore();
      const { model, registry, publish } = await fourVersions(store);
      const { plan, inventory } = await planOf(store, model);
      const swept = await sweep(store, plan, inventory);
      assert.deepEqual([swept.things, swept.objects, swept.spared], [2, 6, []]);
      assert.deepEqual(await numbersOf(registry, model), [1, 4]);
      const { objects } = await store.list(`models/${model}/versions/2/`);
      assert.deepEqual(
        objects.map(({ key }) => key),
        [`models/${model}/versions/2/claim.json`],
      );

      const again = await planOf(store, model);
      assert.equal(again.plan.items.filter(({ isDeleted }) => isDeleted).length, 0);
      assert.equal((await publish(2)).version, 2);
      assert.equal((await publish(5)).version, 5);
    });
  });
}

describe('sweep', () => {
  it('spares a version that began to serve after the plan was made', async () => {
    const store = new MemoryObjectStore();
    const { model, registry } = await fourVersions(store);
    const { plan, inventory } = await planOf(store, model);
    const third = (await registry.version(model, 3)) ?? assert.fail('there is no version 3');
    const candidate = {
      ...{ version: 3, digest: third.digest, artifact: 'model.onnx' },
      ...{ evidence: 'e'.repeat(64), decisions: [] },
    };
    const baseline = (await registry.live(model))?.state.live ?? null;
    await registry.changeLive(model, { kind: 'promote', baseline, candidate }, 'write-2');
    const swept = await sweep(store, plan, inventory);
    assert.deepEqual(swept.spared, [`${model} 3`]);
    assert.deepEqual(await numbersOf(registry, model), [1, 3, 4]);
  });

  it('spares the reports of a version that began to serve after the plan was made', async () => {
    const store = new MemoryObjectStore();
    const { model, registry } = await fourVersions(store);
    const third = (await registry.version(model, 3)) ?? assert.fail('there is no version 3');
    const report = `models/${model}/evidence/${third.digest}/${'f'.repeat(64)}.json`;
    await store.put(report, Buffer.from('{}'), 'none');
    const { plan, inventory } = await planOf(store, model, 400);
    assert.ok(plan.items.some(({ keys, isDeleted }) => isDeleted && keys.includes(report)));
    const candidate = {
      ...{ version: 3, digest: third.digest, artifact: 'model.onnx' },
      ...{ evidence: 'e'.repeat(64), decisions: [] },
    };
    const baseline = (await registry.live(model))?.state.live ?? null;
    await registry.changeLive(model, { kind: 'promote', baseline, candidate }, 'write-2');
    await sweep(store, plan, inventory);
    assert.notEqual(await store.get(report), null);
  });

  it('takes pages with the reports of a version that is gone, and no page of one that stays', async () => {
    const store = new MemoryObjectStore();
    const { model, registry } = await fourVersions(store);
    const [live, gone] = [await registry.version(model, 1), await registry.version(model, 2)];
    assert.ok(live !== null && gone !== null);
    for (const { digest } of [live, gone]) {
      await registry.putEvidence(model, digest, aTestReport(model, digest));
      await registry.putPage(model, digest, '<p>a page</p>');
    }
    const { plan, inventory } = await planOf(store, model, 400);
    await sweep(store, plan, inventory);
    const left = async (digest: string) =>
      (await store.list(`models/${model}/evidence/${digest}/`)).objects.length;
    assert.deepEqual([await left(live.digest), await left(gone.digest)], [2, 0]);
  });

  it('spares what a workflow that began after the plan was made names', async () => {
    const store = new MemoryObjectStore();
    const { model, registry } = await fourVersions(store);
    const { plan, inventory } = await planOf(store, model);
    const second = (await registry.version(model, 2)) ?? assert.fail('there is no version 2');
    const open = { digests: new Set([second.digest]), since: new Date() };
    const swept = await sweep(store, plan, inventory, { openNow: () => Promise.resolve(open) });
    assert.deepEqual(swept.spared, [`${model} 2`]);
    assert.deepEqual(await numbersOf(registry, model), [1, 2, 4]);
  });

  it('leaves no half version that looks whole, wherever it is killed, and ends what it began', async () => {
    for (let deletions = 0; deletions < 6; deletions += 1) {
      const store = new DyingStore();
      const { model, registry } = await fourVersions(store);
      const { plan, inventory } = await planOf(store, model);
      store.deletionsLeft = deletions;
      await assert.rejects(sweep(store, plan, inventory), /killed/);
      store.deletionsLeft = Number.POSITIVE_INFINITY;
      for (const version of await registry.versions(model)) {
        await using folder = await aFolder();
        await registry.fetchVersion(version, folder.path);
      }
      const rest = await planOf(store, model, 2);
      await sweep(store, rest.plan, rest.inventory);
      assert.deepEqual(await numbersOf(registry, model), [1, 4]);
      const { objects } = await store.list(`models/${model}/versions/`);
      assert.equal(objects.length, 2 * 4 + 2, 'two whole versions, and two claims');
    }
  });
});

/** A store that fails after some deletions, as when the process was killed there. */
class DyingStore extends MemoryObjectStore {
  deletionsLeft = Number.POSITIVE_INFINITY;

  override async delete(key: string): Promise<void> {
    if (this.deletionsLeft === 0) throw new Error('killed');
    this.deletionsLeft -= 1;
    await super.delete(key);
  }
}
