import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { assembleEvidence } from '../../activities/assemble-evidence.js';
import { convertLocally } from '../../activities/convert.js';
import { compareRuns, comparedTwinSchema, writeTwin } from '../../activities/measure-twin.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { auditBucket } from '../../adapters/registry/audit/audit-bucket.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { readReport } from '../../adapters/registry/read-report.js';
import type { Conversion } from '../../domain/conversion.js';
import type { TestReport } from '../../domain/evidence.js';
import { PortError } from '../../domain/failures.js';
import { measurementSchema, type Measurement } from '../../domain/gate.js';
import type { Candidate } from '../../domain/lifecycle.js';
import type { ConvertJob, Trainer } from '../../domain/ports/trainer.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import { fromProbabilities } from '../../domain/predictions.js';
import { renderReport } from '../../domain/report/render-report.js';
import { parseModelSpec, type ModelSpecInput } from '../../domain/spec.js';
import { aSnapshot } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { aFolder, aManifest } from '../adapters/registry/builders.js';
import { LABELS, textModel, writeModel, WORDS, type SmallModel } from '../support/small-models.js';
import { writeConversion, ZERO_WORK } from '../support/zero-work-trainer.js';

const MODEL = 'tickets';
const TWIN = 'model.int8.onnx';
const FILES = { 'model.onnx': 'weights', [TWIN]: 'small' };
const GATES: ModelSpecInput['test']['gates'] = [
  { metric: 'artifact-bytes', max: 1_000 },
  { metric: 'accuracy', min: 0.5 },
];

const measured = (metric: string, value: number, sample = 1): Measurement => ({
  ...{ metric, value, sample, inputs: [] },
});
const difference = (low: number, value: number): Measurement => ({
  ...measured('twin-accuracy-difference', value, 400),
  interval: { low, high: 0, confidence: 0.95 },
});

/** A twin that wins against a full model within its limit. */
const WINNING = {
  full: [measured('artifact-bytes', 900), measured('accuracy', 0.8, 400)],
  twin: [measured('artifact-bytes', 300), measured('accuracy', 0.79, 400)],
  size: measured('twin-size', 0.33),
  slowdown: measured('twin-slowdown', 0.6, 9),
  agreement: measured('twin-agreement', 0.995, 400),
  cost: difference(-0.01, -0.005),
};

interface Tried {
  readonly found?: Partial<typeof WINNING>;
  readonly asked?: boolean;
  readonly twin?: Candidate['twin'];
}

/** Judges what was measured of a version with two files; resolves to what came of it, and what is written of that. */
async function assembled({ found = {}, asked = true, twin }: Tried) {
  await using folder = await temporaryFolder();
  await using files = await aFolder(FILES);
  const store = new MemoryObjectStore();
  const registry = new ObjectRegistry(store);
  const ports = { registry, workRoot: folder.path, trust: NO_TRUST };
  const manifest = aManifest(MODEL, FILES, { artifacts: Object.keys(FILES) });
  const { version, digest } = await registry.publish(manifest, files.path);
  const parityReport = await registry.putEvidence(MODEL, digest, {
    ...{ schemaVersion: 1, model: MODEL, rows: 1, labelFlips: 0, maxProbabilityDifference: 0 },
    ...{ limit: 1e-5, passed: true, inputs: [] },
  });
  const run = randomUUID();
  const { full, twin: small, size, slowdown, agreement, cost } = { ...WINNING, ...found };
  const stage = async (
    name: 'test-system' | 'test-quality',
    compared: Measurement[],
    at: number,
  ) => {
    await using place = await aFolder({
      'measurements.json': JSON.stringify(full.slice(at, at + 1)),
      'twin-measurements.json': JSON.stringify(small.slice(at, at + 1)),
      'twin.json': JSON.stringify({
        measurements: compared,
        calls: at === 0 ? { fullP50Ms: 0.5, twinP50Ms: 0.3, rounds: 9, calls: 60 } : null,
      }),
    });
    const names = ['measurements.json', 'twin-measurements.json', 'twin.json'];
    return await registry.stage({ run, stage: name, attempt: 1 }, place.path, names);
  };
  const candidate: Candidate = {
    ...{ version, digest, artifact: 'model.onnx', parityReport },
    ...(asked && { twin: { kind: 'made', artifact: TWIN } }),
    ...(twin && { twin }),
  };
  const spec = parseModelSpec({
    ...{ model: MODEL, train: { trainer: 'none', source: 'mails' } },
    ...(asked && { convert: { twin: 'int8' } }),
    test: { gates: GATES },
  });
  const tested = await assembleEvidence(ports, {
    ...{ spec, candidate, heldOut: aSnapshot(), run, baseline: null, starter: null, start: null },
    system: await stage('test-system', [size, slowdown], 0),
    quality: await stage('test-quality', [agreement, cost], 1),
  });
  const evidence = await registry.evidence(MODEL, digest, tested.evidence);
  const report = await registry.testReport(MODEL, digest, tested.testReport);
  assert.ok(evidence !== null && report !== null);
  const { problems } = await auditBucket(store, { model: MODEL });
  const about = problems.filter(({ kind }) => kind === 'reference').map(({ sentence }) => sentence);
  const registered = await registry.version(MODEL, version);
  const read = await readReport({ store, registry }, registered ?? assert.fail());
  assert.ok(read.kind === 'read');
  const forged = async (change: (report: TestReport) => TestReport) => {
    await registry.putEvidence(MODEL, digest, change(report));
    const audited = await auditBucket(store, { model: MODEL });
    return audited.problems.map(({ sentence }) => sentence);
  };
  return { tested, evidence, report, faults: about, page: renderReport(read.report), forged };
}

