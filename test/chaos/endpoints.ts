import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomInt, seededRandom } from '../../domain/random.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { buildEndpoint } from '../bench/serving/endpoint-program.js';
import type { ChaosGiven, ChaosResult } from './chaos-run.js';
import { ACTS, versionsOf, type Stage } from './endpoints/acts.js';
import { Balancer } from './endpoints/balancer.js';
import { Clients } from './endpoints/clients.js';
import { Fleet, FLEET_SIZE, Killer } from './endpoints/fleet.js';
import { Line } from './endpoints/line.js';
import { openStore } from './endpoints/store.js';
import { percentile } from './recovery.js';

const MODEL = 'replicated';
const KILL_EVERY_MS = { least: 2_000, most: 4_000 } as const;
/** From one act to the next, while endpoints are killed. */
const BETWEEN_MS = 6_000;

/**
 * Three endpoints behind one address share nothing but the store. They are SIGKILLed one by one and started again, while versions are
 * deployed and fallen back from, one ends in good order, model processes die and the store goes away; clients that ask once more lose
 * nothing, and each answer is the one of the version that it names. `--only ACT`; `--set between=MS` of kills between two acts.
 */
export async function runEndpoints(given: ChaosGiven): Promise<ChaosResult> {
  const { seed, say, only, settings } = given;
  const acts = ACTS.filter(
    ({ name }) => only.length === 0 || only.some((each) => name.includes(each)),
  );
  const random = seededRandom(seed);
  await using folder = await temporaryFolder();
  await using store = await openStore(folder.path);
  await using program = await buildEndpoint({ logsNothing: false });
  const line = await Line.publish({
    ...{ registry: store.registry, model: MODEL, count: 1 + versionsOf(acts) },
    folder: join(folder.path, 'versions'),
  });
  await line.promoteNext();
  await using balancer = await Balancer.open();
  await using fleet = new Fleet({
    ...{ model: MODEL, program: program.file, environment: store.environment, balancer, random },
    cacheDirectory: join(folder.path, 'cache'),
  });
  await Promise.all(Array.from({ length: FLEET_SIZE }, () => fleet.start()));
  await fleet.whole();
  const clients = new Clients(balancer.url, line, seededRandom(seed + 1));
  const killer = new Killer(fleet, KILL_EVERY_MS);
  const told: string[] = [];
  const beganMs = performance.now();
  try {
    for (const { name, inPeace, act } of acts) {
      killer.go();
      await pause((settings['between'] ?? BETWEEN_MS) + randomInt(random, 1_000));
      if (inPeace) await killer.hold();
      const sentence = `${name}: ${await act({ line, store, fleet, clients })}`;
      told.push(sentence);
      say(sentence);
    }
    await killer.hold();
  } finally {
    await killer.stop();
    await clients.stop();
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  return {
    figures: [...figuresOf({ fleet, clients }, seconds), ...told],
    violations: [...clients.violations, ...fleet.violations],
  };
}

function figuresOf({ fleet, clients }: Pick<Stage, 'fleet' | 'clients'>, seconds: number) {
  const { requests, answers, failed, lost, versions, slowestMs, staleMs, overtaken } = clients;
  const { startsMs, kills } = fleet;
  const busy = failed.filter(({ why }) => why.startsWith('503')).length;
  const rate = requests / seconds;
  const at = (share: number) => percentile(startsMs, share).toFixed(0);
  return [
    `${requests} requests in ${seconds.toFixed(0)} s (${rate.toFixed(0)} a second), ${answers} answers of ${versions} versions, ${failed.length} made again (${busy} after a 503, ${failed.length - busy} after a broken connection), ${lost} lost; the slowest took ${slowestMs.toFixed(0)} ms with its second try`,
    `${FLEET_SIZE} endpoints, ${kills} SIGKILLs; ${startsMs.length} starts, ready after ${at(0.5)} ms in the middle, ${at(1)} ms at most`,
    `a version answered at most ${staleMs.toFixed(0)} ms after another was live, and ${overtaken} times after its deploy had ended`,
  ];
}
