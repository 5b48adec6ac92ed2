import assert from 'node:assert/strict';
import type { ServedVersion } from '../../domain/live-state.js';
import { followLive } from '../../serving/follow-live.js';
import { LABELS, textModel, type SmallModel } from '../support/small-models.js';
import { MemoryRegistry } from './memory-registry.js';
import { MODEL, startRig, until } from './serving-rig.js';

const TWIN = 'model.int8.onnx';

/** A version of two files whose answers differ. */
function twoFiles(): SmallModel {
  const { manifest, files } = textModel();
  const other = textModel({ turn: 1 }).files['model.onnx'] ?? assert.fail();
  return { manifest, files: { ...files, [TWIN]: other } };
}

describe('a version that goes live again by another of its files', () => {
  it('is opened anew by that one, and the other never answers for it', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(twoFiles())));
    const { registry, runtime } = rig;
    const first =
      (await registry.versionByDigest(MODEL, registry.state?.live ?? '')) ?? assert.fail();
    assert.equal((await rig.ask('refund')).label, LABELS[0]);
    registry.promote(registry.publish(textModel({ turn: 2 })));
    await until(async () => (await rig.ask('refund')).label === LABELS[2]);
    registry.promote(first, TWIN);
    const labels = new Set<unknown>();
    await until(async () => {
      const { status, digest, label } = await rig.ask('refund');
      assert.equal(status, 200);
      if (digest === first.digest) labels.add(label);
      return digest === first.digest;
    });
    assert.deepEqual(labels, new Set([LABELS[1]]));
    assert.equal(await runtime.opened[0]?.exited, 'closed');
  });

  it('answers by the file that it has until the other is open, where nobody saw what was live between', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(twoFiles())));
    const { registry, runtime } = rig;
    const { state } = registry;
    const [served] = state?.served ?? [];
    assert.ok(state && served);
    registry.put({
      ...{ ...state, generation: state.generation + 1, writeId: 'another' },
      served: [{ ...served, artifact: TWIN }],
    });
    await until(async () => {
      const { status, label } = await rig.ask('refund');
      assert.equal(status, 200);
      return label === LABELS[1];
    });
    assert.equal(await runtime.opened[0]?.exited, 'closed');
    assert.equal(runtime.opened.length, 2);
  });

  it('is told to whoever follows', async () => {
    const registry = new MemoryRegistry(MODEL);
    registry.promote(registry.publish(twoFiles()));
    const seen: (ServedVersion | null)[] = [];
    await using following = followLive({
      ...{ registry, model: MODEL, everyMs: 5 },
      onVersion: (version) => Promise.resolve(void seen.push(version)),
    });
    await until(() => seen.length === 1);
    const { state } = registry;
    const [served] = state?.served ?? [];
    assert.ok(state && served);
    registry.put({
      ...{ ...state, generation: state.generation + 1, writeId: 'another' },
      served: [{ ...served, artifact: TWIN }],
    });
    await until(() => seen.length === 2);
    assert.deepEqual(
      seen.map((version) => version?.artifact),
      ['model.onnx', TWIN],
    );
    await following.stop();
  });
});
