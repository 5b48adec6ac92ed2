import { digestOfBytes } from '../../../domain/digest.js';
import { isPortError } from '../../../domain/failures.js';
import { manifestSchema, type Manifest } from '../../../domain/manifest.js';
import { shortDigest, versionNumberSchema } from '../../../domain/names.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import { inParallel } from '../files.js';
import { claimKey, manifestKey, versionFileKey, versionsPrefix } from '../keys.js';
import { checkManifest } from '../manifest-check.js';
import { claimSchema } from '../versions.js';
import { isAbandoned, type Audit } from './audit.js';

/** A model's versions as they were found. */
export interface AuditedVersions {
  /** Those whose claim and manifest fit each other. */
  readonly whole: ReadonlyMap<number, RegisteredVersion>;
  /** Every digest that a number is bound to, of versions that were swept too. */
  readonly claimed: ReadonlySet<string>;
}

/** Holds every version's manifest against its claim, and every file against its manifest; nothing else may lie there. */
export async function auditVersions(
  audit: Audit,
  model: string,
  given: { objects: readonly ListedObject[]; now: Date },
): Promise<AuditedVersions> {
  const prefix = versionsPrefix(model);
  const directories = new Map<number, ListedObject[]>();
  for (const object of given.objects.filter(({ key }) => key.startsWith(prefix))) {
    const number = /^([1-9]\d{0,6})\/./.exec(object.key.slice(prefix.length))?.[1];
    const version = versionNumberSchema.safeParse(Number(number));
    if (!version.success) {
      audit.note('foreign', object.key, 'is in no directory of a version');
      continue;
    }
    directories.set(version.data, [...(directories.get(version.data) ?? []), object]);
  }
  const whole = new Map<number, RegisteredVersion>();
  const claimed = new Map<string, number>();
  for (const [version, objects] of [...directories].sort(([one], [other]) => one - other)) {
    const listed = { model, version, objects, now: given.now };
    const { digest, manifest } = await auditVersion(audit, listed);
    if (digest !== null) {
      const other = claimed.get(digest);
      if (other === undefined) claimed.set(digest, version);
      else audit.note('foreign', claimKey(model, version), `claims the digest of version ${other}`);
    }
    if (digest !== null && manifest !== null) whole.set(version, { version, digest, manifest });
  }
  return { whole, claimed: new Set(claimed.keys()) };
}

interface Directory {
  readonly model: string;
  readonly version: number;
  readonly objects: readonly ListedObject[];
  readonly now: Date;
}

async function auditVersion(
  audit: Audit,
  { model, version, objects, now }: Directory,
): Promise<{ digest: string | null; manifest: Manifest | null }> {
  const keys = new Set(objects.map(({ key }) => key));
  const [claim, key] = [claimKey(model, version), manifestKey(model, version)];
  const digest = keys.has(claim) ? ((await audit.json(claim, claimSchema))?.digest ?? null) : null;
  if (!keys.has(claim))
    audit.note('missing', claim, 'is not there: its number is bound to nothing');
  if (!keys.has(key)) {
    const isSwept = keys.size === 1 && keys.has(claim);
    if (!isSwept && isAbandoned(objects, now)) {
      audit.note(
        'unfinished',
        key,
        'is not there for over a day, so that its files are no version',
      );
    }
    return { digest, manifest: null };
  }
  const manifest = await auditManifest(audit, { model, key, digest });
  if (manifest === null) return { digest, manifest };
  audit.counts.versions += 1;
  await auditFiles(audit, { manifest, version, keys });
  return { digest, manifest };
}

async function auditManifest(
  audit: Audit,
  { model, key, digest }: { model: string; key: string; digest: string | null },
): Promise<Manifest | null> {
  const bytes = await audit.bytes(key);
  if (bytes === null) return null;
  const actual = digestOfBytes(bytes);
  const isClaimed = digest === null || actual === digest;
  if (!isClaimed) {
    const [is, must] = [shortDigest(actual), shortDigest(digest)];
    audit.note(
      'changed',
      key,
      `has sha256 ${is}, its number was claimed for ${must}: it was changed or swapped`,
    );
  }
  const manifest = audit.parsed(key, bytes, manifestSchema);
  if (manifest === null) return null;
  if (manifest.model !== model) {
    audit.note('foreign', key, `is a manifest of the model "${manifest.model}"`);
  }
  try {
    checkManifest(manifest);
  } catch (error) {
    if (!isPortError(error)) throw error;
    audit.note('changed', key, error.message);
  }
  return isClaimed && manifest.model === model ? manifest : null;
}

async function auditFiles(
  audit: Audit,
  given: { manifest: Manifest; version: number; keys: ReadonlySet<string> },
): Promise<void> {
  const { manifest, version, keys } = given;
  const { model } = manifest;
  const known = new Set([claimKey(model, version), manifestKey(model, version)]);
  await inParallel(manifest.files, async (file) => {
    const key = versionFileKey(model, version, file.path);
    known.add(key);
    if (keys.has(key)) await audit.file(key, file);
    else audit.note('missing', key, 'is not there; the manifest of its version lists it');
  });
  for (const key of keys) {
    if (!known.has(key)) audit.note('foreign', key, 'is no file of its version’s manifest');
  }
}
