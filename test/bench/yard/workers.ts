import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { ownProgram } from '../../../adapters/package/package-root.js';
import { Switchyard } from '../../../client/switchyard.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../../scripts/servers/child-process.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { testServers, type TestServers } from '../../../testing/servers.js';
import type { Row, Say } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';

const ROUNDS = 5;
const LIFECYCLES = 20;
const RATIO_LIMIT = 1.1;
const KILLS = 3;
const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));

/** Worker processes of one side, on a queue and on models of their own. */
interface Side extends AsyncDisposable {
  readonly workers: readonly ServerProcess[];
  /** Carries twenty candidates, all at once, each of a model of its own; resolves to the milliseconds until all are live. */
  carry(): Promise<number>;
}

/** Two worker processes against one, and what is lost when one of two is killed. */
export const workersRow: Row = {
  name: 'workers',
  run: async (say) => {
    const servers = await testServers();
    const connection = await Connection.connect({ address: servers.temporal.address });
    const client = new Client({ connection });
    try {
      const sides = await compare(servers, client, say);
      const killedMs = await killOneOfTwo(servers, client, say);
      return [
        {
          what: `${LIFECYCLES} lifecycles on two workers, p50`,
          unit: 's',
          value: median(sides.ours) / 1_000,
          other: { name: 'on one', value: median(sides.other) / 1_000 },
          target: { of: 'ratio', atMost: RATIO_LIMIT },
          rounds: ROUNDS,
          note: `all live; ${spread(sides.ours, 'ms')} against ${spread(sides.other, 'ms')}; trainers without work, everything else real`,
        },
        {
          what: `lost of ${LIFECYCLES} when one of two workers is killed`,
          unit: '',
          value: 0, // a lost one would have been an error
          other: null,
          target: { of: 'value', atMost: 0 },
          rounds: KILLS,
          note: `SIGKILL at a random moment; all live after ${spread(killedMs, 'ms')}`,
        },
      ];
    } finally {
      await connection.close();
    }
  },
};

async function compare(servers: TestServers, client: Client, say: Say) {
  await using one = await startSide(servers, client, { side: 'one', workers: 1 });
  await using two = await startSide(servers, client, { side: 'two', workers: 2 });
  return await interleave(
    { ours: () => two.carry(), other: () => one.carry() },
    { rounds: ROUNDS, perRound: 1, say },
  );
}

async function killOneOfTwo(servers: TestServers, client: Client, say: Say): Promise<number[]> {
  const times: number[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await using side = await startSide(servers, client, { side: 'killed', workers: 2 });
    const carrying = side.carry();
    const afterMs = randomInt(500, 5_000);
    await Promise.race([carrying, pause(afterMs)]);
    const victim = side.workers[randomInt(side.workers.length)];
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
    times.push(await carrying);
    say(
      `kill ${kill} of ${KILLS}: after ${afterMs} ms, all live after ${times.at(-1)?.toFixed(0) ?? ''} ms`,
    );
  }
  return times;
}

let seeds = 0;

async function startSide(
  servers: TestServers,
  client: Client,
  { side, workers: count }: { side: string; workers: number },
): Promise<Side> {
  const folder = await temporaryFolder();
  const taskQueue = `yard-${side}`;
  const switchyard = new Switchyard({ client, taskQueue });
  const starting = Array.from({ length: count }, () =>
    startWorker(servers, taskQueue, folder.path),
  );
  const workers = await Promise.all(starting);
  return {
    workers,
    carry: async () => {
      seeds += 1; // the same inputs again would be the same version again
      const startedMs = performance.now();
      const models = Array.from({ length: LIFECYCLES }, (_, index) => `${side}-${index + 1}`);
      const ends = await Promise.all(
        models.map(async (model) => {
          const { workflowId } = await switchyard.start({ model, seed: seeds });
          return switchyard.outcome(workflowId);
        }),
      );
      const other = ends.find(({ outcome }) => outcome !== 'live');
      if (other !== undefined) throw new Error(`${other.model} ended ${other.outcome}, not live`);
      return performance.now() - startedMs;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function startWorker(
  { temporal, s3 }: TestServers,
  taskQueue: string,
  folder: string,
): Promise<ServerProcess> {
  const worker = await startServerProcess({
    name: 'the worker',
    ...ownProgram('workers/main'),
    env: {
      TEMPORAL_ADDRESS: temporal.address,
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SWITCHYARD_BUCKET: s3.bucket,
      SWITCHYARD_TASK_QUEUE: taskQueue,
      SWITCHYARD_CONFIG: CONFIG,
      SWITCHYARD_WORK_DIR: folder,
    },
  });
  await untilReady('the worker', worker, () =>
    Promise.resolve(worker.hasSaid('"polling"') ? 'ready' : 'not-yet'),
  );
  return worker;
}
