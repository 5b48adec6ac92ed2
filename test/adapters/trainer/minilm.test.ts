import assert from 'node:assert/strict';
import { link, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertLocally } from '../../../activities/convert.js';
import { judgeVariants } from '../../../activities/judge-variants.js';
import { compareRuns, comparedTwinSchema, writeTwin } from '../../../activities/measure-twin.js';
import { trainLocally } from '../../../activities/retrain.js';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import { createSubprocessTrainer } from '../../../adapters/trainer/subprocess-trainer.js';
import { runnableOf, twinOf } from '../../../domain/conversion.js';
import { frontEndSchema } from '../../../domain/front-end/schema.js';
import type { Measurement } from '../../../domain/gate.js';
import type { Candidate } from '../../../domain/lifecycle.js';
import { predictionsOf, type Predictions } from '../../../domain/predictions.js';
import { parseModelSpec } from '../../../domain/spec.js';
import { temporaryFolder } from '../model-runtime/temporary-folder.js';
import { MINILM, ROOT } from './scripts.js';

const LIMIT = 30e6;
const TWIN = 'model.int8.onnx';

/** Sentences of which no word tells the label: it takes what the words mean. */
const SUBJECTS = {
  food: ['the soup', 'a fresh salad', 'roast lamb', 'their pasta', 'an apple pie'],
  travel: ['the night train', 'our flight', 'a rented car', 'the ferry', 'their bus tour'],
  health: ['a sore throat', 'her broken arm', 'the fever', 'his back pain', 'a bad cough'],
};
const REMARKS = [
  ...['was mentioned again', 'came up on Monday', 'is what they asked about', 'took two hours'],
  ...['surprised everybody', 'is described below', 'was not what we expected'],
];
const ROWS = Object.entries(SUBJECTS).flatMap(([label, subjects]) =>
  subjects.flatMap((subject) =>
    REMARKS.map((remark, index) => ({
      ...{ id: `${label}-${subject}-${index}`, at: '2026-01-01T00:00:00Z', label },
      text: `${subject} ${remark}`,
    })),
  ),
);

/** Of subjects that no row has. */
const UNSEEN = {
  food: 'grilled fish with rice and a glass of wine',
  travel: 'we drove to the airport and flew to Lisbon',
  health: 'the doctor prescribed pills against the headache',
};

const spec = parseModelSpec({
  model: 'topics',
  train: {
    ...{ trainer: 'minilm', source: 'none', parameters: { max_tokens: 16, max_rows: 90 } },
  },
  convert: { twin: 'int8', parityRows: 20 },
  test: {
    gates: [
      { metric: 'artifact-bytes', max: LIMIT },
      { metric: 'twin-agreement', min: 0.97 },
      { metric: 'twin-slowdown', max: 2 },
    ],
  },
});

