import { PortError } from '../domain/failures.js';
import type { ServedVersion } from '../domain/live-state.js';
import { shortDigest } from '../domain/names.js';
import type { Approvals } from './approvals.js';
import { LoadedVersion } from './loaded-version.js';
import type { VersionOptions } from './loaded-version.js';
import type { VersionCache } from './version-cache.js';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/** A version that is being opened or did not open. */
interface Attempt {
  served: ServedVersion;
  /** Settles when the first try has ended, either way. */
  readonly firstTry: Promise<void>;
  problem: string | null;
  retry: NodeJS.Timeout | null;
  retryMs: number;
}

export interface VersionSetOptions extends Omit<VersionOptions, 'artifact'> {
  readonly cache: VersionCache;
  readonly approvals: Approvals;
  /** Called when a version has opened, or has failed to. */
  readonly onChange: () => void;
}

/** A model's versions in their processes: opens what is wanted, tries again what fails, closes what is not wanted. */
export class VersionSet {
  readonly #options: VersionSetOptions;
  readonly #open = new Map<string, LoadedVersion>();
  /** Open by another file of the version than is wanted now; each answers on until that one is open. */
  readonly #replaced = new Map<string, LoadedVersion>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: VersionSetOptions) {
    this.#options = options;
  }

  /** The version, if it is open. */
  get(digest: string): LoadedVersion | null {
    return this.#open.get(digest) ?? null;
  }

  all(): readonly LoadedVersion[] {
    return [...this.#open.values()];
  }

  /** Why a version is not open, after the first try; null where it is, or is being opened for the first time. */
  problemOf(digest: string): string | null {
    return this.#attempts.get(digest)?.problem ?? null;
  }

  /** True while the first try is under way. */
  isOpening(digest: string): boolean {
    return this.#attempts.has(digest) && this.problemOf(digest) === null;
  }

  /** Resolves when a version that is being opened is open or has failed to. */
  async settled(digest: string): Promise<void> {
    await this.#attempts.get(digest)?.firstTry;
  }

  /** Starts to open a version, unless it is open or under way. */
  want(served: ServedVersion): void {
    const { digest } = served;
    const open = this.#open.get(digest);
    if (open?.options.artifact === served.artifact) return;
    if (open !== undefined) {
      this.#giveUpReplaced(digest);
      this.#open.delete(digest);
      this.#replaced.set(digest, open);
    }
    const before = this.#attempts.get(digest);
    if (before !== undefined) {
      this.#renew(before, served);
      return;
    }
    const { promise, resolve } = withResolver();
    const attempt: Attempt = {
      served,
      firstTry: promise,
      problem: null,
      retry: null,
      retryMs: FIRST_RETRY_MS,
    };
    this.#attempts.set(digest, attempt);
    this.#try(attempt, resolve);
  }

  /** The same version under other evidence or decisions, as when it was approved at last: tried at once by those. */
  #renew(attempt: Attempt, served: ServedVersion): void {
    const proofOf = ({ artifact, evidence, decisions }: ServedVersion) =>
      JSON.stringify([artifact, evidence, decisions]);
    if (proofOf(attempt.served) === proofOf(served)) return;
    attempt.served = served;
    if (attempt.retry === null) return; // it is being tried, and what comes after has the new ones
    clearTimeout(attempt.retry);
    attempt.retry = null;
    attempt.retryMs = FIRST_RETRY_MS;
    this.#try(attempt, () => undefined);
  }

  /** Closes every other version after its last answer, and gives up opening any other. */
  keepOnly(digests: readonly (string | undefined)[]): void {
    for (const [digest, version] of this.#open) {
      if (digests.includes(digest)) continue;
      this.#open.delete(digest);
      this.#work(this.#giveUp(version));
    }
    for (const [digest, { retry }] of this.#attempts) {
      if (digests.includes(digest)) continue;
      if (retry) clearTimeout(retry);
      this.#attempts.delete(digest);
    }
    for (const digest of this.#replaced.keys()) {
      if (!digests.includes(digest)) this.#giveUpReplaced(digest);
    }
  }

  /** Frees the disk of what no process has any more, before anything is fetched; where that fails, it costs space alone. */
  sweep(digests: readonly (string | undefined)[]): void {
    const { cache, log } = this.#options;
    const kept = digests.filter((digest) => digest !== undefined);
    const sweeping = cache.sweep(kept).catch((error: unknown) => {
      log.warn({ model: cache.model, err: error }, 'the disk cache is not swept');
    });
    this.#work(sweeping);
  }

  /** Closes everything after the last answers; files stay on the disk for the next start. */
  async close(): Promise<void> {
    const open = this.all();
    this.#open.clear();
    for (const version of open) this.#work(version.retire());
    this.keepOnly([]);
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  #try(attempt: Attempt, settled: () => void): void {
    this.#work(
      this.#openOne(attempt).then(() => {
        settled();
        this.#options.onChange();
      }),
    );
  }

  async #openOne(attempt: Attempt): Promise<void> {
    const { digest } = attempt.served;
    try {
      const version = await this.#load(attempt.served);
      if (this.#attempts.get(digest) !== attempt) {
        await version.retire(); // nobody wants it any more
        return;
      }
      this.#attempts.delete(digest);
      this.#open.set(digest, version);
      this.#giveUpReplaced(digest);
    } catch (error) {
      if (this.#attempts.get(digest) === attempt) this.#fail(attempt, error);
    }
  }

  async #load(served: ServedVersion): Promise<LoadedVersion> {
    const { digest, version, artifact } = served;
    await this.#options.approvals.require(served);
    const cached = await this.#options.cache.fetch(digest);
    if (!cached.manifest.artifacts.includes(artifact)) {
      throw new PortError('InvalidModelFile', `version ${version} has no artifact "${artifact}"`);
    }
    return LoadedVersion.open(cached, { ...this.#options, artifact });
  }

  #fail(attempt: Attempt, error: unknown): void {
    const { served, retryMs } = attempt;
    const reason = error instanceof Error ? error.message : String(error);
    attempt.problem = `version ${served.version} (${shortDigest(served.digest)}) does not open: ${reason}`;
    this.#options.log.error({ digest: served.digest, retryMs, err: error }, attempt.problem);
    attempt.retry = setTimeout(() => {
      attempt.retry = null;
      this.#try(attempt, () => undefined);
    }, retryMs);
    attempt.retry.unref();
    attempt.retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
  }

  async #giveUp(version: LoadedVersion): Promise<void> {
    await version.retire();
    const { digest } = version;
    const isWantedAgain = this.#open.has(digest) || this.#attempts.has(digest);
    if (!isWantedAgain) await this.#options.cache.forget(digest).catch(() => undefined);
  }

  #giveUpReplaced(digest: string): void {
    const replaced = this.#replaced.get(digest);
    this.#replaced.delete(digest);
    if (replaced !== undefined) this.#work(this.#giveUp(replaced));
  }

  #work(task: Promise<void>): void {
    const tracked = task.finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
