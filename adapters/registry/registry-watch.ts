import { isPortError } from '../../domain/failures.js';
import { liveStateSchema, liveVersionOf, type LiveState } from '../../domain/live-state.js';
import type { ListedObject, ObjectStore } from '../../domain/ports/object-store.js';
import type { BucketWatch } from '../../domain/ports/reconciling.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import type { SeenModel, SeenVersion, Unreadable } from '../../domain/reconcile/known.js';
import type { OpenWork, StoredVersion, SweepInventory, SweepPlan } from '../../domain/sweep.js';
import { EvidenceFiles } from './evidence-files.js';
import { inParallel } from './files.js';
import { grouped, stagedRuns, thing } from './inventory.js';
import { evidenceKey, liveKey, manifestKey, versionFileKey, versionsPrefix } from './keys.js';
import { Replicas } from './replicas.js';
import { parseStored } from './stored-json.js';
import { sweep } from './sweep.js';
import { Versions } from './versions.js';

/** The bucket as the reconciler looks at it: a handful of calls a model, whatever the number and size of its versions. */
export class RegistryWatch implements BucketWatch {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async look(model: string): Promise<SeenModel> {
    const unreadable: Unreadable[] = [];
    const prefix = versionsPrefix(model);
    const [{ objects }, live, replicas] = await Promise.all([
      this.#store.list(prefix),
      readable(unreadable, liveKey(model), () => this.#live(model)),
      readable(unreadable, `models/${model}/replicas/`, () =>
        new Replicas(this.#store).live(model),
      ),
    ]);
    const directories = grouped(objects, /^models\/[^/]+\/versions\/([1-9]\d{0,6})\//);
    const served = live === null ? null : liveVersionOf(live);
    const [version, evidence] =
      served === null
        ? [null, null]
        : await Promise.all([
            readable(unreadable, manifestKey(model, served.version), () =>
              this.#seen(model, served.version, objects),
            ),
            readable(unreadable, evidenceKey(model, served.digest, served.evidence), () =>
              new EvidenceFiles(this.#store).evidence(model, served.digest, served.evidence),
            ),
          ]);
    const unfinished = await this.#unfinished(model, directories, unreadable);
    return {
      ...{ model, live, version, evidence, unfinished, unreadable },
      replicas: replicas ?? [],
      versions: [...directories.values()].filter(isFinished).length,
    };
  }

  async staged() {
    const { objects, now } = await this.#store.list('staging/');
    return { staging: stagedRuns(objects), now };
  }

  async sweep(plan: SweepPlan, inventory: SweepInventory, openNow: () => Promise<OpenWork>) {
    return sweep(this.#store, plan, inventory, { openNow });
  }

  /** Without the memory of a pointer's reader: that it went back is the reconciler's to say. */
  async #live(model: string): Promise<LiveState | null> {
    const key = liveKey(model);
    const stored = await this.#store.get(key);
    return stored === null ? null : parseStored(key, stored.bytes, liveStateSchema);
  }

  async #seen(
    model: string,
    version: number,
    objects: readonly ListedObject[],
  ): Promise<SeenVersion> {
    const registered = await new Versions(this.#store).version(model, version);
    if (registered === null) return { digest: null, faults: [] };
    return { digest: registered.digest, faults: faultsOf(registered, objects) };
  }

  /** Directories that have files, but no manifest. */
  async #unfinished(
    model: string,
    directories: ReadonlyMap<string, readonly ListedObject[]>,
    unreadable: Unreadable[],
  ): Promise<readonly StoredVersion[]> {
    const versions = new Versions(this.#store);
    const some = [...directories].filter(([, objects]) => !isFinished(objects));
    const found = await inParallel(some, async ([number, objects]) => {
      const files = objects.filter(({ key }) => !key.endsWith('/claim.json'));
      if (files.length === 0) return []; // swept, or only claimed so far: its claim stays
      const version = Number(number);
      const key = `${versionsPrefix(model)}${number}/claim.json`;
      const digest = await readable(unreadable, key, () => versions.claimOf(model, version));
      return [{ version, digest, isComplete: false, data: [], ...thing(files) }];
    });
    return found.flat();
  }
}

function isFinished(objects: readonly ListedObject[]): boolean {
  return objects.some(({ key }) => key.endsWith('/manifest.json'));
}

/** What a listing alone shows of a version's files. */
function faultsOf(
  { manifest, version }: RegisteredVersion,
  objects: readonly ListedObject[],
): readonly string[] {
  const sizes = new Map(objects.map(({ key, bytes }) => [key, bytes]));
  return manifest.files.flatMap(({ path, bytes }) => {
    const found = sizes.get(versionFileKey(manifest.model, version, path));
    if (found === undefined) return [`its file ${path} is not there`];
    return found === bytes ? [] : [`its file ${path} has ${found} bytes, not ${bytes}`];
  });
}

/** What an object's content says; where that is not what belongs there, null and a line in `unreadable`. */
async function readable<Value>(
  unreadable: Unreadable[],
  key: string,
  read: () => Promise<Value>,
): Promise<Value | null> {
  try {
    return await read();
  } catch (error) {
    if (!isAboutContent(error)) throw error;
    unreadable.push({ key, sentence: error instanceof Error ? error.message : String(error) });
    return null;
  }
}

/** Apart from a store that does not answer, or refuses. */
function isAboutContent(error: unknown): boolean {
  if (!isPortError(error)) return false;
  if (['DigestMismatch', 'InvalidModelFile', 'EvidenceInvalid'].includes(error.type)) return true;
  return error.type === 'StoreRefused' && typeof error.details['key'] === 'string';
}
