import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { runnableOf, type Conversion, type ParityLine } from '../../domain/conversion.js';
import type { ConvertJob, Trainer } from '../../domain/ports/trainer.js';
import { answerOf, predictionsOf } from '../../domain/predictions.js';
import { textModel, writeModel, type SmallModel } from './small-models.js';

const MEMORY_LIMIT_BYTES = 2 ** 29;
const LOAD_DEADLINE_MS = 60_000;
const ARTIFACT = 'model.onnx';

const parityRowSchema = z.object({ id: z.string(), text: z.string() });

/**
 * A trainer without Python and without work, for tests and benchmarks of everything else: it "trains" `textModel`, which is
 * right on mails of its three words. The parameter `turn` (0, 1 or 2) turns its labels: with 1 and 2 it is always wrong.
 */
export const ZERO_WORK: Trainer = {
  identify: () => Promise.resolve({ lock: '0'.repeat(64), code: '1'.repeat(64) }),
  run: async (job) => {
    if (job.command === 'train') await writeFile(join(job.output, 'native.json'), '{}\n');
    else await convert(job);
    return { files: [], metrics: {}, log: '' };
  },
};

function convert(job: ConvertJob): Promise<void> {
  return writeConversion(job, textModel({ turn: Number(job.parameters['turn'] ?? 0) }));
}

/** Does a convert job with this model, and with what is said of a twin of it. */
export async function writeConversion(
  { parityRows, output }: ConvertJob,
  model: SmallModel,
  twin?: Conversion['twin'],
): Promise<void> {
  const { contract, graph } = model.manifest;
  const conversion: Conversion = {
    ...{ schemaVersion: 1, artifact: ARTIFACT, frontEnd: 'front-end.json' },
    ...{ labels: [...contract.labels], ...graph },
    ...(twin && { twin }),
  };
  await writeModel(model, output);
  await writeFile(join(output, 'model.json'), JSON.stringify(conversion));
  const lines = (await readFile(parityRows, 'utf8')).split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => parityRowSchema.parse(JSON.parse(line)));
  const answers = await parityLines(output, conversion, rows);
  const text = answers.map((answer) => `${JSON.stringify(answer)}\n`).join('');
  await writeFile(join(output, 'parity.jsonl'), text);
}

/** What the model says itself: there is no other framework to compare it with. */
async function parityLines(
  directory: string,
  conversion: Conversion,
  rows: readonly z.output<typeof parityRowSchema>[],
): Promise<readonly ParityLine[]> {
  const opened = await new ChildModelRuntime().open({
    ...{ directory, artifact: ARTIFACT, manifest: runnableOf(conversion) },
    ...{ memoryLimitBytes: MEMORY_LIMIT_BYTES, loadDeadlineMs: LOAD_DEADLINE_MS },
  });
  try {
    const data = rows.map(({ text }) => text);
    const input = { name: 'text', datatype: 'BYTES', shape: [data.length], data } as const;
    const { outputs } = await opened.infer([{ ...input, shape: [...input.shape] }]);
    const { labels } = conversion;
    const predictions = predictionsOf(outputs, labels);
    return rows.map(({ id }, row) => ({
      id,
      label: answerOf(predictions, row).label,
      probabilities: [
        ...predictions.probabilities.subarray(row * labels.length, (row + 1) * labels.length),
      ],
    }));
  } finally {
    await opened.close();
  }
}
