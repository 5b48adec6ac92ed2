import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import { thisRuntime } from '../../../adapters/model-runtime/this-runtime.js';
import type { ChunkedRequest } from '../../../adapters/prediction-log/row-chunk.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { openPredictor } from '../../../serving/open-predictor.js';
import { startEndpoint } from '../../../serving/serve.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { manifestOf } from '../../serving/memory-registry.js';
import { aRequest } from '../../serving/serving-rig.js';
import { aLogged, logFile } from '../../support/log-files.js';
import { ownBucket } from '../../support/own-bucket.js';
import {
  logModel,
  numericModel,
  textModel,
  writeModel,
  type SmallModel,
} from '../../support/small-models.js';
import { typeCommand, type Ended } from '../../support/typed-command.js';

const numbers = (...data: readonly number[]) => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [data.length / 2, 2], data }],
});

/** A bucket whose models were served, and asked; commands are typed to it. */
async function aPlace(given: { logsInputs: boolean }) {
  const bucket = await ownBucket();
  const folder = await temporaryFolder();
  const registry = new ObjectRegistry(bucket.store);
  const digests = new Map<string, string>();
  for (const [model, small] of [
    ['tickets', textModel()],
    ['logs', logModel()],
    ['scaled', scaledModel()],
  ] as const) {
    digests.set(model, await publish(registry, { model, small }));
  }
  const endpoint = await startEndpoint({
    ...{ registry, runtime: new ChildModelRuntime(), models: [...digests.keys()] },
    ...{ replica: 'replica-1', cacheDirectory: folder.path, ...given },
  });
  const ask = async (model: string, id: string, body: Readonly<Record<string, unknown>>) => {
    const asked = { method: 'POST', body: JSON.stringify({ id, ...body }) };
    return (await fetch(`${endpoint.url}/v2/models/${model}/infer`, asked)).status;
  };
  assert.equal(await ask('tickets', 'two-texts', aRequest('refund', 'parcel и refund')), 200);
  assert.equal(await ask('logs', 'two-rows', numbers(0.1, 3, 7, 1e-30)), 200);
  assert.equal(await ask('logs', 'no-number', numbers(1, -1)), 422);
  await endpoint.close();
  const cacheDirectory = join(folder.path, 'own');
  const predictor = await openPredictor('logs', { registry, cacheDirectory, ...given });
  const refused = (await predictor.predict([{ x: [1, Number.NaN] }]))[0] ?? assert.fail();
  const { value: nothing } = await predictor.stream([null]).next();
  await predictor.close();
  return {
    ...{ store: bucket.store, refused: refused.requestId, nothing: nothing?.requestId ?? '' },
    ...{ registry, digests, folder: folder.path },
    /** Writes a request into the log, as an endpoint does. */
    log: async (
      fields: Partial<ChunkedRequest> & { readonly requestId: string },
      model = 'tickets',
    ) => {
      const at = new Date();
      const digest = digests.get(model) ?? '';
      const request = aLogged({ at, digest, ...fields }, 'refund');
      const file = logFile(model, [request], {
        ...{ includesInputs: given.logsInputs, runtime: thisRuntime() },
      });
      await registry.appendPredictions(model, at, `${fields.requestId}.parquet`, file);
    },
    type: (...args: readonly string[]): Promise<Ended> =>
      typeCommand(args, { folder: folder.path, environment: bucket.environment }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function publish(
  registry: ObjectRegistry,
  { model, small }: { model: string; small: SmallModel },
): Promise<string> {
  await using files = await temporaryFolder();
  await writeModel(small, files.path);
  const { digest, version } = await registry.publish(manifestOf(model, small, 0), files.path);
  const about = { artifact: 'model.onnx', evidence: 'e'.repeat(64), decisions: [] };
  const candidate = { digest, version, ...about };
  await registry.changeLive(model, { kind: 'promote', baseline: null, candidate }, `w-${model}`);
  return digest;
}

/** Numbers in, the same out as far as 8 bits tell them apart, by one scale for all rows: as an int8 twin has its activations. */
function scaledModel(): SmallModel {
  return numericModel({
    input: { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    output: { name: 'y', datatype: 'FP32', shape: [-1, 2] },
    constants: [],
    nodes: [
      { type: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['small', 'scale', 'zero'] },
      { type: 'DequantizeLinear', inputs: ['small', 'scale', 'zero'], outputs: ['y'] },
    ],
  });
}

describe('switchyard reproduce', () => {
  it('gives the logged bits again, of texts and of numbers, and the logged failure', async () => {
    await using place = await aPlace({ logsInputs: true });
    const [texts, rows, failure, refusal] = await Promise.all([
      place.type('reproduce', 'two-texts'),
      place.type('reproduce', 'two-rows', '--model', 'logs', '--json'),
      place.type('reproduce', 'no-number', '--day', new Date().toISOString().slice(0, 10)),
      place.type('reproduce', place.refused),
    ]);
    assert.equal(texts.code, 0, texts.stderr);
    assert.match(texts.stdout, /^two-texts was answered in .*: tickets version 1 \(.*, 2 rows$/m);
    assert.match(texts.stdout, /^which is the runtime that answered$/m);
    assert.match(texts.stdout, /^same: label, probabilities, bit for bit$/m);
    assert.equal(rows.code, 0, rows.stderr);
    const facts: unknown = JSON.parse(rows.stdout);
    assert.ok(typeof facts === 'object' && facts !== null && 'same' in facts);
    assert.equal(facts.same, true);
    assert.equal(failure.code, 0, failure.stderr);
    assert.match(
      failure.stdout,
      /^same: it fails with InvalidInput again\n {2}row 0: .* not a finite/m,
    );
    assert.equal(refusal.code, 0, refusal.stderr);
    assert.match(
      refusal.stdout,
      /^same: it fails with InvalidRow again\n {2}row 0 has NaN for "x", expected a number$/m,
    );
  }).timeout(60_000);

  it('takes an input whose sha256 alone is logged, and no other', async () => {
    await using place = await aPlace({ logsInputs: false });
    const file = async (name: string, body: unknown) => {
      await writeFile(join(place.folder, name), JSON.stringify(body));
      return name;
    };
    const right = await file('right.json', numbers(0.1, 3, 7, 1e-30));
    const wrong = await file('wrong.json', numbers(0.1, 3, 7, 2e-30));
    const row = await file('row.json', { x: [1, { $value: 'NaN' }] });
    const nothing = await file('null.json', null);
    const [without, other, given, refusal, empty] = await Promise.all([
      place.type('reproduce', 'two-rows'),
      place.type('reproduce', 'two-rows', '--input', wrong),
      place.type('reproduce', 'two-rows', '--input', right),
      place.type('reproduce', place.refused, '--input', row),
      place.type('reproduce', place.nothing, '--input', nothing),
    ]);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /^the log holds only the sha256 .* --input FILE\n$/);
    assert.deepEqual([other.code, other.stdout], [1, '']);
    assert.match(other.stderr, /^the given input is not what was asked: it has the sha256 /);
    assert.equal(given.code, 0, given.stderr);
    assert.match(given.stdout, /^input: as given; its sha256 is the logged one$/m);
    assert.equal(refusal.code, 0, refusal.stderr);
    assert.match(refusal.stdout, /^same: it fails with InvalidRow again$/m);
    assert.equal(empty.code, 0, empty.stderr);
    assert.match(
      empty.stdout,
      /^input: as given; .*\n(.*\n)+ {2}row 0 is null; the model takes "x"$/m,
    );
  }).timeout(60_000);

  it('says that a request never came to the model, and needs no input for it', async () => {
    await using place = await aPlace({ logsInputs: false });
    await place.log({ requestId: 'no-place', error: 'Overloaded', batchRows: null, outputs: [] });
    const [text, json] = await Promise.all([
      place.type('reproduce', 'no-place'),
      place.type('reproduce', 'no-place', '--json'),
    ]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(
      text.stdout,
      /^no-place failed with Overloaded, .*\nnot run: the model was never asked, /m,
    );
    assert.equal(json.code, 0, json.stderr);
    const facts: unknown = JSON.parse(json.stdout);
    assert.ok(typeof facts === 'object' && facts !== null && 'same' in facts);
    assert.equal(facts.same, null);
  }).timeout(60_000);

  it('says that answers agree where the log does not say how they came about', async () => {
    await using place = await aPlace({ logsInputs: true });
    const inputs = [
      { name: 'text', datatype: 'BYTES' as const, shape: [2], data: ['refund', 'parcel'] },
    ];
    // what the model answers, but for some last bits
    const [most, least] = [1 / (1 + 2 * Math.exp(-8)), 1 / (Math.exp(8) + 2)];
    const answers = (labels: readonly string[], by: number) => [
      { name: 'label', datatype: 'BYTES' as const, shape: [2], data: labels },
      {
        ...{ name: 'probabilities', datatype: 'FP32' as const, shape: [2, 3] },
        data: Float32Array.of(most - by, least, least + by, least, least, most),
      },
    ];
    const right = answers(['billing', 'delivery'], 1e-6);
    const about = { rows: 2, inputs };
    await place.log({ ...about, requestId: 'cut', batchRows: null, outputs: right });
    await place.log({ ...about, requestId: 'beside', batchRows: 5, outputs: right });
    await place.log({ ...about, requestId: 'alone', batchRows: 2, outputs: right });
    const far = answers(['billing', 'delivery'], 1e-3);
    await place.log({ ...about, requestId: 'far', batchRows: null, outputs: far });
    const other = answers(['billing', 'access'], 1e-6);
    await place.log({ ...about, requestId: 'other', batchRows: null, outputs: other });
    const [cut, beside, alone, tooFar, label] = await Promise.all([
      place.type('reproduce', 'cut'),
      place.type('reproduce', 'beside'),
      place.type('reproduce', 'alone'),
      place.type('reproduce', 'far'),
      place.type('reproduce', 'other'),
    ]);
    const agrees =
      /^agrees within 0\.0001: probabilities, \d of 6 values, by at most [\d.e-]+; row 0: /m;
    assert.equal(cut.code, 0, cut.stderr);
    assert.match(cut.stdout, agrees);
    assert.match(cut.stdout, /^ {2}not known exactly .*: its rows were cut into several runs$/m);
    assert.equal(beside.code, 0, beside.stderr);
    assert.match(beside.stdout, agrees);
    assert.match(beside.stdout, /: 3 rows of other requests ran beside it, /m);
    for (const ended of [alone, tooFar, label]) {
      assert.equal(ended.code, 1, ended.stderr);
      assert.match(ended.stdout, /^different: probabilities, \d of 6 values/m);
    }
    const one = /^different: label, 1 of 2 values; row 1: access then, delivery now$/m;
    assert.match(label.stdout, one);
  }).timeout(60_000);

  it('lets a twin’s answers lie further apart, where other rows had a part in its scales', async () => {
    await using place = await aPlace({ logsInputs: true });
    const row = (name: string, one: number, other: number) => ({
      ...{ name, datatype: 'FP32' as const, shape: [1, 2], data: Float32Array.of(one, other) },
    });
    const about = { inputs: [row('x', 0.3, 1)], outputs: [row('y', 0.32, 0.98)] };
    await place.log({ ...about, requestId: 'beside', batchRows: 2 }, 'scaled');
    await place.log({ ...about, requestId: 'alone', batchRows: 1 }, 'scaled');
    const [beside, alone] = await Promise.all([
      place.type('reproduce', 'beside', '--model', 'scaled'),
      place.type('reproduce', 'alone', '--model', 'scaled'),
    ]);
    assert.equal(beside.code, 0, beside.stderr);
    assert.match(beside.stdout, /^agrees within 0\.1: y, 2 of 2 values, by at most 0\.02/m);
    assert.equal(alone.code, 1, alone.stderr);
    assert.match(alone.stdout, /^different: y, 2 of 2 values, by at most 0\.02/m);
  }).timeout(60_000);

  it('says which values differ, and what of the runtime does', async () => {
    await using place = await aPlace({ logsInputs: true });
    const at = new Date();
    const elsewhere = { ...thisRuntime(), onnxruntime: '1.19.2', cpu: 'another processor' };
    const then = aLogged(
      {
        ...{ requestId: 'elsewhere', at, digest: place.digests.get('tickets') ?? '' },
        outputs: [
          { name: 'label', datatype: 'BYTES', shape: [1], data: ['billing'] },
          {
            ...{ name: 'probabilities', datatype: 'FP32', shape: [1, 3] },
            data: Float32Array.of(0.5, 0.25, 0.25),
          },
        ],
      },
      'refund',
    );
    const file = logFile('tickets', [then], { runtime: elsewhere });
    await place.registry.appendPredictions('tickets', at, 'elsewhere.parquet', file);
    const [differs, nobody, noDay] = await Promise.all([
      place.type('reproduce', 'elsewhere'),
      place.type('reproduce', 'nobody', '--model', 'logs'),
      place.type('reproduce', 'elsewhere', '--day', '2026-02-30'),
    ]);
    assert.equal(differs.code, 1, differs.stderr);
    assert.match(differs.stdout, /^ {2}onnxruntime-node was 1\.19\.2, is 1\.\d+\.\d+ here$/m);
    assert.match(differs.stdout, /^ {2}the CPU was another processor, is .* here$/m);
    assert.doesNotMatch(differs.stdout, /Node was|the platform was/);
    assert.match(
      differs.stdout,
      /^different: probabilities, 3 of 3 values, by at most 0\.499.*; row 0: 0\.5 then, 0\.999.* now$/m,
    );
    assert.doesNotMatch(differs.stdout, /label/);
    assert.deepEqual([nobody.code, nobody.stdout], [1, '']);
    assert.match(
      nobody.stderr,
      /^no request "nobody" is logged in the last 90 days \(\d+ files\)/m,
    );
    assert.equal(noDay.code, 2);
    assert.match(noDay.stderr, /^--day needs a UTC day as yyyy-mm-dd, not "2026-02-30"\n$/);
  }).timeout(60_000);
});