/** Trains and converts in a folder; resolves to what was converted. */
async function made(directory: string) {
  const trainer = createSubprocessTrainer({
    trainers: { minilm: { project: MINILM, script: join(ROOT, 'examples/ads/minilm/train.py') } },
    workRoot: directory,
  });
  const [rows, output, scratch] = ['rows.jsonl', 'output', 'scratch'].map((name) =>
    join(directory, name),
  );
  assert.ok(rows !== undefined && output !== undefined && scratch !== undefined);
  await writeFile(rows, ROWS.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await mkdir(output);
  await mkdir(scratch);
  const { signal } = new AbortController();
  const given = { spec, rows, directory, onEvent: () => undefined, signal };
  const { metrics } = await trainLocally({ trainer }, given);
  const native = join(directory, 'native');
  const place = { native, output, scratch };
  const runtime = new ChildModelRuntime();
  const converted = await convertLocally(
    { trainer, runtime },
    { spec, heldOut: ROWS, ...place, signal },
  );
  return { ...converted, runtime, output, metrics };
}

describe('a classifier on the vectors of a transformer', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let model: Awaited<ReturnType<typeof made>>;

  before(async function () {
    this.timeout(120_000);
    folder = await temporaryFolder();
    model = await made(folder.path);
  });

  after(async () => {
    await folder[Symbol.asyncDispose]();
  });

  const version = (artifact: string) => ({
    ...{ directory: model.output, artifact, manifest: runnableOf(model.conversion) },
    memoryLimitBytes: spec.test.memoryLimitBytes,
  });

  async function answers(artifact: string, texts: readonly string[]): Promise<Predictions> {
    const opened = await model.runtime.open({ ...version(artifact), loadDeadlineMs: 30_000 });
    try {
      const { outputs } = await opened.infer([
        { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts },
      ]);
      assert.deepEqual(
        outputs.map(({ name, shape }) => [name, shape]),
        [
          ['label', [texts.length]],
          ['probabilities', [texts.length, 3]],
        ],
      );
      return predictionsOf(outputs, model.conversion.labels);
    } finally {
      await opened.close();
    }
  }

  const labelsOf = ({ labels, probabilities }: Predictions) =>
    Array.from({ length: probabilities.length / labels.length }, (_, row) => {
      const own = probabilities.subarray(row * labels.length, (row + 1) * labels.length);
      return labels[own.indexOf(Math.max(...own))];
    });

  it('answers every odd text and real rows like its weights in numpy and its head in scikit-learn', () => {
    assert.equal(model.conversion.frontEndKind, 'wordpiece');
    assert.deepEqual(model.report.inputs, []);
    assert.ok(model.report.passed);
    assert.ok((model.metrics['train-accuracy'] ?? 0) > 0.95);
    assert.deepEqual(model.files, ['model.onnx', TWIN, 'front-end.json']);
  });

  for (const artifact of ['model.onnx', TWIN]) {
    it(`knows by ${artifact} what no training row says`, async () => {
      assert.deepEqual(
        labelsOf(await answers(artifact, Object.values(UNSEEN))),
        Object.keys(UNSEEN),
      );
    });
  }

  it('does not load where texts may have more tokens than its weights have positions', async () => {
    await using other = await temporaryFolder();
    await link(join(model.output, TWIN), join(other.path, TWIN));
    const read: unknown = JSON.parse(await readFile(join(model.output, 'front-end.json'), 'utf8'));
    const longer = JSON.stringify({ ...frontEndSchema.parse(read), maxTokens: 513 });
    await writeFile(join(other.path, 'front-end.json'), longer);
    await assert.rejects(
      model.runtime.open({ ...version(TWIN), directory: other.path, loadDeadlineMs: 30_000 }),
      { type: 'InvalidModelFile' },
    );
  });

  /** Labels of the twin against those of the full model, and what that costs. */
  async function comparedAnswers(): Promise<readonly Measurement[]> {
    const texts = ROWS.map(({ text }) => text);
    const [full, twin] = [await answers('model.onnx', texts), await answers(TWIN, texts)];
    const given = {
      ...{ spec, manifest: 'a'.repeat(64), heldOut: { digest: 'b'.repeat(64), rows: ROWS } },
      ...{ candidate: full, baseline: null, kept: { rows: [] }, toKept: null },
    };
    const asked = () => Promise.resolve({ candidate: twin, toKept: null });
    await writeTwin({}, given, { answers: asked, folder: folder.path });
    const content: unknown = JSON.parse(await readFile(join(folder.path, 'twin.json'), 'utf8'));
    return comparedTwinSchema.parse(content).measurements;
  }

  it('is over a limit of 30 MB, and its twin goes on in its place', async () => {
    const twin = twinOf(model.conversion, { asked: 'int8', files: [TWIN] });
    const candidate: Candidate = {
      ...{ version: 1, digest: 'a'.repeat(64), artifact: 'model.onnx' },
      ...{ parityReport: 'b'.repeat(64), twin },
    };
    const variant = async (artifact: string) => {
      const { size: value } = await stat(join(model.output, artifact));
      const measurement: Measurement = { metric: 'artifact-bytes', value, sample: 1, inputs: [] };
      return { artifact, measurements: [measurement], profile: null, plots: null };
    };
    const [full, small] = [await variant('model.onnx'), await variant(TWIN)];
    const runs = await compareRuns(model.runtime, version('model.onnx'), {
      ...{ twin: TWIN, rows: ROWS.slice(0, 5) },
    });
    const compared = [...runs.measurements, ...(await comparedAnswers())];
    const tests = { twin: { variant: small, compared, calls: runs.calls }, nonce: '' };
    const given = { spec, candidate, baseline: null };
    const chosen = judgeVariants(given, { full, ...tests });
    assert.deepEqual([chosen.goesOn.artifact, chosen.goesOn.verdict], [TWIN, 'passed']);
    assert.match(
      chosen.twin?.reason ?? '',
      /^the twin is taken: .* of the full model failed: artifact-bytes is 9\d\.\d\d MB, at most 30\.00 MB is asked/,
    );

    const { measurements } = small;
    const offered = { kind: 'offered', bytes: measurements[0]?.value ?? 0 } as const;
    const alone = judgeVariants(
      { ...given, candidate: { ...candidate, twin: offered } },
      { full, twin: null, nonce: '' },
    );
    assert.equal(alone.goesOn.verdict, 'failed');
    assert.match(
      alone.goesOn.results[0]?.reason ?? '',
      /^artifact-bytes is 9\d\.\d\d MB, at most 30\.00 MB is asked; an int8 twin would have 2\d\.\d\d MB \(\d+ bytes\), within the limit/,
    );
  }).timeout(60_000);
});
