import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { RegistryWatch } from '../../../adapters/registry/registry-watch.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { aFolder, aManifest, anEvidence, failure } from './builders.js';
import { unreachable, WatchedStore } from './watched-store.js';

/** A model with versions of which the first is live by its evidence, and one replica. */
async function aModel(store: MemoryObjectStore, model: string, versions: number) {
  const registry = new ObjectRegistry(store);
  for (let number = 1; number <= versions; number += 1) {
    const files = { 'model.onnx': `graph ${number} of ${model}`, 'words.json': 'words' };
    await using folder = await aFolder(files);
    await registry.publish(aManifest(model, files), folder.path);
  }
  const first = (await registry.version(model, 1)) ?? assert.fail('there is no version 1');
  const evidence = await registry.putEvidence(model, first.digest, anEvidence(model, first.digest));
  const candidate = { digest: first.digest, version: 1, artifact: 'model.onnx', evidence };
  const change = { kind: 'promote', baseline: null, candidate: { ...candidate, decisions: [] } };
  await registry.changeLive(model, { ...change, kind: 'promote' }, `${randomUUID()}/promote/a`);
  const report = { replica: 'one', digest: first.digest, generation: 1, problem: null };
  await registry.reportReplica(model, report);
  return first;
}

describe('RegistryWatch', () => {
  it('sees 3 models of 20 versions in 22 calls, and reads no file of a version', async () => {
    const memory = new MemoryObjectStore();
    const models = ['one', 'two', 'three'];
    for (const model of models) await aModel(memory, model, 20);
    const store = new WatchedStore(memory);
    const watch = new RegistryWatch(store);
    await watch.staged();
    for (const model of models) {
      const seen = await watch.look(model);
      assert.equal(seen.versions, 20);
      assert.deepEqual(seen.version?.faults, []);
      assert.deepEqual([seen.unfinished, seen.unreadable], [[], []]);
      assert.equal(seen.evidence?.manifest, seen.live?.live);
    }
    assert.equal(store.calls.length, 1 + 3 * 7, store.calls.join('\n'));
    assert.deepEqual(
      store.calls.filter((call) => /model\.onnx|words\.json|getFile|put|delete/.test(call)),
      [],
    );
  });

  it('sees a file that is gone or cut, and a directory without a manifest', async () => {
    const store = new MemoryObjectStore();
    const { digest } = await aModel(store, 'one', 2);
    await store.delete('models/one/versions/1/words.json');
    await store.put('models/one/versions/1/model.onnx', Buffer.from('cut'), 'none');
    await store.delete('models/one/versions/2/manifest.json');
    const seen = await new RegistryWatch(store).look('one');
    assert.equal(seen.version?.digest, digest);
    assert.deepEqual(seen.version.faults, [
      'its file model.onnx has 3 bytes, not 14',
      'its file words.json is not there',
    ]);
    assert.deepEqual(
      seen.unfinished.map(({ version }) => version),
      [2],
    );
  });

  it('tells of each object that cannot be read, but fails where the store does not answer', async () => {
    const memory = new MemoryObjectStore();
    const { digest } = await aModel(memory, 'one', 1);
    const { evidence } = (await new RegistryWatch(memory).look('one')).live?.served[0] ?? {};
    const torn = [
      'models/one/live.json',
      'models/one/versions/1/manifest.json',
      `models/one/evidence/${digest}/${evidence ?? ''}.json`,
      'models/one/replicas/one.json',
    ];
    for (const key of torn) {
      const whole = (await memory.get(key))?.bytes ?? assert.fail(key);
      await memory.put(key, whole.subarray(0, 20), 'none');
      const { unreadable } = await new RegistryWatch(memory).look('one');
      assert.equal(unreadable.length, 1, key);
      assert.ok(key.startsWith(unreadable[0]?.key ?? '-'), `${unreadable[0]?.key ?? ''} of ${key}`);
      await memory.put(key, whole, 'none');
    }
    const before = (_: string, key: string) => {
      if (key === 'models/one/versions/1/claim.json') throw unreachable();
    };
    const watch = new RegistryWatch(new WatchedStore(memory, { before }));
    await assert.rejects(watch.look('one'), failure('StoreUnreachable'));
  });
});
