import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SEARCH_ATTRIBUTES } from '../../domain/search-attributes.js';
import { randomInt, seededRandom, type Random } from '../../domain/random.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { startTemporalServer, type TemporalServer } from '../../scripts/servers/temporal-server.js';
import { testServers } from '../../testing/servers.js';
import {
  campaignModels,
  campaignViolations,
  startCampaign,
  tell,
  type Campaign,
} from './campaign.js';
import type { ChaosGiven, ChaosResult } from './chaos-run.js';
import { saying } from './saying.js';
import { openWorld } from './world.js';

const LIFECYCLES = 100;
const WORKERS = 2;
const KILLS = 20;
/** From the server's answer to its next kill. */
const UP_MS = { least: 2_000, most: 8_000 } as const;
const DOWN_MS = 1_000;
const START_EVERY_MS = 1_200;
const PATIENCE_MS = 480_000;

/**
 * Lifecycles without training, started and decided on all along, while the Temporal server is SIGKILLed and started again on its
 * file: every start and decision that was acknowledged is there, and all end. `--count` lifecycles; `--set kills=N`, `--set every=MS`
 * between starts.
 */
export async function runTemporal(given: ChaosGiven): Promise<ChaosResult> {
  const { seed, say, settings } = given;
  const random = seededRandom(seed);
  const models = campaignModels('outlived', given.count ?? LIFECYCLES);
  const startedMs = performance.now();
  await using server = await openServer();
  const { s3 } = await testServers();
  await using world = await openWorld({
    models: Object.fromEntries(models.map((model) => [model, 'approved' as const])),
    servers: { temporal: server.place, s3 },
  });
  await Promise.all(Array.from({ length: WORKERS }, () => world.startWorker()));
  const everyMs = settings['every'] ?? START_EVERY_MS;
  const campaign = startCampaign(world, { models, random, everyMs });
  const violations: string[] = [];
  const killing = killServer(server, settings['kills'] ?? KILLS, random, campaign, say);
  killing.catch(() => undefined); // awaited below
  try {
    await saying(campaign.ended(PATIENCE_MS), async () => {
      say(`${campaign.started.length} started, ${(await campaign.open()).length} open`);
    });
  } catch (error) {
    violations.push(`${String(error)}; open: ${(await campaign.open()).join(', ')}`);
  }
  const { kills, slowestUpMs } = await killing;
  await campaign.deciding.stop();
  await world.stopProcesses();
  const { ends, violations: found } = await campaignViolations(world, campaign, models);
  const { acknowledged, failed } = campaign.deciding;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  return {
    figures: [
      `${models.length} lifecycles, ${WORKERS} workers, ${kills} SIGKILLs of the Temporal server in ${seconds} s: ${tell(ends)}`,
      `${campaign.started.length} starts acknowledged, ${campaign.startsAgain()} calls failed before; ${acknowledged.length} decisions acknowledged (${acknowledged.filter(({ sentAs }) => sentAs === 'signal').length} as signals), ${failed} calls failed and were made again`,
      `the server answered again at the latest ${slowestUpMs.toFixed(0)} ms after its start`,
    ],
    violations: [...violations, ...found],
  };
}

interface KilledServer extends AsyncDisposable {
  readonly place: {
    readonly address: string;
    readonly namespace: 'default';
    readonly uiUrl: string;
  };
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again on its file and its ports. */
  start(): Promise<void>;
}

async function openServer(): Promise<KilledServer> {
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-temporal-'));
  const ports = { port: await freePort(), uiPort: await freePort() };
  const start = () =>
    startTemporalServer({ directory, ...ports, searchAttributes: SEARCH_ATTRIBUTES });
  let server: TemporalServer = await start();
  return {
    place: { address: server.address, namespace: 'default', uiUrl: server.uiUrl },
    kill: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
    },
    start: async () => {
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Kills it so often, whether or not lifecycles are left. */
async function killServer(
  server: KilledServer,
  kills: number,
  random: Random,
  campaign: Campaign,
  say: (line: string) => void,
): Promise<{ kills: number; slowestUpMs: number }> {
  let slowestUpMs = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    await pause(UP_MS.least + randomInt(random, UP_MS.most - UP_MS.least));
    await server.kill();
    await pause(randomInt(random, DOWN_MS));
    const startedMs = performance.now();
    await server.start();
    const upMs = performance.now() - startedMs;
    slowestUpMs = Math.max(slowestUpMs, upMs);
    say(
      `kill ${kill} of ${kills}: up again after ${upMs.toFixed(0)} ms; ${campaign.started.length} starts, ${campaign.deciding.acknowledged.length} decisions acknowledged`,
    );
  }
  return { kills, slowestUpMs };
}
