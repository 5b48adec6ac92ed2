import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { until } from '../../../testing/until.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import type { Row, Say } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { closedLoop } from './closed-loop.js';
import { startEndpoint } from './endpoint.js';
import { heavyModel, heavyRows } from './heavy-model.js';
import { numberBody } from './infer-body.js';
import { openBucket } from './published.js';
import { openRawSession, type RawSession } from './raw.js';

const ROUNDS = 5;
const CLIENTS = 64;
const FOR_MS = 3_000;
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128];

/** A heavy model under many clients against a bare session with the batches that suit it best. */
export const heavyRow: Row = {
  name: 'heavy',
  run: async (say) => {
    const heavy = await heavyModel();
    const { features, file } = heavy;
    await using raw = await openRawSession(file, features);
    const { best, filled } = await bareBatches(raw, say);
    await using bucket = await openBucket();
    await bucket.publish('heavy', heavy);
    await using endpoint = await startEndpoint({ bucket, models: ['heavy'] });
    const url = endpoint.inferUrl('heavy');
    const body = numberBody({ values: heavyRows(1), features });
    const taken = await interleave(
      {
        ours: () => closedLoop({ url, body, clients: CLIENTS, forMs: FOR_MS }),
        other: async () => (await raw.run(best, FOR_MS)).rowsPerSecond,
      },
      { rounds: ROUNDS, perRound: 1, say, unit: 'rows/s' },
    );
    return [
      {
        what: `heavy model, ${CLIENTS} clients with a row each`,
        ...{ unit: 'requests/s', value: median(taken.ours), rounds: ROUNDS },
        other: { name: `a bare session, batches of ${best}`, value: median(taken.other) },
        target: { of: 'ratio', atLeast: 0.95 },
        note: `one row alone takes ${heavy.callMs.toFixed(1)} ms; ${spread(taken.ours, 'requests/s')} against ${spread(taken.other, 'rows/s')}; with batches that ${CLIENTS} clients can fill a bare session makes at most ${filled.toFixed(0)}`,
      },
    ];
  },
};

/** The batch that suits a bare session best, and the rows/s that it makes of batches that the clients can fill. */
async function bareBatches(raw: RawSession, say: Say): Promise<{ best: number; filled: number }> {
  const rates: { rows: number; perSecond: number }[] = [];
  for (const rows of BATCH_SIZES) {
    await raw.run(rows, 1);
    rates.push({ rows, perSecond: (await raw.run(rows, 700)).rowsPerSecond });
  }
  const shown = rates.map(({ rows, perSecond }) => `${rows}: ${perSecond.toFixed(0)}`).join(', ');
  say(`rows/s of a bare session by batch: ${shown}`);
  const highest = Math.max(...rates.map(({ perSecond }) => perSecond));
  const best = rates.find(({ perSecond }) => perSecond === highest)?.rows ?? 1;
  const canBeFilled = rates.filter(({ rows }) => rows <= CLIENTS);
  return { best, filled: Math.max(...canBeFilled.map(({ perSecond }) => perSecond)) };
}

const LOOP_DELAY = new URL('loop-delay.js', import.meta.url).href;
const LOOP_LIMIT_MS = 5;
const LOOP_FOR_MS = 2_000;
const delaySchema = z.object({ p99Ms: z.number(), maxMs: z.number() });

/** How late the endpoint's event loop is while its model is busy. */
export const loopRow: Row = {
  name: 'event-loop',
  run: async (say) => {
    const heavy = await heavyModel();
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'delay.json');
    await using bucket = await openBucket();
    await bucket.publish('heavy', heavy);
    await using endpoint = await startEndpoint({
      ...{ bucket, models: ['heavy'] },
      ...{ options: ['--import', LOOP_DELAY], environment: { BENCH_LOOP_DELAY: file } },
    });
    const url = endpoint.inferUrl('heavy');
    const body = numberBody({ values: heavyRows(1), features: heavy.features });
    const slowest: number[] = [];
    const delayDuring = async (work: () => Promise<unknown>) => {
      await readDelay(endpoint.pid, file);
      await work();
      const { p99Ms, maxMs } = await readDelay(endpoint.pid, file);
      slowest.push(maxMs);
      return p99Ms;
    };
    const taken = await interleave(
      {
        ours: () =>
          delayDuring(() => closedLoop({ url, body, clients: CLIENTS, forMs: LOOP_FOR_MS })),
        other: () => delayDuring(() => pause(LOOP_FOR_MS)),
      },
      { rounds: ROUNDS, perRound: 1, say },
    );
    const [busy, idle] = [median(taken.ours), median(taken.other)];
    return [
      {
        what: 'event-loop delay of the endpoint, heavy model busy, p99 above idle',
        ...{ unit: 'ms', value: busy - idle, other: null, rounds: ROUNDS },
        target: { of: 'value', atMost: LOOP_LIMIT_MS },
        note: `${busy.toFixed(2)} ms busy, ${idle.toFixed(2)} ms idle, at a resolution of 1 ms; the latest ever ${Math.max(...slowest).toFixed(0)} ms; ${CLIENTS} clients`,
      },
    ];
  },
};

async function readDelay(pid: number, file: string): Promise<z.infer<typeof delaySchema>> {
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  return until('the endpoint tells its event-loop delay', async () => {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : delaySchema.parse(JSON.parse(text));
  });
}
