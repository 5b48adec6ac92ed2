import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { isPortError } from '../../../domain/failures.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import { randomInt, type Random } from '../../../domain/random.js';
import { startS3Server, type S3Server } from '../../../scripts/servers/s3-server.js';
import { aTestReport } from '../../adapters/registry/builders.js';
import { versionViolations } from '../invariants.js';
import { startTcpProxy } from '../tcp-proxy.js';
import { aLogged, logFile } from '../../support/log-files.js';
import { promotionOf, publishWord, type Place } from './operations.js';

const LANES = 6;
/** From the start of writing to the kill. */
const WRITING_MS = { least: 300, most: 1_500 } as const;
const DOWN_MS = 500;
/** A call that failed is made again, unchanged, for this long. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 50;

/** What was seen of writers whose store was killed. */
export interface StoreKillsEnd {
  readonly acknowledged: number;
  /** Calls that failed, each with a type, and were made again. */
  readonly failed: number;
  readonly reads: number;
  readonly violations: readonly string[];
}

/** What a lane was told that it wrote. */
interface Lane extends Place {
  readonly versions: RegisteredVersion[];
  readonly reports: { readonly digest: string; readonly report: string }[];
  predictions: number;
  generation: number;
}

interface Attack {
  readonly registry: ObjectRegistry;
  readonly violations: Set<string>;
  hasEnded: boolean;
  acknowledged: number;
  failed: number;
  reads: number;
}

/** SIGKILLs a store while six lanes publish, report and promote, and starts it again on its folder: what was acknowledged is there, whole. */
export async function killStore(given: {
  readonly kills: number;
  readonly random: Random;
  readonly say: (line: string) => void;
}): Promise<StoreKillsEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-killed-'));
  const start = (credentials?: S3Server) =>
    startS3Server({
      directory: join(folder, 's3'),
      bucket: 'switchyard-killed',
      ...(credentials && { credentials }),
    });
  let server = await start();
  await using proxy = await startTcpProxy(portOf(server));
  const attack: Attack = {
    registry: new ObjectRegistry(storeOf(server, proxy.url)),
    ...{ violations: new Set<string>(), hasEnded: false, acknowledged: 0, failed: 0, reads: 0 },
  };
  const healthyNow = () => storeOf(server, server.endpoint);
  const lanes = Array.from({ length: LANES }, () => aLane(healthyNow(), folder));
  const working = lanes.flatMap((lane) => [write(attack, lane), read(attack, lane)]);
  try {
    for (let kill = 1; kill <= given.kills; kill += 1) {
      const spanMs = WRITING_MS.most - WRITING_MS.least;
      await pause(WRITING_MS.least + randomInt(given.random, spanMs));
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
      await server.stop(); // its sockets
      await pause(randomInt(given.random, DOWN_MS));
      server = await start(server);
      proxy.retarget(portOf(server));
      for (const lane of lanes) await lookAt(attack, lane, healthyNow());
      given.say(
        `the store was killed ${kill} times; ${attack.acknowledged} writes acknowledged, ${attack.failed} calls failed and were made again`,
      );
    }
    attack.hasEnded = true;
    await Promise.all(working);
    for (const lane of lanes) await lookAt(attack, lane, healthyNow());
  } finally {
    attack.hasEnded = true;
    await Promise.allSettled(working);
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  const { acknowledged, failed, reads, violations } = attack;
  return { acknowledged, failed, reads, violations: [...violations] };
}

const portOf = ({ endpoint }: S3Server) => Number(new URL(endpoint).port);

function storeOf(server: S3Server, endpoint: string): S3ObjectStore {
  return new S3ObjectStore({ ...server, endpoint, credentials: server, silenceMs: 2_000 });
}

function aLane(store: S3ObjectStore, folder: string): Lane {
  const place = { model: `killed-${randomUUID()}`, run: randomUUID(), folder, store };
  return {
    ...{ ...place, healthy: new ObjectRegistry(store) },
    ...{ versions: [], reports: [], predictions: 0, generation: 0 },
  };
}

