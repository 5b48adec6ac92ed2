import { setTimeout as pause } from 'node:timers/promises';
import { awaitServing } from '../../../activities/await-serving.js';
import { REPLICA_LIVE_MS } from '../../../adapters/registry/replicas.js';
import type { ReplicaReport } from '../../../domain/ports/registry.js';
import { until } from '../../../testing/until.js';
import { isReady } from './balancer.js';
import type { Clients } from './clients.js';
import { FLEET_SIZE, modelPids, type Fleet } from './fleet.js';
import type { Line, MadeLive } from './line.js';
import type { StoppableStore } from './store.js';

const DEADLINE = '40 seconds';
/** Beyond the time after which a dead replica does not count: the ones that live have to open the version too. */
const HELD_PATIENCE_MS = 5_000;
const MODEL_PATIENCE_MS = 10_000;

/** What an act works on. */
export interface Stage {
  readonly line: Line;
  readonly store: StoppableStore;
  readonly fleet: Fleet;
  readonly clients: Clients;
}

/** What came of an act, as a sentence. */
export type Act = (stage: Stage) => Promise<string>;

/** Each in turn; those of `inPeace` while nothing else is killed. */
export const ACTS: readonly {
  readonly name: string;
  readonly inPeace: boolean;
  readonly act: Act;
}[] = [
  { name: 'deploy among kills', inPeace: false, act: deploy },
  { name: 'model killed', inPeace: true, act: killModels },
  { name: 'drain', inPeace: true, act: drain },
  { name: 'fallback among kills', inPeace: false, act: fallBack },
  { name: 'deploy with a dead replica', inPeace: true, act: deployPastDead },
  { name: 'store away', inPeace: true, act: startWithoutStore },
  { name: 'deploy in peace', inPeace: true, act: amongLiving(deploy) },
  { name: 'fallback in peace', inPeace: true, act: amongLiving(fallBack) },
  { name: 'drain again', inPeace: true, act: drain },
];

/** How many versions some acts make live. */
export function versionsOf(acts: typeof ACTS): number {
  return acts.filter(({ name }) => name.startsWith('deploy')).length;
}

async function deploy(stage: Stage): Promise<string> {
  return tell(await served(stage, await stage.line.promoteNext()));
}

async function fallBack(stage: Stage): Promise<string> {
  return tell(await served(stage, await stage.line.fallBack()));
}

/** Not before the reports of those that were killed are too old. */
function amongLiving(act: Act): Act {
  return async (stage) => {
    await reportsOf(stage, () => true);
    return act(stage);
  };
}

/** Resolves when as many replicas as run are listed, and no others. */
async function reportsOf(
  { store, line }: Pick<Stage, 'store' | 'line'>,
  isWanted: (report: ReplicaReport) => boolean,
): Promise<void> {
  await until(`${FLEET_SIZE} replicas report`, async () => {
    const listed = await store.registry.liveReplicas(line.model).catch(() => []);
    return (listed.length === FLEET_SIZE && listed.every(isWanted)) || undefined;
  });
}

const tell = ({ ms, note }: Served) => `${note} ${ms.toFixed(0)} ms after live.json was written`;

interface Served {
  readonly ms: number;
  readonly note: string;
}

/** Waits as a deploy does; then all that run must serve it. */
async function served({ line, fleet, store }: Stage, live: MadeLive): Promise<Served> {
  const { digest, generation, atMs } = live;
  const { note } = await awaitServing(
    { registry: store.registry, targets: {} },
    {
      ...{ model: line.model, digest, generation },
      ...{ target: 'endpoint', minReplicas: 1, deadline: DEADLINE },
    },
    AbortSignal.timeout(60_000),
  );
  const endMs = performance.now();
  line.isServed();
  fleet.violations.push(...(await fleet.behind(digest, endMs)));
  return { ms: endMs - atMs, note };
}

/** One that is gone and not replaced holds a deploy until its last report is too old. */
async function deployPastDead(stage: Stage): Promise<string> {
  const { fleet, line } = stage;
  const dead = fleet.anyReady();
  const deadAtMs = performance.now();
  await fleet.kill(dead);
  const { note } = await served(stage, await line.promoteNext());
  const heldMs = performance.now() - deadAtMs;
  if (heldMs > REPLICA_LIVE_MS + HELD_PATIENCE_MS) {
    fleet.violations.push(`a dead replica held a deploy for ${heldMs.toFixed(0)} ms`);
  }
  await fleet.start();
  return `${note} ${heldMs.toFixed(0)} ms after the SIGKILL of a replica that did not come back`;
}

/** Whoever asks an endpoint that ends in good order loses nothing, and need not ask again. */
async function drain({ fleet, clients, store, line }: Stage): Promise<string> {
  const leaving = fleet.anyReady();
  const beganMs = performance.now();
  await fleet.drain(leaving);
  const ms = performance.now() - beganMs;
  const listed = await store.registry.liveReplicas(line.model);
  if (listed.some(({ replica }) => replica === leaving.name)) {
    fleet.violations.push(`${leaving.name} ended in good order, and is still listed as a replica`);
  }
  const failed = clients.failedSince(beganMs);
  fleet.violations.push(
    ...failed.map(({ why }) => `a request had to be made again while an endpoint ended: ${why}`),
  );
  await fleet.replace(leaving);
  return `one ended in good order after ${ms.toFixed(0)} ms; ${failed.length} requests had to be made again`;
}

/** The endpoint stays, says that it is not ready, and opens the model anew. */
async function killModels({ fleet }: Stage): Promise<string> {
  const replica = fleet.anyReady();
  const pids = modelPids(replica);
  if (pids.length === 0) throw new Error(`${replica.name} has no model process`);
  const beganMs = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const isNow = (wanted: boolean) => async () =>
    (await isReady(replica.url)) === wanted || undefined;
  await until(`${replica.name} is not ready`, isNow(false), MODEL_PATIENCE_MS);
  const noticedMs = performance.now() - beganMs;
  await until(`${replica.name} is ready again`, isNow(true), MODEL_PATIENCE_MS);
  const backMs = performance.now() - beganMs;
  const kept = modelPids(replica).filter((pid) => pids.includes(pid));
  fleet.violations.push(...kept.map((pid) => `the killed model process ${pid} still runs`));
  return `${pids.length} model processes of one endpoint SIGKILLed: not ready seen after ${noticedMs.toFixed(0)} ms, ready again after ${backMs.toFixed(0)} ms`;
}

/** One that is killed while the store is away starts from its disk. */
async function startWithoutStore({ fleet, line, store }: Stage): Promise<string> {
  await store.stop();
  const victim = fleet.anyReady();
  const beganMs = performance.now();
  await fleet.kill(victim);
  const started = await fleet.start(victim);
  const readyMs = performance.now() - beganMs;
  const digest = await fleet.digestOf(started);
  if (digest !== line.live) {
    fleet.violations.push(`started without the store, ${started.name} does not serve what is live`);
  }
  // so long that no report from before counts
  await pause(beganMs + REPLICA_LIVE_MS + 1_000 - performance.now());
  await store.start();
  const backMs = performance.now();
  await reportsOf({ store, line }, (report) => report.digest === digest);
  const reportedMs = performance.now() - backMs;
  return `one was SIGKILLed and ready again from its disk after ${readyMs.toFixed(0)} ms; all reported ${reportedMs.toFixed(0)} ms after the store was back`;
}