describe('assembleEvidence with a twin', () => {
  it('names the twin that wins, in what goes on, the evidence and the report', async () => {
    const { tested, evidence, report, faults, page } = await assembled({});
    assert.deepEqual([tested.artifact, evidence.artifact, report.artifact], [TWIN, TWIN, TWIN]);
    assert.match(tested.twin ?? '', /^the twin is taken: twin-size is 0\.33/);
    assert.equal(report.measurements[0]?.value, 300);
    assert.equal(report.twin?.other?.artifact, 'model.onnx');
    assert.equal(report.twin.other.measurements[0]?.value, 900);
    assert.deepEqual(faults, [], 'what it says follows from what was measured');
    assert.match(page, /<h2>Full model and twin<\/h2>/);
    const row = /model\.int8\.onnx<\/bdi><\/th>\s*<td><bdi>twin, taken<\/bdi><\/td>/;
    assert.match(page.replaceAll('\n', ''), row);
    for (const text of ['0.30 KB', '0.90 KB', '0.5 ms', '0.3 ms', 'median of 9 rounds']) {
      assert.ok(page.includes(text), text);
    }
  });

  const losing: Readonly<Record<string, [Partial<typeof WINNING>, RegExp]>> = {
    size: [{ size: measured('twin-size', 1.2) }, /failed: twin-size is 1\.2, at most 0\.99/],
    speed: [
      { slowdown: measured('twin-slowdown', 1.3, 9) },
      /failed: twin-slowdown is 1\.3, at most 1\.05/,
    ],
    'other labels': [
      { agreement: measured('twin-agreement', 0.9, 400) },
      /failed: twin-agreement is 0\.9, at least 0\.99/,
    ],
    'what it costs': [
      { cost: difference(-0.06, -0.03) },
      /inconclusive: twin-accuracy-difference is -0\.03/,
    ],
    'a gate of its own': [
      { twin: [measured('artifact-bytes', 300), measured('accuracy', 0.49, 400)] },
      /failed: accuracy is 0\.49, at least 0\.5/,
    ],
  };
  for (const [what, [found, reason]] of Object.entries(losing)) {
    it(`lets the full model go on where the twin loses by ${what}, and says so`, async () => {
      const { tested, evidence, report, faults, page } = await assembled({ found });
      assert.deepEqual([tested.artifact, evidence.artifact], [undefined, 'model.onnx']);
      assert.deepEqual([report.artifact, report.verdict], ['model.onnx', 'passed']);
      assert.equal(report.twin?.other?.artifact, TWIN);
      assert.match(report.twin.reason, reason);
      assert.match(page.replaceAll('\n', ''), /full model, taken/);
      assert.deepEqual(faults, []);
    });
  }

  const large = [measured('artifact-bytes', 4_000), measured('accuracy', 0.8, 400)];

  it('takes a twin within the limit in the place of a model over it', async () => {
    const { tested, report, faults, forged } = await assembled({ found: { full: large } });
    assert.deepEqual([tested.verdict, tested.artifact], ['passed', TWIN]);
    assert.match(report.twin?.reason ?? '', /of the full model failed: artifact-bytes is 4\.00 KB/);
    assert.deepEqual(faults, []);
    const slow = [WINNING.size, measured('twin-slowdown', 3, 9), WINNING.agreement, WINNING.cost];
    const sentences = await forged(({ twin, ...rest }) => ({
      ...{ ...rest, machine: 'another' },
      twin: { ...(twin ?? assert.fail()), measurements: slow },
    }));
    for (const sentence of [
      'says passed of twin-slowdown, its measurements give failed',
      'says that model.int8.onnx goes on, its measurements choose model.onnx',
    ]) {
      assert.ok(sentences.includes(sentence), sentences.join('; '));
    }
  });

  it('refuses a model over its limit with both numbers, and why its twin does not help', async () => {
    const found = { full: large, slowdown: measured('twin-slowdown', 1.3, 9) };
    const { tested, faults } = await assembled({ found });
    assert.equal(tested.verdict, 'failed');
    assert.match(
      tested.findings[0]?.reason ?? '',
      /^artifact-bytes is 4\.00 KB, at most 1\.00 KB is asked; the twin is not taken: failed: twin-slowdown/,
    );
    assert.deepEqual(faults, []);
  });

  it('offers a twin where none was asked for and the model is over its limit', async () => {
    const offer = { kind: 'offered', bytes: 990 } as const;
    const given = { asked: false, found: { full: large }, twin: offer };
    const { tested, report, page } = await assembled(given);
    assert.equal(
      tested.findings[0]?.reason,
      "artifact-bytes is 4.00 KB, at most 1.00 KB is asked; an int8 twin would have 0.99 KB (990 bytes), within the limit: ask for it with convert: { twin: 'int8' }",
    );
    assert.deepEqual([report.twin, tested.twin], [undefined, undefined]);
    assert.doesNotMatch(page, /Full model and twin/);
  });

  it('says nothing of a twin that nobody asked for', async () => {
    const { tested, evidence, report } = await assembled({ asked: false });
    assert.deepEqual(
      [report.twin, tested.twin, tested.artifact],
      [undefined, undefined, undefined],
    );
    assert.equal(evidence.artifact, 'model.onnx');
  });

  it('goes on with the full model where the twin could not be made, and says why', async () => {
    const twin = { kind: 'failed', reason: 'the quantizer was ended by signal 9' } as const;
    const { tested, report, faults, page } = await assembled({ twin });
    assert.deepEqual([tested.verdict, tested.artifact], ['passed', undefined]);
    assert.equal(tested.twin, 'there is no twin: the quantizer was ended by signal 9');
    assert.equal(report.twin?.artifact, null);
    assert.match(page, /There is no twin: the quantizer was ended by signal 9/);
    assert.deepEqual(faults, []);
  });
});

