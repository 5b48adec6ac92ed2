import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { shortDigest } from '../../../domain/names.js';
import { randomInt, type Random } from '../../../domain/random.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../../scripts/servers/child-process.js';
import { freePort, isPortFree } from '../../../scripts/servers/free-ports.js';
import { until } from '../../../testing/until.js';
import { childViolations } from '../invariants.js';
import { isReady, type Balancer } from './balancer.js';

export const FLEET_SIZE = 3;
/** Longer than the balancer needs to find one not ready. */
const DRAIN_WAIT = '1 second';
/** One that was ready so long before has reported what it serves. */
const HAS_REPORTED_MS = 500;
const READY_PATIENCE_MS = 30_000;

const metadataSchema = z.object({ parameters: z.object({ digest: z.string() }) });

/** An endpoint in a process of its own. */
export interface Replica {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly process: ServerProcess;
  readonly readyAtMs: number;
}

export interface FleetOptions {
  readonly model: string;
  /** The endpoint's program, as the package has it. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where each keeps versions, a folder a name. */
  readonly cacheDirectory: string;
  readonly balancer: Balancer;
  readonly random: Random;
}

/** Endpoints that know nothing of one another: they are killed and started again, and what each leaves is looked at. */
export class Fleet implements AsyncDisposable {
  kills = 0;
  readonly violations: string[] = [];
  /** From the start of a process until it is ready, of each. */
  readonly startsMs: number[] = [];
  readonly #ready = new Set<Replica>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #processes = new Set<ServerProcess>();
  #names = 0;

  constructor(readonly options: FleetOptions) {}

