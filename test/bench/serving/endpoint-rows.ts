import { join } from 'node:path';
import type { Figure, Row, Say } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';
import { benchModels, versionFiles } from './bench-models.js';
import { startFastApi, type Server } from './comparators.js';
import { startEndpoint } from './endpoint.js';
import { binaryBody, forestRows, numberBody, textBody, type InferBody } from './infer-body.js';
import { openBucket } from './published.js';
import { openRawSession } from './raw.js';
import { load } from './wrk.js';

const ROUNDS = 5;
const MANY = 64;
const ONE_SECONDS = 1;
const MANY_SECONDS = 2;
const P50_LIMIT = 0.7;
const RATE_LIMIT = 7.5;
const JSON_LIMIT = 3.2;
const BINARY_LIMIT = 8;
const BATCH = 100;
const ADDED_LIMIT_US = 200;

/** Both servers with the same model files. */
interface Stand {
  readonly models: string;
  readonly ours: Server;
  readonly other: Server;
  readonly merchant: string;
}

async function withStand<Result>(
  say: Say,
  measure: (stand: Stand) => Promise<Result>,
): Promise<Result> {
  const { folder, texts } = await benchModels(say);
  await using bucket = await openBucket();
  for (const name of ['merchants', 'forest']) {
    await bucket.publish(name, await versionFiles(folder, name));
  }
  await using ours = await startEndpoint({ bucket, models: ['merchants', 'forest'] });
  await using other = await startFastApi(folder);
  return await measure({ models: folder, ours, other, merchant: texts.merchants[0] ?? '' });
}

/** One row a request: a client alone, and many at once. */
export const singleRow: Row = {
  name: 'single',
  run: (say) =>
    withStand(say, async (stand) => {
      const asked = [
        { name: 'merchants', shown: 'light text model', body: textBody([stand.merchant]) },
        { name: 'forest', shown: 'forest of 100 trees', body: numberBody(forestRows(1)) },
      ];
      const figures: Figure[] = [];
      for (const each of asked) {
        figures.push(
          await manyClients(stand, {
            ...{
              name: each.name,
              what: `${each.shown}, ${MANY} clients`,
              atLeast: RATE_LIMIT,
              say,
            },
            ...{ body: each.body, otherBody: each.body },
          }),
        );
        // behind the many: they have warmed both sides up
        figures.push(await oneClient(stand, each, say));
      }
      return figures;
    }),
};

/** What the endpoint adds to a bare session's call. */
export const addedRow: Row = {
  name: 'added',
  run: (say) =>
    withStand(say, async (stand) => {
      const { features } = forestRows(1);
      const file = join(stand.models, 'forest', 'model.onnx');
      await using raw = await openRawSession(file, features);
      const body = numberBody(forestRows(1));
      const taken = await interleave(
        {
          ours: () => p50(stand.ours, 'forest', body),
          other: async () => (await raw.run(1, ONE_SECONDS * 1_000)).p50Us,
        },
        { rounds: ROUNDS, perRound: 1, say, unit: 'us' },
      );
      const [endpoint, call] = [median(taken.ours), median(taken.other)];
      return [
        {
          what: 'forest, one client, p50: what the endpoint adds',
          ...{ unit: 'us', value: endpoint - call, other: null, rounds: ROUNDS },
          target: { of: 'value', atMost: ADDED_LIMIT_US },
          note: `${endpoint.toFixed(0)} us at the endpoint, ${call.toFixed(0)} us a call of a bare session`,
        },
      ];
    }),
};

/** 100 rows a request as JSON. */
export const jsonRow: Row = {
  name: 'json-100',
  run: (say) =>
    withStand(say, async (stand) => {
      const body = numberBody(forestRows(BATCH));
      return [
        await manyClients(stand, {
          ...{ name: 'forest', what: `forest, ${BATCH} rows as JSON, ${MANY} clients` },
          ...{ atLeast: JSON_LIMIT, say, body, otherBody: body },
        }),
      ];
    }),
};

/** 100 rows a request by the binary tensor extension, which the other side does not have. */
export const binaryRow: Row = {
  name: 'binary-100',
  run: (say) =>
    withStand(say, async (stand) => {
      const rows = forestRows(BATCH);
      return [
        await manyClients(stand, {
          ...{ name: 'forest', what: `forest, ${BATCH} rows in binary, ${MANY} clients` },
          ...{ atLeast: BINARY_LIMIT, say, body: binaryBody(rows), otherBody: numberBody(rows) },
        }),
      ];
    }),
};

async function oneClient(
  { ours, other }: Stand,
  { name, shown, body }: { name: string; shown: string; body: InferBody },
  say: Say,
): Promise<Figure> {
  const taken = await interleave(
    { ours: () => p50(ours, name, body), other: () => p50(other, name, body) },
    { rounds: ROUNDS, perRound: 1, say, unit: 'us' },
  );
  return {
    what: `${shown}, one client, p50`,
    ...{ unit: 'us', value: median(taken.ours), rounds: ROUNDS },
    other: { name: 'FastAPI', value: median(taken.other) },
    target: { of: 'ratio', atMost: P50_LIMIT },
    note: `${spread(taken.ours, 'us')} against ${spread(taken.other, 'us')}`,
  };
}

async function p50(server: Server, name: string, body: InferBody): Promise<number> {
  const url = server.inferUrl(name);
  return (await load({ url, body, clients: 1, seconds: ONE_SECONDS })).p50Us;
}

async function manyClients(
  { ours, other }: Stand,
  given: {
    readonly name: string;
    readonly what: string;
    readonly body: InferBody;
    readonly otherBody: InferBody;
    readonly atLeast: number;
    readonly say: Say;
  },
): Promise<Figure> {
  const { name, what, body, otherBody, atLeast, say } = given;
  const rate = async (server: Server, asked: InferBody) => {
    const url = server.inferUrl(name);
    return (await load({ url, body: asked, clients: MANY, seconds: MANY_SECONDS })).perSecond;
  };
  const taken = await interleave(
    { ours: () => rate(ours, body), other: () => rate(other, otherBody) },
    { rounds: ROUNDS, perRound: 1, say, unit: 'requests/s' },
  );
  return {
    what,
    ...{ unit: 'requests/s', value: median(taken.ours), rounds: ROUNDS },
    other: { name: 'FastAPI', value: median(taken.other) },
    target: { of: 'ratio', atLeast },
    note: `${spread(taken.ours, 'requests/s')} against ${spread(taken.other, 'requests/s')}`,
  };
}