const ROWS = Array.from({ length: 120 }, (_, index) => ({
  ...{ id: `mail-${index}`, at: '2026-01-01T00:00:00Z', label: LABELS[index % 3] ?? '' },
  text: `about a ${WORDS[index % 3] ?? ''}`,
}));

describe('compareRuns', () => {
  /** Size and slowdown of one model as the twin of another. */
  async function compare(full: SmallModel, twin: Uint8Array) {
    await using folder = await temporaryFolder();
    await writeModel({ ...full, files: { ...full.files, [TWIN]: twin } }, folder.path);
    const { measurements, calls } = await compareRuns(
      new ChildModelRuntime(),
      {
        ...{ directory: folder.path, artifact: 'model.onnx', manifest: full.manifest },
        memoryLimitBytes: 512 * 2 ** 20,
      },
      { twin: TWIN, rows: ROWS },
    );
    const by = new Map(measurements.map((each) => [each.metric, each]));
    return { size: by.get('twin-size'), slowdown: by.get('twin-slowdown'), calls };
  }
  const fileOf = (model: SmallModel) => model.files['model.onnx'] ?? assert.fail();

  it('sees which of two is faster, whichever is the twin', async () => {
    const [light, heavy] = [textModel({ ballast: 3e6 }), textModel({ layers: 5 })];
    const faster = await compare(heavy, fileOf(textModel()));
    assert.ok((faster.size?.value ?? 1) < 0.001);
    assert.ok((faster.slowdown?.value ?? 1) < 0.95, String(faster.slowdown?.value));
    assert.equal(faster.slowdown?.sample, 9);
    assert.ok((faster.calls?.twinP50Ms ?? 1) < (faster.calls?.fullP50Ms ?? 0));
    const slower = await compare(light, fileOf(heavy));
    assert.ok((slower.size?.value ?? 1) < 0.99);
    assert.ok((slower.slowdown?.value ?? 0) > 1.05, String(slower.slowdown?.value));
  });

  it('says of a twin that does not load that it could not be measured', async () => {
    const { size, slowdown, calls } = await compare(textModel(), Buffer.from('no model'));
    assert.ok(size?.value);
    assert.equal(slowdown?.value, null);
    assert.match(slowdown.error ?? '', /model\.int8\.onnx/);
    assert.equal(calls, null);
  });
});

