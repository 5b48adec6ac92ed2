import assert from 'node:assert/strict';
import { measureSystem, type MeasuredSystem } from '../../activities/measure-system.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import type { Measurement } from '../../domain/gate.js';
import { METRICS } from '../../domain/metrics.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { ELEMENT, onnxModel } from '../support/onnx-builder.js';
import { floats, textModel, writeModel, type SmallModel } from '../support/small-models.js';

const ROWS = ['my password is lost', 'where is the parcel', 'refund please', 'thanks'].map(
  (text, index) => ({ id: `mail-${index}`, text }),
);

/** A text model whose answer to a text with the word "refund" is no number. */
function choosyModel(): SmallModel {
  const { manifest, files } = textModel();
  const weights = Array.from({ length: 6 }, (_, id) => (id === 1 ? -1 : 1)); // id 1 is "refund"
  const graph = onnxModel({
    inputs: [
      { name: 'ids', element: ELEMENT.INT32, shape: ['rows', 'words'] },
      { name: 'counts', element: ELEMENT.FLOAT, shape: ['rows', 'words'] },
    ],
    outputs: [{ name: 'probabilities', element: ELEMENT.FLOAT, shape: ['rows', 3] }],
    constants: [
      floats(
        'table',
        [6, 3],
        weights.flatMap((weight) => [weight, 1, 1]),
      ),
      { name: 'axis', element: ELEMENT.INT64, shape: [1], values: [1] },
    ],
    nodes: [
      { type: 'Gather', inputs: ['table', 'ids'], outputs: ['gathered'] },
      { type: 'Unsqueeze', inputs: ['counts', 'axis'], outputs: ['row'] },
      { type: 'MatMul', inputs: ['row', 'gathered'], outputs: ['product'] },
      { type: 'Squeeze', inputs: ['product', 'axis'], outputs: ['scores'] },
      { type: 'Sqrt', inputs: ['scores'], outputs: ['probabilities'] },
    ],
  });
  return { manifest, files: { ...files, 'model.onnx': graph } };
}

async function measure(model: SmallModel, rows = ROWS): Promise<ReadonlyMap<string, Measurement>> {
  const { measurements } = await measureAll(model, rows);
  return new Map(measurements.map((measurement) => [measurement.metric, measurement]));
}

async function measureAll(model: SmallModel, rows = ROWS): Promise<MeasuredSystem> {
  await using folder = await temporaryFolder();
  await writeModel(model, folder.path);
  return await measureSystem(
    new ChildModelRuntime(),
    {
      directory: folder.path,
      artifact: 'model.onnx',
      manifest: model.manifest,
      rows,
      memoryLimitBytes: 512 * 2 ** 20,
    },
    () => undefined,
  );
}

describe('measureSystem', () => {
  const systemMetrics = Object.entries(METRICS)
    .filter(([name, { kind }]) => kind === 'system' && !/^twin-|^parity-/.test(name))
    .map(([name]) => name)
    .sort();

  it('measures every system metric of a model that runs', async () => {
    const found = await measure(textModel());
    assert.deepEqual([...found.keys()].sort(), systemMetrics);
    for (const [metric, { value, error }] of found) {
      assert.ok(value !== null && Number.isFinite(value), `${metric}: ${error ?? 'no number'}`);
    }
    assert.equal(found.get('exceptions')?.value, 0);
    assert.equal(found.get('artifact-bytes')?.value, textModel().files['model.onnx']?.byteLength);
    // the longest text is the slowest, except where the machine was busy with something else during another row
    const slow = found.get('latency-slowest-ms')?.inputs.map(({ id }) => id) ?? [];
    assert.ok(
      slow.some((id) => id.startsWith('odd-')),
      `the slowest: ${slow.join(', ')}`,
    );
  });

  it('keeps what plots are drawn of: every row that was timed, and the peak after each batch', async () => {
    const { measurements, plots } = await measureAll(textModel());
    const timed = measurements.find(({ metric }) => metric === 'latency-p50-ms')?.sample;
    assert.equal(
      plots.latency?.counts.reduce((sum, count) => sum + count),
      timed,
    );
    assert.deepEqual(
      plots.memory.map(({ rows, longestBytes }) => [rows, longestBytes]),
      [[4, 19]],
    );
    assert.ok((plots.memory[0]?.peakRssBytes ?? 0) > 1e6);
    const { manifest, files } = textModel();
    const broken = { manifest, files: { ...files, 'model.onnx': Buffer.from('not a model') } };
    assert.deepEqual((await measureAll(broken)).plots, { latency: null, memory: [] });
  });

  it('names each input that ends in an error, and measures the others', async () => {
    const found = await measure(choosyModel());
    const exceptions = found.get('exceptions') ?? assert.fail();
    assert.deepEqual(
      exceptions.inputs.map(({ id }) => id),
      ['mail-2', 'odd-repeated-word'],
    );
    assert.equal(exceptions.value, 2);
    assert.match(exceptions.inputs[0]?.detail ?? '', /is NaN, not a finite number/);
    for (const metric of systemMetrics) assert.notEqual(found.get(metric)?.value, null, metric);
  });

  it('says of a model that answers nothing that the rest could not be measured', async () => {
    const found = await measure(choosyModel(), [{ id: 'only', text: 'a refund' }]);
    assert.deepEqual(found.get('exceptions')?.inputs[0]?.id, 'only');
    assert.match(found.get('rows-per-second')?.error ?? '', /no row/);
  });

  it('measures a model that does not load: one exception, and why the rest could not be', async () => {
    const { manifest, files } = textModel();
    const broken = { manifest, files: { ...files, 'model.onnx': Buffer.from('not a model') } };
    const found = await measure(broken);
    assert.deepEqual([...found.keys()].sort(), systemMetrics);
    const exceptions = found.get('exceptions');
    assert.deepEqual([exceptions?.value, exceptions?.inputs[0]?.id], [1, 'load']);
    assert.equal(found.get('artifact-bytes')?.value, 11);
    for (const metric of systemMetrics.filter((name) => !/exceptions|artifact/.test(name))) {
      assert.equal(found.get(metric)?.value, null, metric);
      assert.notEqual(found.get(metric)?.error, '', metric);
    }
  });
});
