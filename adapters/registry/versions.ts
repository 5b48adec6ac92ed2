import { z } from 'zod';
import { PortError } from '../../domain/failures.js';
import { encodeManifest, manifestSchema, type Manifest } from '../../domain/manifest.js';
import { digestSchema } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import { fetchFiles, hashFile, inParallel, regularFile } from './files.js';
import { claimKey, manifestKey, parseVersionKey, versionFileKey, versionsPrefix } from './keys.js';
import { checkManifest } from './manifest-check.js';
import {
  digestMismatch,
  encodeJson,
  isUnreadable,
  missingObject,
  parseStored,
  verifyBytes,
} from './stored-json.js';

/** What binds a number to one manifest's digest. */
export const claimSchema = z.strictObject({ schemaVersion: z.literal(1), digest: digestSchema });

/** How often a number is tried again where the store says conflict but shows no claim yet. */
const CLAIM_TRIES = 20;

/** Claims that are read at the same time. */
const CLAIMS_AT_ONCE = 16;

/** Immutable directories, numbered without gaps, each bound to one manifest digest by its claim. */
export class Versions {
  readonly #store: ObjectStore;
  /** Digests of claims by key: a claim never changes, and whatever it leads to is verified against it. */
  readonly #claims = new Map<string, string>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async publish(given: Manifest, directory: string): Promise<RegisteredVersion> {
    const manifest = checkManifest(given);
    const { model } = manifest;
    const { bytes, digest } = encodeManifest(manifest);
    await verifyLocalFiles(manifest, directory);
    const { version, complete } = await this.#claim(model, digest);
    if (!complete) {
      await this.#upload(manifest, directory, version);
      await this.#putManifest(manifestKey(model, version), bytes, digest);
    }
    const published = await this.version(model, version);
    if (published === null)
      throw missingObject(manifestKey(model, version), 'it was removed just now');
    return published;
  }

  async version(model: string, version: number): Promise<RegisteredVersion | null> {
    const key = manifestKey(model, version);
    const stored = await this.#store.get(key);
    if (stored === null) return null;
    const digest = await this.#claimed(model, version);
    if (digest === null)
      throw missingObject(claimKey(model, version), 'its version cannot be trusted');
    verifyBytes(key, stored.bytes, digest);
    const manifest = parseStored(key, stored.bytes, manifestSchema);
    if (manifest.model !== model) {
      throw new PortError('DigestMismatch', `${key} is a manifest of model "${manifest.model}"`);
    }
    return { version, digest, manifest: checkManifest(manifest) };
  }

  async byDigest(model: string, digest: string): Promise<RegisteredVersion | null> {
    const { finished } = await this.#numbers(model);
    // A broken claim of another version must not keep this one from serving.
    const version = await this.#newestWith(finished, digest, (each) =>
      this.#claimed(model, each).catch(nullIfUnreadable),
    );
    return version === null ? null : this.version(model, version);
  }

  async all(model: string): Promise<readonly RegisteredVersion[]> {
    const { finished } = await this.#numbers(model);
    const versions = await inParallel(finished, (version) => this.version(model, version));
    return versions.filter((version) => version !== null);
  }

  async fetch(registered: RegisteredVersion, directory: string): Promise<void> {
    const manifest = checkManifest(registered.manifest);
    const { model } = manifest;
    const { digest } = encodeManifest(manifest);
    if (digest !== registered.digest) {
      throw digestMismatch(manifestKey(model, registered.version), registered.digest, digest);
    }
    await fetchFiles(this.#store, directory, manifest.files, (path) =>
      versionFileKey(model, registered.version, path),
    );
  }

  /** The digest that a number is bound to, with or without a version there; null where nobody claimed it. */
  async claimOf(model: string, version: number): Promise<string | null> {
    return this.#claimed(model, version);
  }

  /**
   * Finds or makes the claim of a digest. Numbers have no gaps, so every number up to the highest is looked at, listed or
   * not: a listing in pages may miss one that was claimed meanwhile.
   */
  async #claim(model: string, digest: string): Promise<{ version: number; complete: boolean }> {
    const { highest, finished } = await this.#numbers(model);
    const numbers = Array.from({ length: highest }, (_, index) => index + 1);
    const earlier = await this.#newestWith(numbers, digest, (each) => this.#claimed(model, each));
    if (earlier !== null) return { version: earlier, complete: finished.includes(earlier) };
    for (let version = highest + 1; ; version += 1) {
      if ((await this.#claimNumber(model, version, digest)) === digest) {
        return { version, complete: false };
      }
    }
  }

  /** Claims one number; resolves to the digest that holds it afterwards. */
  async #claimNumber(model: string, version: number, digest: string): Promise<string> {
    const key = claimKey(model, version);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt += 1) {
      const result = await this.#store.put(key, encodeJson({ schemaVersion: 1, digest }), 'absent');
      const holder = result.kind === 'written' ? digest : await this.#claimed(model, version);
      if (holder !== null) return holder;
    }
    throw new PortError(
      'StoreUnreachable',
      `${key} is busy: ${CLAIM_TRIES} conflicts without a claim`,
    );
  }

  async #claimed(model: string, version: number): Promise<string | null> {
    const key = claimKey(model, version);
    const known = this.#claims.get(key);
    if (known !== undefined) return known;
    const stored = await this.#store.get(key);
    if (stored === null) return null;
    const { digest } = parseStored(key, stored.bytes, claimSchema);
    this.#claims.set(key, digest);
    return digest;
  }

  /** The highest number whose claim is this digest; looked for from the newest, a few at a time. */
  async #newestWith(
    numbers: readonly number[],
    digest: string,
    claimOf: (version: number) => Promise<string | null>,
  ): Promise<number | null> {
    for (let end = numbers.length; end > 0; end -= CLAIMS_AT_ONCE) {
      const some = numbers.slice(Math.max(0, end - CLAIMS_AT_ONCE), end);
      const found = (await inParallel(some, claimOf)).lastIndexOf(digest);
      if (found !== -1) return some[found] ?? null;
    }
    return null;
  }

  /** Numbers in use: the highest that has any object, and those that have a manifest, in order. */
  async #numbers(model: string): Promise<{ highest: number; finished: readonly number[] }> {
    const { objects } = await this.#store.list(versionsPrefix(model));
    const found = objects.flatMap(({ key }) => parseVersionKey(model, key) ?? []);
    const finished = found.filter(({ isManifest }) => isManifest).map(({ version }) => version);
    const highest = found.reduce((most, { version }) => Math.max(most, version), 0);
    return { highest, finished: finished.sort((left, right) => left - right) };
  }

  async #upload(manifest: Manifest, directory: string, version: number): Promise<void> {
    await inParallel(manifest.files, async ({ path, sha256 }) => {
      const key = versionFileKey(manifest.model, version, path);
      const sent = await this.#store.putFile(key, await regularFile(directory, path));
      if (sent.sha256 !== sha256) throw digestMismatch(key, sha256, sent.sha256);
    });
  }

  async #putManifest(key: string, bytes: Uint8Array, digest: string): Promise<void> {
    const result = await this.#store.put(key, bytes, 'absent');
    if (result.kind === 'written') return;
    const stored = await this.#store.get(key);
    if (stored !== null) verifyBytes(key, stored.bytes, digest);
  }
}

function nullIfUnreadable(error: unknown): null {
  if (isUnreadable(error)) return null;
  throw error;
}

async function verifyLocalFiles(manifest: Manifest, directory: string): Promise<void> {
  for (const file of manifest.files) {
    const found = await hashFile(await regularFile(directory, file.path));
    if (found.sha256 !== file.sha256 || found.bytes !== file.bytes) {
      throw digestMismatch(`the local file "${file.path}"`, file.sha256, found.sha256);
    }
  }
}
