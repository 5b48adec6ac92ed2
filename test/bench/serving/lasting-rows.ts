import { setTimeout as pause } from 'node:timers/promises';
import type { Row, Say } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { benchModels, versionFiles } from './bench-models.js';
import { startEndpoint, type Endpoint } from './endpoint.js';
import { forestRows, numberBody } from './infer-body.js';
import { openBucket } from './published.js';
import { load } from './wrk.js';

const FOREST = 'forest';
const BODY = numberBody(forestRows(1));
/** Until the heaps have the size at which they stay: after 50,000 they still grow by some 40 MB. */
const WARM_UP = 300_000;
const INFERENCES = 100_000;
const GROWTH_LIMIT_MB = 20;
const MEMORY_CLIENTS = 16;
const SETTLE_MS = 2_000;

/** Memory over many inferences. */
export const memoryRow: Row = {
  name: 'memory',
  run: async (say) => {
    const models = await benchModels(say);
    await using bucket = await openBucket();
    await bucket.publish(FOREST, await versionFiles(models.folder, FOREST));
    await using endpoint = await startEndpoint({ bucket, models: [FOREST] });
    await infer(endpoint, WARM_UP);
    const before = await settledMB(endpoint);
    const made = await infer(endpoint, INFERENCES);
    const after = await settledMB(endpoint);
    return [
      {
        what: `memory grown over ${INFERENCES} inferences`,
        ...{ unit: 'MB', value: after - before, other: null, rounds: 1 },
        target: { of: 'value', atMost: GROWTH_LIMIT_MB },
        note: `resident, of the endpoint and its model's process: ${before.toFixed(0)} MB after ${WARM_UP}, ${after.toFixed(0)} MB after ${made} more; prediction log on`,
      },
    ];
  },
};

async function infer(endpoint: Endpoint, least: number): Promise<number> {
  let made = 0;
  const given = { url: endpoint.inferUrl(FOREST), body: BODY, clients: MEMORY_CLIENTS, seconds: 1 };
  while (made < least) made += (await load(given)).requests;
  return made;
}

/** After the prediction log has written what waits. */
async function settledMB(endpoint: Endpoint): Promise<number> {
  const waiting = `switchyard_prediction_lines_waiting{model="${FOREST}"}`;
  while ((await endpoint.metric(waiting)) > 0) await pause(100);
  await pause(SETTLE_MS);
  return endpoint.memoryMB();
}

const ROUNDS = 5;
const CLIENTS = 64;
const SECONDS = 2;
const LOG_LIMIT = 0.9;

/** What the prediction log costs. */
export const logRow: Row = {
  name: 'log',
  run: async (say) => {
    const models = await benchModels(say);
    await using bucket = await openBucket();
    await bucket.publish(FOREST, await versionFiles(models.folder, FOREST));
    const shared = { bucket, models: [FOREST] };
    await using on = await startEndpoint(shared);
    await using off = await startEndpoint({ ...shared, logsNothing: true });
    const taken = await interleave(
      { ours: () => rate(on, say), other: () => rate(off, say) },
      { rounds: ROUNDS, perRound: 1, say, unit: 'requests/s' },
    );
    const lines = (fate: string) =>
      on.metric(`switchyard_prediction_lines_total{model="${FOREST}",fate="${fate}"}`);
    const [written, dropped] = [await lines('written'), await lines('dropped')];
    const told = await off.metric(`switchyard_rows_total{model="${FOREST}"}`);
    if (told > 0) throw new Error(`the log that is to be told nothing was told of ${told} rows`);
    return [
      {
        what: `forest, ${CLIENTS} clients, prediction log on`,
        ...{ unit: 'requests/s', value: median(taken.ours), rounds: ROUNDS },
        other: { name: 'off', value: median(taken.other) },
        target: { of: 'ratio', atLeast: LOG_LIMIT },
        note: `${spread(taken.ours, 'requests/s')} against ${spread(taken.other, 'requests/s')}; off: the same program, whose log is told nothing`,
      },
      {
        what: 'lines of the prediction log dropped',
        ...{ unit: '', value: dropped, other: null, rounds: 1 },
        target: { of: 'value', atMost: 0 },
        note: `${written} are written`,
      },
    ];
  },
};

async function rate(endpoint: Endpoint, say: Say): Promise<number> {
  const url = endpoint.inferUrl(FOREST);
  const { perSecond } = await load({ url, body: BODY, clients: CLIENTS, seconds: SECONDS });
  const waiting = await endpoint.metric(`switchyard_prediction_lines_waiting{model="${FOREST}"}`);
  if (waiting > 0) say(`${waiting} lines of the prediction log wait`);
  return perSecond;
}
