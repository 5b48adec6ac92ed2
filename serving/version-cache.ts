import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PortError } from '../domain/failures.js';
import { encodeManifest } from '../domain/manifest.js';
import type { Manifest } from '../domain/manifest.js';
import { digestSchema } from '../domain/names.js';
import type { Registry } from '../domain/ports/registry.js';

/** A version whose bytes lie verified in a local folder. */
export interface CachedVersion {
  readonly version: number;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly directory: string;
}

/** A folder of a version that has not come whole. */
const UNFINISHED = 'fetching-';

/** A model's versions on the local disk, one folder a digest. */
export class VersionCache {
  #swept: Promise<void> = Promise.resolve();

  constructor(
    readonly registry: Pick<Registry, 'versionByDigest' | 'fetchVersion'>,
    readonly model: string,
    readonly directory: string,
  ) {}

  /**
   * The version's files: from the disk where they lie there unchanged, else from the registry.
   * @throws PortError `UnknownVersion`, `DigestMismatch`, or the registry's.
   */
  async fetch(digest: string): Promise<CachedVersion> {
    const registered = await this.registry.versionByDigest(this.model, digest);
    if (registered === null) {
      throw new PortError(
        'UnknownVersion',
        `"${this.model}" has no version ${digest} in the registry`,
      );
    }
    await this.#swept;
    const { manifest, version } = registered;
    const actual = encodeManifest(manifest).digest;
    if (actual !== digest) {
      throw new PortError('DigestMismatch', `the manifest of ${digest} has the digest ${actual}`);
    }
    const directory = join(this.directory, this.model, digest);
    if (!(await isIntact(directory, manifest))) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(join(this.directory, this.model), { recursive: true });
      const unfinished = await mkdtemp(join(this.directory, this.model, UNFINISHED));
      try {
        await this.registry.fetchVersion(registered, unfinished);
        await rename(unfinished, directory);
      } finally {
        await rm(unfinished, { recursive: true, force: true });
      }
    }
    return { version, digest, manifest, directory };
  }

  /**
   * Removes what earlier processes left: versions other than these, and what did not come whole. Fetches that begin by now wait for it;
   * one under way would lose its folder.
   */
  async sweep(digests: readonly string[]): Promise<void> {
    const sweeping = this.#sweep(digests);
    this.#swept = sweeping.catch(() => undefined); // whoever sweeps is told
    await sweeping;
  }

  async #sweep(digests: readonly string[]): Promise<void> {
    const folder = join(this.directory, this.model);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const isOther = digestSchema.safeParse(name).success && !digests.includes(name);
      if (!isOther && !name.startsWith(UNFINISHED)) continue;
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Gives a version's disk space back; it can be fetched again. */
  async forget(digest: string): Promise<void> {
    await rm(join(this.directory, this.model, digest), { recursive: true, force: true });
  }
}

async function isIntact(directory: string, manifest: Manifest): Promise<boolean> {
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = join(directory, path);
    const size = await stat(file).then(
      (found) => found.size,
      () => -1,
    );
    if (size !== bytes || (await sha256OfFile(file)) !== sha256) return false;
  }
  return true;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
