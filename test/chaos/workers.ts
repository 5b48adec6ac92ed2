import { setTimeout as pause } from 'node:timers/promises';
import { randomInt, seededRandom, type Random } from '../../domain/random.js';
import type { ServerProcess } from '../../scripts/servers/child-process.js';
import {
  campaignModels,
  campaignViolations,
  startCampaign,
  tell,
  type Campaign,
} from './campaign.js';
import type { ChaosGiven, ChaosResult } from './chaos-run.js';
import { bundleWorker } from './bundled-worker.js';
import { identityOf, inHand, percentile, watchRecovery, type Recovery } from './recovery.js';
import { saying } from './saying.js';
import { kill, openWorld, type World } from './world.js';

const LIFECYCLES = 100;
/** So that what is killed is not most of what runs: an attempt of a test takes several seconds on two busy cores. */
const WORKERS = 6;
const KILL_EVERY_MS = { least: 1_000, most: 3_000 } as const;
/** Apart, so that what a killed worker had waits for a worker and not in a queue. */
const START_EVERY_MS = 2_500;
/** More would only wait for the machine, which starts a worker every two seconds. */
const MOST_OPEN = 6;
const PATIENCE_MS = 420_000;
const RECOVERY_LIMIT_MS = 3_000;

/** Lifecycles after those, a few at a time, whose workers are killed one by one. */
const SPARED = 24;
const SPARED_EVERY_MS = 2_500;
/** As many as workers are left: what is measured is how work is taken over, and not how it waits for other work. */
const SPARED_OPEN = 2;
/** Workers that poll when one is killed: two are left. */
const LEAST_POLLING = 3;

/**
 * Lifecycles without training, several worker processes, of which a random one is SIGKILLed every 1-3 s (the last that polls is
 * spared) and started again, and people who decide all along: none is lost, nothing is done twice. Then fewer lifecycles, whose
 * workers are killed one by one while two others poll: how long until what one had in hand goes on. `--count` lifecycles;
 * `--set workers=N`, `--set every=MS` between starts, `--set spared=N` lifecycles afterwards.
 */
export async function runWorkers(given: ChaosGiven): Promise<ChaosResult> {
  const { seed, say, settings } = given;
  const random = seededRandom(seed);
  const models = campaignModels('killed', given.count ?? LIFECYCLES);
  const spared = campaignModels('spared', settings['spared'] ?? SPARED);
  const startedMs = performance.now();
  await using world = await openWorld({
    models: Object.fromEntries([...models, ...spared].map((model) => [model, 'approved' as const])),
  });
  await using bundled = await bundleWorker();
  const crew = await openCrew(settings['workers'] ?? WORKERS, () => world.startWorker(bundled));
  const everyMs = settings['every'] ?? START_EVERY_MS;
  const campaign = startCampaign(world, { models, random, everyMs, mostOpen: MOST_OPEN });
  const killing = killWorkers({ world, crew, campaign, random });
  const violations: string[] = [];
  try {
    await saying(campaign.ended(PATIENCE_MS), async () => {
      const open = (await campaign.open()).length;
      say(`${killing.kills} kills; ${campaign.started.length} started, ${open} open`);
    });
  } catch (error) {
    violations.push(`${String(error)}; open: ${(await campaign.open()).join(', ')}`);
  }
  const underLoad = await killing.stop();
  await campaign.deciding.stop();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  const runs = await world.trainerRuns();
  const calm = await killOneByOne({ world, crew, models: spared, random, say });
  await world.stopProcesses();
  const { ends, violations: found } = await campaignViolations(world, campaign, models);
  const after = await campaignViolations(world, calm.campaign, spared);
  const { acknowledged, failed } = campaign.deciding;
  return {
    figures: [
      `${models.length} lifecycles, ${crew.size} workers, ${killing.kills} SIGKILLs in ${seconds} s: ${tell(ends)}`,
      `${acknowledged.length} decisions acknowledged, ${failed} calls failed and were made again; the trainer ran ${runs.length} times for ${models.length * 2} results`,
      ...describe(`while one was killed every 1-3 s`, underLoad),
      `${spared.length} lifecycles, workers killed one by one: ${tell(after.ends)}`,
      ...describe(`with two others up`, calm.recoveries),
    ],
    violations: [
      ...[...violations, ...found, ...calm.violations, ...after.violations],
      ...[...underLoad, ...calm.recoveries].flatMap(neverAgain),
      ...tooSlow(calm.recoveries),
    ],
  };
}

