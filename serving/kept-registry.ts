import { join } from 'node:path';
import { z } from 'zod';
import { digestOfJson } from '../domain/digest.js';
import { evidenceSchema, type Evidence } from '../domain/evidence.js';
import { isPortError } from '../domain/failures.js';
import { liveStateSchema } from '../domain/live-state.js';
import { encodeManifest, manifestSchema } from '../domain/manifest.js';
import { digestSchema } from '../domain/names.js';
import type { LiveReading, RegisteredVersion, Registry } from '../domain/ports/registry.js';
import type { Log } from './log.js';
import { readLocal, writeLocal } from './local-file.js';

const keptReadingSchema = z.strictObject({ state: liveStateSchema, toSeal: digestSchema });
const keptVersionSchema = z.strictObject({
  version: z.int().min(1),
  digest: digestSchema,
  manifest: manifestSchema,
});

type Reads = Pick<
  Registry,
  'liveIfChanged' | 'liveBefore' | 'versionByDigest' | 'fetchVersion' | 'evidence'
>;

export interface KeptRegistryOptions {
  readonly registry: Reads;
  readonly model: string;
  readonly cacheDirectory: string;
  readonly log: Log;
}

/** No store gives this tag: what is read from it next is always new. */
const KEPT_TAG = 'kept on the local disk';

/**
 * A model's registry, and what was last read of it on the local disk, so that a process can start while the store is away. What
 * the disk has is held against digests, approvals and seals as what the store has.
 */
export class KeptRegistry implements Reads {
  readonly #options: KeptRegistryOptions;
  readonly #directory: string;

  constructor(options: KeptRegistryOptions) {
    this.#options = options;
    this.#directory = join(options.cacheDirectory, options.model, 'kept');
  }

  async liveIfChanged(
    model: string,
    etag: string | null,
  ): Promise<LiveReading | 'unchanged' | null> {
    const file = join(this.#directory, 'live.json');
    try {
      const reading = await this.#options.registry.liveIfChanged(model, etag);
      if (reading !== null && reading !== 'unchanged') {
        const { state, toSeal } = reading;
        await this.#keep(file, { state, toSeal });
      }
      return reading;
    } catch (error) {
      if (etag !== null || !isAway(error)) throw error;
      const kept = await this.#kept(file, keptReadingSchema, error);
      return { ...kept, etag: KEPT_TAG };
    }
  }

  async versionByDigest(model: string, digest: string): Promise<RegisteredVersion | null> {
    const file = join(this.#directory, `version-${digest}.json`);
    try {
      const registered = await this.#options.registry.versionByDigest(model, digest);
      if (registered) await this.#keep(file, { ...registered });
      return registered;
    } catch (error) {
      if (!isAway(error)) throw error;
      const kept = await this.#kept(file, keptVersionSchema, error);
      if (encodeManifest(kept.manifest).digest !== digest) throw error;
      return kept;
    }
  }

  async evidence(model: string, manifest: string, digest: string): Promise<Evidence | null> {
    const file = join(this.#directory, `evidence-${digest}.json`);
    try {
      const evidence = await this.#options.registry.evidence(model, manifest, digest);
      if (evidence) await this.#keep(file, evidence);
      return evidence;
    } catch (error) {
      if (!isAway(error)) throw error;
      const kept = await this.#kept(file, evidenceSchema, error);
      if (digestOfJson(kept) !== digest) throw error;
      return kept;
    }
  }

  liveBefore(...given: Parameters<Reads['liveBefore']>): ReturnType<Reads['liveBefore']> {
    return this.#options.registry.liveBefore(...given);
  }

  fetchVersion(...given: Parameters<Reads['fetchVersion']>): Promise<void> {
    return this.#options.registry.fetchVersion(...given);
  }

  /** A disk that takes nothing costs only the start without the store. */
  async #keep(file: string, value: object): Promise<void> {
    try {
      await writeLocal(file, value);
    } catch (error) {
      this.#options.log.warn({ file, err: error }, 'what was read is not kept on the local disk');
    }
  }

  /** @throws What the store failed with, where the disk has nothing of use. */
  async #kept<T>(file: string, schema: z.ZodType<T>, failure: unknown): Promise<T> {
    const { log, model } = this.#options;
    const parsed = schema.safeParse(await readLocal(file).catch(() => null));
    if (!parsed.success) throw failure;
    log.warn({ model, file }, 'the store is away; what was read of it last counts');
    return parsed.data;
  }
}

function isAway(error: unknown): boolean {
  return isPortError(error) && error.type === 'StoreUnreachable';
}