  get ready(): readonly Replica[] {
    return [...this.#ready];
  }

  /** One of those that are ready. */
  anyReady(): Replica {
    const victim = this.ready[randomInt(this.options.random, this.#ready.size)];
    if (victim === undefined) throw new Error('no endpoint is ready');
    return victim;
  }

  /** Starts one, under a name and at a port that another had, or under new ones; resolves when it is ready. */
  async start(before: Pick<Replica, 'name' | 'port'> | null = null): Promise<Replica> {
    const started = this.#start(before);
    this.#starting.add(started);
    try {
      return await started;
    } finally {
      this.#starting.delete(started);
    }
  }

  /** In place of one that is gone: half of the time by its name and port, as a stateful set does, else anew. */
  replace({ name, port }: Replica): Promise<Replica> {
    const isSame = this.options.random() < 0.5;
    return this.start(isSame ? { name, port } : null);
  }

  /** SIGKILL, as when the machine's memory is full; then looks what is left. */
  async kill(replica: Replica): Promise<void> {
    this.kills += 1;
    await this.#end(replica, 'SIGKILL');
  }

  /** SIGTERM, and waits for its end. */
  async drain(replica: Replica): Promise<void> {
    await this.#end(replica, 'SIGTERM');
    const ending = replica.process.ending();
    if (!ending.startsWith('ended by itself with exit code 0:')) {
      this.violations.push(`${replica.name} was told to end in good order, and ${ending}`);
    }
  }

  /** Resolves when all are ready, and the balancer sends to all of them. */
  async whole(): Promise<void> {
    await Promise.all(this.#starting);
    const count = FLEET_SIZE;
    await until(`${count} endpoints are ready`, () =>
      Promise.resolve(
        (this.#ready.size === count && this.options.balancer.ready.length === count) || undefined,
      ),
    );
  }

  /** Endpoints that ran at a time, had reported by then, and do not serve the digest. */
  async behind(digest: string, atMs: number): Promise<readonly string[]> {
    const reported = this.ready.filter(({ readyAtMs }) => readyAtMs < atMs - HAS_REPORTED_MS);
    const found = await Promise.all(
      reported.map(async (replica) => {
        const serves = await this.digestOf(replica).catch(() => null);
        if (serves === digest || !this.#ready.has(replica)) return [];
        const shown = serves === null ? 'nothing' : shortDigest(serves);
        return [`${replica.name} serves ${shown} after the deploy of ${shortDigest(digest)}`];
      }),
    );
    return found.flat();
  }

  /** What one answers with now. */
  async digestOf({ url }: Replica): Promise<string> {
    const answer = await fetch(`${url}/v2/models/${this.options.model}`);
    return metadataSchema.parse(await answer.json()).parameters.digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#processes].map(({ stop }) => stop()));
  }

  async #start(before: Pick<Replica, 'name' | 'port'> | null): Promise<Replica> {
    const { model, program, environment, cacheDirectory, balancer } = this.options;
    const name = before?.name ?? `endpoint-${++this.#names}`;
    const port = before?.port ?? (await freePort());
    const url = `http://127.0.0.1:${port}`;
    const startedMs = performance.now();
    const process = await startServerProcess({
      ...{ name, binary: globalThis.process.execPath, args: [program] },
      env: {
        ...environment,
        NODE_ENV: 'production',
        SWITCHYARD_MODELS: model,
        SWITCHYARD_REPLICA: name,
        SWITCHYARD_ENDPOINT_PORT: String(port),
        SWITCHYARD_CACHE_DIR: cacheDirectory,
        SWITCHYARD_DRAIN_WAIT: DRAIN_WAIT,
      },
    });
    this.#processes.add(process);
    balancer.add(url);
    await untilReady(
      name,
      process,
      async () => ((await isReady(url)) ? 'ready' : 'not-yet'),
      READY_PATIENCE_MS,
    );
    const readyAtMs = performance.now();
    this.startsMs.push(readyAtMs - startedMs);
    const replica = { name, port, url, process, readyAtMs };
    this.#ready.add(replica);
    return replica;
  }

  async #end(replica: Replica, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { name, port, url, process } = replica;
    this.#ready.delete(replica);
    const children = childrenOf(process.pid).map(({ pid }) => pid);
    globalThis.process.kill(process.pid, signal);
    await process.ended;
    this.#processes.delete(process);
    this.options.balancer.remove(url);
    const left = [
      ...((await isPortFree(port)) ? [] : [`port ${port} is still taken`]),
      ...(await childViolations({ pids: children })),
    ];
    this.violations.push(...left.map((what) => `after the ${signal} of ${name}: ${what}`));
  }
}

/** Processes that a process has started, by what they run; one that ends meanwhile is left out. */
function childrenOf(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return pids.filter(Boolean).flatMap((child) => {
    try {
      const command = readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return [{ pid: Number(child), command }];
    } catch {
      return [];
    }
  });
}

/** Ids of the processes in which an endpoint's versions run. */
export function modelPids({ process }: Replica): readonly number[] {
  return childrenOf(process.pid)
    .filter(({ command }) => command.includes('inference-child'))
    .map(({ pid }) => pid);
}

/** Kills one that is ready every so often, unless it is the last, and starts one in its place at once. */
export class Killer {
  readonly #fleet: Fleet;
  readonly #everyMs: { readonly least: number; readonly most: number };
  readonly #killing: Promise<void>;
  #underWay: Promise<unknown> = Promise.resolve();
  #isHeld = true;
  #isStopped = false;

  constructor(fleet: Fleet, everyMs: { readonly least: number; readonly most: number }) {
    this.#fleet = fleet;
    this.#everyMs = everyMs;
    this.#killing = this.#kill();
    this.#killing.catch(() => undefined); // `stop` tells
  }

  go(): void {
    this.#isHeld = false;
  }

  /** Resolves when nothing is killed any more, and all are ready. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#underWay;
    await this.#fleet.whole();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#killing;
  }

  async #kill(): Promise<void> {
    const { random } = this.#fleet.options;
    const { least, most } = this.#everyMs;
    while (!this.#isStopped) {
      await pause(least + randomInt(random, most - least));
      if (this.#isHeld || this.#fleet.ready.length < 2) continue;
      const victim = this.#fleet.anyReady();
      const killed = this.#fleet.kill(victim);
      this.#underWay = killed;
      await killed;
      this.#fleet.replace(victim).catch((error: unknown) => {
        this.#fleet.violations.push(`an endpoint did not start: ${String(error)}`);
      });
    }
  }
}
