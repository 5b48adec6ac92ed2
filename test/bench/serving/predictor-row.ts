import { join } from 'node:path';
import { openPredictor, type Predictor } from '../../../serving/index.js';
import type { Tensor } from '../../../domain/ports/model-runtime.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import type { Row } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { benchModels, versionFiles } from './bench-models.js';
import { forestRows } from './infer-body.js';
import { openBucket } from './published.js';
import { openRawSession } from './raw.js';

const ROUNDS = 5;
const FOR_MS = 1_000;
const BULK_ROWS = 1_024;
const CALLS_AT_ONCE = 4;
const ADDED_LIMIT_US = 80;
const BULK_LIMIT = 0.9;

/** What a predictor in one's own program adds to a bare session, and what it takes from it in bulk. */
export const predictorRow: Row = {
  name: 'predictor',
  run: async (say) => {
    const { folder } = await benchModels(say);
    await using bucket = await openBucket();
    await bucket.publish('forest', await versionFiles(folder, 'forest'));
    await using cache = await temporaryFolder();
    const { registry } = bucket;
    await using ours = await openPredictor('forest', { registry, cacheDirectory: cache.path });
    const { features } = forestRows(1);
    await using raw = await openRawSession(join(folder, 'forest', 'model.onnx'), features);
    const [one, many] = [tensorOf(1, features), tensorOf(BULK_ROWS, features)];
    const calls = await interleave(
      {
        ours: () => p50Us(ours, one),
        other: async () => (await raw.run(1, FOR_MS)).p50Us,
      },
      { rounds: ROUNDS, perRound: 1, say, unit: 'us' },
    );
    const rates = await interleave(
      {
        ours: () => rowsPerSecond(ours, many),
        other: async () => (await raw.run(BULK_ROWS, FOR_MS)).rowsPerSecond,
      },
      { rounds: ROUNDS, perRound: 1, say, unit: 'rows/s' },
    );
    const [call, bare] = [median(calls.ours), median(calls.other)];
    return [
      {
        what: 'forest, one call, p50: what the predictor adds',
        ...{ unit: 'us', value: call - bare, other: null, rounds: ROUNDS },
        target: { of: 'value', atMost: ADDED_LIMIT_US },
        note: `${call.toFixed(0)} us a call, ${bare.toFixed(0)} us of a bare session`,
      },
      {
        what: `forest, bulk, ${CALLS_AT_ONCE} calls of ${BULK_ROWS} rows at once`,
        ...{ unit: 'rows/s', value: median(rates.ours), rounds: ROUNDS },
        other: { name: 'a bare session', value: median(rates.other) },
        target: { of: 'ratio', atLeast: BULK_LIMIT },
        note: `${spread(rates.ours, 'rows/s')} against ${spread(rates.other, 'rows/s')}`,
      },
    ];
  },
};

function tensorOf(rows: number, features: number): Tensor {
  const data = Float32Array.from({ length: rows * features }, (_, index) => Math.sin(index));
  return { name: 'x', datatype: 'FP32', shape: [rows, features], data };
}

async function p50Us(predictor: Predictor, input: Tensor): Promise<number> {
  const timesUs: number[] = [];
  const untilMs = performance.now() + FOR_MS;
  for (let atMs = performance.now(); atMs < untilMs;) {
    await predictor.infer([input]);
    const doneMs = performance.now();
    timesUs.push((doneMs - atMs) * 1_000);
    atMs = doneMs;
  }
  return median(timesUs);
}

async function rowsPerSecond(predictor: Predictor, input: Tensor): Promise<number> {
  const startedMs = performance.now();
  let rows = 0;
  const callAgain = async () => {
    while (performance.now() - startedMs < FOR_MS) {
      await predictor.infer([input]);
      rows += input.shape[0] ?? 0;
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, callAgain));
  return rows / ((performance.now() - startedMs) / 1_000);
}
