import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Conversion } from '../../domain/conversion.js';
import { createTokenizer } from '../../domain/front-end/tokenizer.js';
import type { ConvertJob, Trainer, TrainJob } from '../../domain/ports/trainer.js';
import { LABELS, textModel, WORDS, writeModel, type SmallModel } from './small-models.js';

const textLineSchema = z.object({ id: z.string(), text: z.string() });

/** A trainer that takes no time: the same small model each time, with the seed in its vocabulary, so that versions differ. */
export class InstantTrainer implements Trainer {
  identify() {
    return Promise.resolve({ lock: digestOf('lock'), code: digestOf('code') });
  }

  async run(
    job: TrainJob | ConvertJob,
  ): Promise<{ files: string[]; metrics: Record<string, number>; log: string }> {
    if (job.command === 'train') {
      await writeFile(join(job.output, 'native.json'), JSON.stringify({ seed: job.seed }));
      return { files: ['native.json'], metrics: { 'train-accuracy': 1 }, log: '' };
    }
    const vocabulary = [...WORDS, `seed${job.seed}`];
    const model = textModel({ vocabulary });
    await writeModel(model, job.output);
    await writeFile(join(job.output, 'model.json'), JSON.stringify(conversionOf(model)));
    const rows = (await readFile(job.parityRows, 'utf8')).split('\n').filter((line) => line !== '');
    const lines = rows.map((line) => answerTo(textLineSchema.parse(JSON.parse(line)), vocabulary));
    await writeFile(join(job.output, 'parity.jsonl'), lines.join(''));
    return {
      files: ['model.onnx', 'front-end.json', 'model.json', 'parity.jsonl'],
      metrics: {},
      log: '',
    };
  }
}

/** What `textModel` computes: each word outweighs by 8 for its label, then a softmax. */
function answerTo(row: z.infer<typeof textLineSchema>, vocabulary: readonly string[]): string {
  const scores = LABELS.map(() => 0);
  const tokenizer = createTokenizer({
    ...{ schemaVersion: 1, kind: 'bag-of-words', lowercase: true },
    ...{ minTokenLength: 2, unicode: '14.0.0', vocabulary: [...vocabulary] },
  });
  const { ids, counts } = tokenizer.count([row.text]);
  for (const [index, id] of ids.entries()) {
    const label = (id - 1) % LABELS.length;
    scores[label] = (scores[label] ?? 0) + 8 * (counts[index] ?? 0);
  }
  const highest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - highest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const probabilities = weights.map((weight) => weight / sum);
  const label = LABELS[scores.indexOf(highest)];
  return `${JSON.stringify({ id: row.id, label, probabilities })}\n`;
}

function conversionOf({ manifest: { contract, graph } }: SmallModel): Conversion {
  const { inputs, outputs, opset, irVersion, producer } = graph;
  return {
    ...{ schemaVersion: 1, frontEnd: 'front-end.json', artifact: 'model.onnx' },
    ...{ labels: contract.labels, opset, irVersion, producer, inputs, outputs },
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