/** Publishes, reports, promotes and logs, each until it is acknowledged. */
async function write(attack: Attack, lane: Lane): Promise<void> {
  const { model } = lane;
  const { registry } = attack;
  for (let turn = 0; !attack.hasEnded; turn += 1) {
    const version = await acknowledged(attack, () => publishWord(lane, `turn ${turn}`, registry));
    if (version === null) return;
    lane.versions.push(version);
    const report = await acknowledged(attack, () =>
      registry.putEvidence(model, version.digest, aTestReport(model, version.digest)),
    );
    if (report === null) return;
    lane.reports.push({ digest: version.digest, report });
    const baseline = lane.versions.at(-2)?.digest ?? null;
    const written = await acknowledged(attack, () =>
      registry.changeLive(model, promotionOf(version, baseline), `promotion-${turn}`),
    );
    if (written === null) return;
    if (written.kind !== 'promoted' || written.generation !== turn + 1) {
      attack.violations.add(
        `promotion ${turn + 1} of ${model} was answered ${written.kind} with generation ${written.generation}`,
      );
    }
    lane.generation = written.generation;
    const lines = logFile(model, [aLogged({ requestId: `turn-${turn}` })]);
    const at = new Date('2026-01-01T10:00:00Z');
    const name = `${turn}.parquet`;
    const logged = await acknowledged(attack, async () => {
      await registry.appendPredictions(model, at, name, lines);
      return true;
    });
    if (logged === null) return;
    lane.predictions += 1;
  }
}

/** Makes a call again until it succeeds; null where it never did. */
async function acknowledged<Result>(
  attack: Attack,
  call: () => Promise<Result>,
): Promise<Result | null> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const result = await call();
      attack.acknowledged += 1;
      return result;
    } catch (error) {
      attack.failed += 1;
      if (!isPortError(error) || error.kind === 'terminal' || performance.now() > endMs) {
        attack.violations.add(`a write failed for good: ${describe(error)}`);
        return null;
      }
      await pause(AGAIN_MS);
    }
  }
}

/** Fetches what is live, all the time; what comes is verified, or it is an error with a type. */
async function read(attack: Attack, { model, folder }: Lane): Promise<void> {
  const { registry } = attack;
  while (!attack.hasEnded) {
    try {
      const digest = (await registry.live(model))?.state.live ?? null;
      const version = digest === null ? null : await registry.versionByDigest(model, digest);
      if (version !== null) await registry.fetchVersion(version, join(folder, randomUUID()));
      else if (digest !== null)
        attack.violations.add(`${model} is live at ${digest}, and it is gone`);
      attack.reads += 1;
    } catch (error) {
      if (!isPortError(error) || error.type !== 'StoreUnreachable') {
        attack.violations.add(`a read of ${model}: ${describe(error)}`);
      }
    }
    await pause(AGAIN_MS);
  }
}

/** Holds what a store has against what was acknowledged. */
async function lookAt(attack: Attack, lane: Lane, store: S3ObjectStore): Promise<void> {
  const { model } = lane;
  const registry = new ObjectRegistry(store);
  const lost = (what: string) => attack.violations.add(`${what} of ${model} was lost`);
  const versions = [...lane.versions];
  const reports = [...lane.reports];
  const { generation, predictions } = lane;
  for (const each of await versionViolations(store, registry, model)) attack.violations.add(each);
  for (const { version, digest } of versions) {
    const found = await registry.version(model, version);
    if (found?.digest !== digest) lost(`version ${version}`);
  }
  for (const { digest, report } of reports) {
    if ((await registry.testReport(model, digest, report)) === null) lost(`report ${report}`);
  }
  const now = (await registry.live(model))?.state.generation ?? 0;
  if (now < generation) lost(`generation ${generation}`);
  const logged = await store.list(`predictions/${model}/`);
  if (logged.objects.length < predictions) lost('a prediction log');
  store.close();
}

function describe(error: unknown): string {
  if (isPortError(error)) return `${error.type}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
