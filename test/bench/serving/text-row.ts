import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import type { Figure, Row, Say } from '../benchmark.js';
import { interleave, median } from '../rounds.js';
import { benchModels, versionFiles, type BenchModels, type TextModelName } from './bench-models.js';
import { startPredictProba, type Conversation } from './comparators.js';

const ROUNDS = 7;
const MEMORY_BYTES = 1 << 30;
const LOAD_DEADLINE_MS = 60_000;

const MODELS: readonly { name: TextModelName; atLeast: number }[] = [
  { name: 'merchants', atLeast: 2 },
  { name: 'mails', atLeast: 1.75 },
];

const saidSchema = z.object({ ms: z.number(), labels: z.array(z.int()) });

/** Texts in bulk on one thread: tokenizer and numeric graph in the model's process against scikit-learn's own pipeline. */
export const textRow: Row = {
  name: 'text',
  run: async (say) => {
    const models = await benchModels(say);
    await using sklearn = await startPredictProba(models.folder);
    const figures: Figure[] = [];
    for (const given of MODELS)
      figures.push(...(await measure({ ...given, models, sklearn, say })));
    return figures;
  },
};

async function measure(given: {
  readonly name: TextModelName;
  readonly atLeast: number;
  readonly models: BenchModels;
  readonly sklearn: Conversation;
  readonly say: Say;
}): Promise<readonly Figure[]> {
  const { name, atLeast, models, sklearn, say } = given;
  const texts = models.texts[name];
  const { folder, manifest } = await versionFiles(models.folder, name);
  const model = await new ChildModelRuntime().open({
    ...{ directory: folder, artifact: 'model.onnx', manifest },
    ...{ memoryLimitBytes: MEMORY_BYTES, loadDeadlineMs: LOAD_DEADLINE_MS },
  });
  try {
    const wall: number[] = [];
    let ours: readonly string[] = [];
    let theirs: readonly string[] = [];
    const { labels } = manifest.contract;
    const named = (indexes: readonly number[]) => indexes.map((index) => labels[index] ?? '');
    const perSecond = (ms: number) => texts.length / (ms / 1_000);
    const taken = await interleave(
      {
        ours: async () => {
          const startedMs = performance.now();
          const { outputs, computeMs } = await model.infer([
            { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts },
          ]);
          wall.push(performance.now() - startedMs);
          ours = textsOf(outputs.find((output) => output.name === 'label')?.data);
          return perSecond(computeMs);
        },
        other: async () => {
          const said = saidSchema.parse(await sklearn.ask({ model: name }));
          theirs = named(said.labels);
          return perSecond(said.ms);
        },
      },
      { rounds: ROUNDS, perRound: 1, say, unit: 'rows/s' },
    );
    const plain = await measurePlain(folder, texts);
    return [
      {
        what: `${name} in bulk, one thread`,
        ...{ unit: 'rows/s', value: median(taken.ours), rounds: ROUNDS },
        other: { name: "scikit-learn's predict_proba", value: median(taken.other) },
        target: { of: 'ratio', atLeast },
        note: `${texts.length} rows; ${perSecond(median(wall)).toFixed(0)} rows/s with the way into the process and back; skl2onnx's conversion of the whole pipeline in onnxruntime-node ${perSecond(plain.ms).toFixed(0)} rows/s, with ${flips(named(plain.labels), theirs)} labels flipped`,
      },
      {
        what: `${name}, labels flipped`,
        ...{ unit: '', value: flips(ours, theirs), other: null, rounds: 1 },
        target: { of: 'value', atMost: 0 },
        note: `of ${texts.length}, against scikit-learn`,
      },
    ];
  } finally {
    await model.close();
  }
}

/** The plainly converted text graph, once. */
async function measurePlain(folder: string, texts: readonly string[]) {
  const session = await InferenceSession.create(await readFile(join(folder, 'plain.onnx')), {
    ...{ intraOpNumThreads: 1, interOpNumThreads: 1 },
  });
  const feeds = { text: new Tensor('string', [...texts], [texts.length, 1]) };
  const startedMs = performance.now();
  const { probabilities } = await session.run(feeds, ['probabilities']);
  const ms = performance.now() - startedMs;
  const data = probabilities?.data;
  if (!(data instanceof Float32Array)) throw new Error('the plain graph answers no probabilities');
  const classes = data.length / texts.length;
  const labels = texts.map((_, row) => {
    const own = data.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
  await session.release();
  return { ms, labels };
}

function textsOf(data: unknown): readonly string[] {
  return z.array(z.string()).parse(data);
}

function flips(one: readonly string[], other: readonly string[]): number {
  if (one.length !== other.length) throw new Error(`${one.length} labels against ${other.length}`);
  return one.filter((label, index) => label !== other[index]).length;
}