describe('writeTwin', () => {
  const spec = parseModelSpec({
    ...{ model: MODEL, train: { trainer: 'none', source: 'mails' } },
    test: { gates: GATES, resamples: 200 },
  });
  /** Answers by label, of which the first rows are turned to the next one. */
  const answers = (turned: number) => {
    const probabilities = new Float64Array(ROWS.length * LABELS.length);
    for (const index of ROWS.keys()) {
      probabilities[index * 3 + ((index + (index < turned ? 1 : 0)) % 3)] = 1;
    }
    return fromProbabilities(probabilities, LABELS);
  };

  async function written(twin: () => Promise<ReturnType<typeof answers>>) {
    await using folder = await temporaryFolder();
    const full = {
      ...{ spec, manifest: 'a'.repeat(64), heldOut: { digest: 'b'.repeat(64), rows: ROWS } },
      ...{ candidate: answers(0), baseline: null, kept: { rows: [] }, toKept: null },
    };
    const asked = async () => ({ candidate: await twin(), toKept: null });
    await writeTwin({}, full, { answers: asked, folder: folder.path });
    const read = async (name: string) => {
      const content: unknown = JSON.parse(await readFile(join(folder.path, name), 'utf8'));
      return content;
    };
    const { measurements } = comparedTwinSchema.parse(await read('twin.json'));
    const own = z.array(measurementSchema).parse(await read('twin-measurements.json'));
    return { compared: new Map(measurements.map((each) => [each.metric, each])), own };
  }

  it('holds its answers against the full model’s, with the rows that differ', async () => {
    const { compared, own } = await written(() => Promise.resolve(answers(6)));
    const agreement = compared.get('twin-agreement');
    assert.equal(agreement?.value, 114 / 120);
    assert.equal(agreement.inputs.length, 6);
    assert.equal(agreement.inputs[0]?.detail, 'full model "billing", twin "access"');
    const cost = compared.get('twin-accuracy-difference');
    assert.ok(Math.abs((cost?.value ?? 0) + 0.05) < 1e-9);
    assert.ok((cost?.interval?.low ?? 0) < -0.05 && (cost?.interval?.high ?? -1) <= 0);
    assert.ok((compared.get('twin-macro-f1-difference')?.value ?? 0) < 0);
    assert.equal(own.find(({ metric }) => metric === 'accuracy')?.value, 114 / 120);
  });

  it('says of a twin that does not answer why nothing could be measured', async () => {
    const dead = () => Promise.reject(new PortError('RuntimeCrashed', 'it died'));
    const { compared, own } = await written(dead);
    assert.deepEqual(own, []);
    for (const { value, error } of compared.values())
      assert.deepEqual([value, error], [null, 'it died']);
    assert.equal(compared.size, 3);
  });

  it('hides no error that is not the model’s', async () => {
    await assert.rejects(
      written(() => Promise.reject(new Error('a bug'))),
      /a bug/,
    );
  });
});

describe('convertLocally', () => {
  /** Converts by a trainer that keeps the job, and says this of a twin. */
  async function converted(given: Partial<ModelSpecInput>, twin?: Conversion['twin']) {
    await using folder = await temporaryFolder();
    const jobs: ConvertJob[] = [];
    const trainer: Trainer = {
      identify: (name) => ZERO_WORK.identify(name),
      run: async (job) => {
        assert.ok(job.command === 'convert');
        jobs.push(job);
        await writeConversion(job, textModel(), twin);
        return { files: [], metrics: {}, log: '' };
      },
    };
    const spec = parseModelSpec({
      ...{ model: MODEL, train: { trainer: 'none', source: 'mails' }, test: { gates: GATES } },
      ...given,
    });
    const place = { native: folder.path, output: folder.path, scratch: folder.path };
    const { files } = await convertLocally(
      { trainer, runtime: new ChildModelRuntime() },
      { spec, heldOut: ROWS, ...place, signal: new AbortController().signal },
    );
    const { twin: wanted, offerTwinAboveBytes: offered } = jobs[0] ?? assert.fail();
    return { wanted, offered, files };
  }

  it('asks for a twin where the specification does, which is a file of the version then', async () => {
    // another file stands for a twin here: what counts is that it is carried
    const made = { kind: 'made', artifact: 'parity-rows.jsonl' } as const;
    const { wanted, offered, files } = await converted({ convert: { twin: 'int8' } }, made);
    assert.deepEqual([wanted, offered], ['int8', undefined]);
    assert.deepEqual(files, ['model.onnx', 'parity-rows.jsonl', 'front-end.json']);
  });

  it('asks how large one would be above the limit of the size, where nobody asked for one', async () => {
    const { wanted, offered, files } = await converted({}, { kind: 'offered', bytes: 9 });
    assert.deepEqual([wanted, offered], [undefined, 1_000]);
    assert.deepEqual(files, ['model.onnx', 'front-end.json']);
    const ungated = await converted({ test: { gates: [{ metric: 'accuracy', min: 0.5 }] } });
    assert.deepEqual([ungated.wanted, ungated.offered], [undefined, undefined]);
  });
});
