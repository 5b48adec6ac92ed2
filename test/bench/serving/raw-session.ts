/**
 * A bare onnxruntime-node session of one thread in a loop: `raw-session.ts MODEL FEATURES`. A line `{"rows": n, "forMs": ms}` on
 * standard input has it run such batches for so long; the answer is a line too.
 */
import { createInterface } from 'node:readline';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { median } from '../rounds.js';

const askedSchema = z.object({ rows: z.int().min(1), forMs: z.number() });

const [, , file = '', features = ''] = process.argv;
const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const said = await run(askedSchema.parse(JSON.parse(line)));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

async function run({ rows, forMs }: z.infer<typeof askedSchema>) {
  const width = Number(features);
  const values = Float32Array.from({ length: rows * width }, (_, index) => Math.sin(index));
  const feeds = { x: new Tensor('float32', values, [rows, width]) };
  const timesUs: number[] = [];
  const startedMs = performance.now();
  let endedMs = startedMs;
  while (endedMs - startedMs < forMs) {
    const callMs = performance.now();
    await session.run(feeds);
    endedMs = performance.now();
    timesUs.push((endedMs - callMs) * 1_000);
  }
  const rowsPerSecond = (timesUs.length * rows) / ((endedMs - startedMs) / 1_000);
  return { p50Us: median(timesUs), rowsPerSecond };
}