/** Each time a worker that has something in hand for the first time, and the next one when all of that has begun again. */
async function killOneByOne(given: {
  readonly world: World;
  readonly crew: Crew;
  readonly models: readonly string[];
  readonly random: Random;
  readonly say: (line: string) => void;
}) {
  const { world, crew, models, random, say } = given;
  const campaign = startCampaign(world, {
    ...{ models, random },
    everyMs: SPARED_EVERY_MS,
    mostOpen: SPARED_OPEN,
  });
  const recoveries: Recovery[] = [];
  const violations: string[] = [];
  const over = new AbortController();
  const killing = (async () => {
    while (!over.signal.aborted) {
      await pause(randomInt(random, KILL_EVERY_MS.least));
      if (crew.polling().length < LEAST_POLLING) continue;
      const workflowIds = await campaign.open();
      for (const victim of crew.polling()) {
        const hands = { workflowIds, identity: identityOf(victim.pid) };
        const held = await inHand(world.client, hands);
        // what was killed before waits longer each time, so that what kills its workers does not kill all of them
        if (held.length === 0 || held.some(({ attempt }) => attempt > 1)) continue;
        const killedMs = Date.now();
        await crew.replace(victim);
        recoveries.push(...(await watchRecovery(world.client, { ...hands, killedMs })));
        break;
      }
    }
  })();
  killing.catch(() => undefined); // told below
  try {
    await saying(campaign.ended(PATIENCE_MS), async () => {
      const open = (await campaign.open()).length;
      say(
        `one by one: ${recoveries.length} recoveries; ${campaign.started.length} started, ${open} open`,
      );
    });
  } catch (error) {
    violations.push(`${String(error)}; open: ${(await campaign.open()).join(', ')}`);
  }
  over.abort();
  await killing;
  await campaign.deciding.stop();
  await crew.settled();
  return { campaign, recoveries, violations };
}

interface Crew {
  readonly size: number;
  /** Those that poll now. */
  polling(): readonly ServerProcess[];
  /** Kills one, and starts another in its place. */
  replace(victim: ServerProcess): Promise<void>;
  settled(): Promise<unknown>;
}

async function openCrew(size: number, startWorker: World['startWorker']): Promise<Crew> {
  const polling = new Set(await Promise.all(Array.from({ length: size }, () => startWorker())));
  const starting = new Set<Promise<unknown>>();
  return {
    size,
    polling: () => [...polling],
    replace: async (victim) => {
      polling.delete(victim);
      await kill(victim);
      const start = startWorker().then((worker) => polling.add(worker));
      starting.add(start);
      void start.finally(() => starting.delete(start)).catch(() => undefined);
    },
    settled: () => Promise.allSettled(starting),
  };
}

function killWorkers(given: { world: World; crew: Crew; campaign: Campaign; random: Random }) {
  const { world, crew, campaign, random } = given;
  const stopped = new AbortController();
  const watches: Promise<readonly Recovery[]>[] = [];
  const killing = (async () => {
    while (!stopped.signal.aborted) {
      const spanMs = KILL_EVERY_MS.most - KILL_EVERY_MS.least;
      await pause(KILL_EVERY_MS.least + randomInt(random, spanMs));
      const polling = crew.polling();
      const victim = polling[randomInt(random, polling.length)];
      if (victim === undefined || polling.length === 1) continue; // the others are still starting
      const workflowIds = await campaign.open().catch(() => []);
      const killedMs = Date.now();
      await crew.replace(victim);
      const watch = watchRecovery(world.client, {
        ...{ workflowIds, killedMs, identity: identityOf(victim.pid) },
      });
      watch.catch(() => undefined); // whoever stops the killing hears of it
      watches.push(watch);
    }
  })();
  return {
    get kills() {
      return watches.length;
    },
    stop: async () => {
      stopped.abort();
      await killing;
      await crew.settled();
      return (await Promise.all(watches)).flat();
    },
  };
}

function neverAgain({ ms, what }: Recovery): readonly string[] {
  return ms === null
    ? [`${what}, in hand of a killed worker, did not begin again within a minute`]
    : [];
}

function tooSlow(recoveries: readonly Recovery[]): readonly string[] {
  const p99 = percentile(times(recoveries), 0.99);
  return p99 < RECOVERY_LIMIT_MS
    ? []
    : [
        `p99 from a SIGKILL until what the worker had in hand goes on is ${p99.toFixed(0)} ms, not below ${RECOVERY_LIMIT_MS}`,
      ];
}

const times = (recoveries: readonly Recovery[]) => recoveries.flatMap(({ ms }) => ms ?? []);

/** The start of the next attempt is the next event of the lifecycle's history. */
function describe(when: string, recoveries: readonly Recovery[]): readonly string[] {
  const all = times(recoveries);
  const kinds = [...new Set(recoveries.map((each) => each.what))].sort();
  const slowest = kinds.map((kind) => {
    const own = times(recoveries.filter((each) => each.what === kind));
    return `${kind} ${own.length}, up to ${Math.max(...own).toFixed(0)}`;
  });
  const offered = recoveries.flatMap(({ offeredMs }) => offeredMs ?? []);
  return [
    `recovery ${when}, from the SIGKILL to the next event of the lifecycle: ${all.length} activities, p50 ${at(all, 0.5)}, p99 ${at(all, 0.99)}, the slowest ${at(all, 1)}`,
    `of that until it was offered again: p50 ${at(offered, 0.5)}, p99 ${at(offered, 0.99)}; the rest is waiting for a free worker (${slowest.join('; ')})`,
  ];
}

const at = (values: readonly number[], share: number) =>
  `${percentile(values, share).toFixed(0)} ms`;
