import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../../chaos/recovery.js';
import type { Figure, Row, Say } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { benchModels, versionFiles } from './bench-models.js';
import { startFastApi } from './comparators.js';
import { startEndpoint } from './endpoint.js';
import { heavyModel, heavyRows } from './heavy-model.js';
import { numberBody, ofCustomer, textBody, type InferBody } from './infer-body.js';
import { KeepAlive, postOk } from './keep-alive.js';
import { openBucket } from './published.js';
import { load } from './wrk.js';

const ROUNDS = 5;
const CUSTOMERS = 4;

/** 20,000 transactions of four customers at once, against one request a row, one after another. */
export const transactionsRow: Row = {
  name: 'transactions',
  run: async (say) => {
    const models = await benchModels(say);
    await using bucket = await openBucket();
    await bucket.publish('merchants', await versionFiles(models.folder, 'merchants'));
    await using endpoint = await startEndpoint({ bucket, models: ['merchants'] });
    await using fastApi = await startFastApi(models.folder);
    const texts = models.texts.merchants;
    const size = texts.length / CUSTOMERS;
    return [
      await measureCustomers({
        ...{ what: `${texts.length} transactions, 4 customers at once`, atLeast: 50, say },
        url: endpoint.inferUrl('merchants'),
        customers: cut(texts, size).map((own) => textBody(own)),
        otherUrl: fastApi.inferUrl('merchants'),
        rows: texts.map((text) => textBody([text])),
      }),
    ];
  },
};

const HEAVY_ROWS = 100;

/** The same with a model whose every row takes 20 ms. */
export const heavyTransactionsRow: Row = {
  name: 'transactions-heavy',
  run: async (say) => {
    const models = await benchModels(say);
    const heavy = await heavyModel();
    say(`one row takes ${heavy.callMs.toFixed(1)} ms`);
    await using bucket = await openBucket();
    await bucket.publish('heavy', heavy);
    await using endpoint = await startEndpoint({ bucket, models: ['heavy'] });
    await using fastApi = await startFastApi(models.folder, heavy.file);
    const { features } = heavy;
    const values = heavyRows(CUSTOMERS * HEAVY_ROWS);
    const bodies = (rows: number) =>
      cut(values, rows * features).map((own) => numberBody({ values: own, features }));
    return [
      await measureCustomers({
        ...{ what: 'heavy model, 4 customers with 100 rows at once', atLeast: 1.5, say },
        url: endpoint.inferUrl('heavy'),
        customers: bodies(HEAVY_ROWS),
        otherUrl: fastApi.inferUrl('heavy'),
        rows: bodies(1),
      }),
    ];
  },
};

async function measureCustomers(given: {
  readonly what: string;
  readonly atLeast: number;
  readonly url: string;
  readonly customers: readonly InferBody[];
  readonly otherUrl: string;
  readonly rows: readonly InferBody[];
  readonly say: Say;
}): Promise<Figure> {
  const { what, atLeast, url, customers, otherUrl, rows, say } = given;
  const connections = await Promise.all(customers.map(() => KeepAlive.open(url)));
  using other = await KeepAlive.open(otherUrl);
  const atOnce = () =>
    timed(async () => {
      const asked = connections.map((connection, index) =>
        postOk(connection, url, ofCustomer(`customer-${index + 1}`, bodyAt(customers, index))),
      );
      await Promise.all(asked);
    });
  const oneByOne = (bodies: readonly InferBody[]) =>
    timed(async () => {
      for (const body of bodies) await postOk(other, otherUrl, body);
    });
  await atOnce();
  await oneByOne(rows.slice(0, rows.length / 20));
  const taken = await interleave(
    { ours: atOnce, other: () => oneByOne(rows) },
    { rounds: ROUNDS, perRound: 1, areWarm: true, say },
  );
  for (const connection of connections) connection[Symbol.dispose]();
  return {
    what,
    ...{ unit: 'ms', value: median(taken.ours), rounds: ROUNDS },
    other: { name: 'FastAPI, a request a row', value: median(taken.other) },
    target: { of: 'ratio', atMost: 1 / atLeast },
    note: `${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}; the same model file, one thread a session`,
  };
}

const BULK_CONNECTIONS = 20;
const BULK_ROWS = 1_000;
const SMALL_CUSTOMERS = 3;
const SMALL_ROWS = 50;
const FAIR_MS = 2_000;

/** Three small customers beside one who keeps 20,000 rows waiting. */
export const fairnessRow: Row = {
  name: 'fairness',
  run: async (say) => {
    const models = await benchModels(say);
    await using bucket = await openBucket();
    await bucket.publish('merchants', await versionFiles(models.folder, 'merchants'));
    await using endpoint = await startEndpoint({ bucket, models: ['merchants'] });
    const url = endpoint.inferUrl('merchants');
    const texts = models.texts.merchants;
    const bulk = ofCustomer('bulk', textBody(texts.slice(0, BULK_ROWS)));
    const small = textBody(texts.slice(0, SMALL_ROWS));
    const smallOnes = (endMs: number) =>
      Array.from({ length: SMALL_CUSTOMERS }, (_, index) =>
        askUntil(endMs, url, ofCustomer(`small-${index + 1}`, small)),
      );
    const alone = async () => p95(await Promise.all(smallOnes(performance.now() + FAIR_MS)));
    const besides: number[] = [];
    const beside = async () => {
      const seconds = FAIR_MS / 1_000 + 1;
      const loading = load({ url, body: bulk, clients: BULK_CONNECTIONS, seconds });
      await pause(500); // the queue is full then
      const asked = Promise.all(smallOnes(performance.now() + FAIR_MS));
      const [{ perSecond }, times] = await Promise.all([loading, asked]);
      besides.push(perSecond * BULK_ROWS);
      return p95(times);
    };
    const taken = await interleave(
      { ours: beside, other: alone },
      { rounds: ROUNDS, perRound: 1, say },
    );
    return [
      {
        what: '50 rows of a small customer beside 20,000 of another, p95',
        ...{ unit: 'ms', value: median(taken.ours), rounds: ROUNDS },
        other: { name: 'alone', value: median(taken.other) },
        target: { of: 'ratio', atMost: 3 },
        note: `3 small customers, one request of 50 rows after another; the other one keeps 20 requests of 1,000 rows waiting and gets ${median(besides).toFixed(0)} rows/s; ${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}`,
      },
    ];
  },
};

/** Asks again and again; resolves to the milliseconds of each answer. */
async function askUntil(endMs: number, url: string, body: InferBody): Promise<number[]> {
  using connection = await KeepAlive.open(url);
  const times: number[] = [];
  while (performance.now() < endMs) times.push((await postOk(connection, url, body)).ms);
  return times;
}

const p95 = (times: readonly (readonly number[])[]) => percentile(times.flat(), 0.95);

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Pieces of one size. */
function cut<Whole extends { readonly length: number; slice(from: number, to: number): Whole }>(
  whole: Whole,
  size: number,
): Whole[] {
  const pieces = Math.ceil(whole.length / size);
  return Array.from({ length: pieces }, (_, index) =>
    whole.slice(index * size, (index + 1) * size),
  );
}

function bodyAt(bodies: readonly InferBody[], index: number): InferBody {
  const body = bodies[index];
  if (body === undefined) throw new RangeError(`there is no body ${index}`);
  return body;
}
