import { join } from 'node:path';
import { liveVersionOf, previousOf } from '../domain/live-state.js';
import type { LiveState } from '../domain/live-state.js';
import type { ModelRuntime } from '../domain/ports/model-runtime.js';
import type { Registry, ReplicaReport } from '../domain/ports/registry.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { sealFault } from '../domain/signing/seal.js';
import { Approvals } from './approvals.js';
import { KeptRegistry } from './kept-registry.js';
import { LiveFloor } from './live-floor.js';
import { LiveWatch } from './live-watch.js';
import type { LoadedVersion } from './loaded-version.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';
import { VersionCache } from './version-cache.js';
import { VersionSet } from './version-set.js';

export interface ResidentModelOptions {
  readonly registry: Pick<
    Registry,
    'liveIfChanged' | 'liveBefore' | 'versionByDigest' | 'fetchVersion' | 'evidence'
  >;
  readonly runtime: ModelRuntime;
  readonly model: string;
  readonly cacheDirectory: string;
  readonly memoryLimitBytes: number;
  readonly loadDeadlineMs: number;
  readonly inferTimeoutMs: number;
  readonly reopenPatienceMs: number;
  /** Of each version. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly maxWaitMs: number;
  /** How often `live.json` is looked at. */
  readonly pollMs: number;
  readonly log: Log;
  /** By whom a version must be approved before it is opened. */
  readonly trust: TrustSource;
  /** How often it is asked whether what serves still is. */
  readonly trustEveryMs: number;
}

/** What a replica reports of one model. */
export type ResidentStatus = Omit<ReplicaReport, 'replica'>;

/**
 * Keeps open in processes what `live.json` says: the live version, and the previous one so that a fallback takes no load.
 * A version that does not open leaves the one before it serving. That holds for a withdrawn version too: it answers until
 * the one fallen back to is open, since no answer would be worse.
 */
export class ResidentModel {
  readonly model: string;
  /** Called whenever `status` may have changed. */
  onChange: () => void = () => undefined;
  readonly #log: Log;
  readonly #watch: LiveWatch;
  readonly #versions: VersionSet;
  readonly #approvals: Approvals;
  readonly #asking: ReturnType<typeof repeat>;
  #state: LiveState | null = null;
  #current: LoadedVersion | null = null;
  #generation = 0;
  #pointerProblem: string | null = null;
  #approvalProblem: string | null = null;
  #isStopped = false;
  #isSwept = false;
  #processEnds = 0;

  constructor(options: ResidentModelOptions) {
    const { model, cacheDirectory } = options;
    const registry = new KeptRegistry(options);
    this.model = model;
    this.#log = options.log;
    this.#approvals = new Approvals({ ...options, registry });
    this.#versions = new VersionSet({
      ...options,
      cache: new VersionCache(registry, model, cacheDirectory),
      approvals: this.#approvals,
      onChange: () => this.#reconcile(),
      onProcessEnd: () => {
        this.#processEnds += 1;
      },
    });
    this.#watch = new LiveWatch({
      ...options,
      registry,
      floor: new LiveFloor(join(cacheDirectory, model, 'followed.json'), options.log),
      faultOf: async (reading) => {
        const trust = await options.trust.read();
        return trust && sealFault(reading, trust, (state) => registry.liveBefore(state));
      },
      onState: (state) => {
        this.#state = state;
        this.#reconcile();
      },
      onProblem: (problem) => {
        if (problem === this.#pointerProblem) return;
        this.#pointerProblem = problem;
        this.onChange();
      },
    });
    this.#asking = repeat(options.trustEveryMs, () => this.#askAgain());
  }

  /** Reads `live.json` now and waits until the version it names is open or has failed to open; that of a newer one, where it changes meanwhile. */
  async catchUp(): Promise<void> {
    await this.#watch.poll();
    for (let settled: string | null = null; this.#live !== settled;) {
      settled = this.#live;
      if (settled !== null) await this.#versions.settled(settled);
    }
  }

  /** The version that answers from now on, or null. A request keeps the one it got. */
  get current(): LoadedVersion | null {
    return this.#current;
  }

  /** The versions that can be asked by number: the live one, and the previous one once it is open. */
  get versions(): readonly LoadedVersion[] {
    const current = this.#current;
    const others = this.#versions.all().filter((version) => version !== current);
    return current === null ? others : [current, ...others];
  }

  /** Of the newest `live.json` that is followed; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  get status(): ResidentStatus {
    const live = this.#state?.live ?? null;
    const opening = live === null ? null : this.#versions.problemOf(live);
    const problem = this.#pointerProblem ?? opening ?? this.#approvalProblem;
    return { digest: this.#current?.digest ?? null, generation: this.#generation, problem };
  }

  get #live(): string | null {
    return this.#state?.live ?? null;
  }

  /** What serves is approved as far as is known: a key that was revoked since makes it false, and it serves on. */
  get isApproved(): boolean {
    return this.#approvalProblem === null;
  }

  /** How the pointer is read. */
  get reading(): LiveWatch['reading'] {
    return this.#watch.reading;
  }

  /** Processes that ended by themselves since the start. */
  get processEnds(): number {
    return this.#processEnds;
  }

  /** Ends following and closes every process after its last answer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#watch.stop(), this.#asking.stop()]);
    this.#current = null;
    await this.#versions.close();
  }

  /** Asks the trust file about what serves, for a key may have been revoked; taking it away would leave no answer at all. */
  async #askAgain(): Promise<void> {
    const served = this.#state && liveVersionOf(this.#state);
    if (served === null || served.digest !== this.#current?.digest) return;
    const before = this.#approvalProblem;
    this.#approvalProblem = await this.#approvals.fault(served).then(
      (fault) =>
        fault && `version ${served.version} serves on, and would not be opened any more: ${fault}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (this.#approvalProblem === before) return;
    if (this.#approvalProblem !== null) {
      this.#log.error({ model: this.model, digest: served.digest }, this.#approvalProblem);
    }
    this.onChange();
  }

  /** Brings what serves to what the state says. Everything but opening happens at once, between two requests. */
  #reconcile(): void {
    const state = this.#state;
    if (state === null || this.#isStopped) return;
    const live = liveVersionOf(state);
    if (live) this.#versions.want(live);
    const opened = live ? this.#versions.get(live.digest) : null;
    if (opened || live === null) this.#serve(opened, state.generation);
    const previous = previousOf(state);
    // the live one first: on a small machine two loads at once take twice as long each
    const mayOpenPrevious = live === null || !this.#versions.isOpening(live.digest);
    if (previous && mayOpenPrevious) this.#versions.want(previous);
    const kept = [this.#current?.digest, live?.digest, previous?.digest];
    this.#versions.keepOnly(kept);
    if (!this.#isSwept) this.#versions.sweep(kept);
    this.#isSwept = true;
    this.onChange();
  }

  #serve(version: LoadedVersion | null, generation: number): void {
    if (version !== this.#current) {
      const { model } = this;
      const about = {
        model,
        version: version?.version ?? null,
        digest: version?.digest ?? null,
        generation,
      };
      this.#log.info(about, version === null ? 'serves nothing' : 'serves another version');
    }
    this.#current = version;
    this.#generation = generation;
  }
}
