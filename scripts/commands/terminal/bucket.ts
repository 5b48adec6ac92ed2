import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { PortError } from '../../../domain/failures.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import { NO_SEALER, type Sealer } from '../../../domain/ports/sealer.js';
import { versionNumberSchema } from '../../../domain/names.js';
import { requireModel, type Place } from './place.js';
import { UsageError } from './usage-error.js';
import { typed } from './words.js';

/** A person waits: a store that is silent for this long is not there. */
const PATIENCE = { connectMs: 2_000, silenceMs: 6_000, attempts: 1 };

/** The installation's bucket, and the registry in it. */
export interface Bucket {
  readonly store: S3ObjectStore;
  readonly registry: ObjectRegistry;
  readonly name: string;
}

/**
 * @param sealer - How what is written into `live.json` is sealed; not at all where left out.
 * @throws PortError `SetUpMissing` where the environment names a Temporal server, but no bucket.
 */
export function openBucket({ bucket }: Place, sealer: Sealer = NO_SEALER): Bucket {
  if (bucket === null) {
    throw new PortError(
      'SetUpMissing',
      'no bucket is named: set SWITCHYARD_BUCKET (and S3_ENDPOINT, AWS_REGION and credentials where they are not Amazon’s usual ones)',
    );
  }
  const store = new S3ObjectStore({ ...PATIENCE, ...bucket });
  return { store, registry: new ObjectRegistry(store, { sealer }), name: bucket.bucket };
}

/** A version by the number that was typed. @throws PortError `UnknownVersion` with those that there are. */
export async function findVersion(
  { registry }: Bucket,
  place: Place,
  model: string,
  word: string,
): Promise<RegisteredVersion> {
  const number = versionNumberSchema.safeParse(/^\d+$/.test(word) ? Number(word) : null);
  if (!number.success) throw new UsageError(`a version is a number from 1 on, not "${word}"`);
  const found = await registry.version(model, number.data);
  if (found !== null) return found;
  const { length } = await knownVersions({ registry }, place, model);
  const all = length === 1 ? 'only version 1' : `versions 1 to ${length}`;
  throw new PortError(
    'UnknownVersion',
    `${model} has no version ${number.data}, ${all}: type ${typed('versions', model)}`,
  );
}

/** All versions of a model. @throws PortError `UnknownModel`, or `UnknownVersion` where it has none yet. */
export async function knownVersions(
  { registry }: Pick<Bucket, 'registry'>,
  place: Place,
  model: string,
): Promise<readonly RegisteredVersion[]> {
  const versions = await registry.versions(model);
  if (versions.length > 0) return versions;
  requireModel(place, model);
  throw new PortError(
    'UnknownVersion',
    `the registry has no version of "${model}": look whether the name is right, or type ${typed('start', model)}`,
  );
}
