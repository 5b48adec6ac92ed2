import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { startS3Server, type S3Server } from '../../../scripts/servers/s3-server.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { aDigest, aManifest } from '../../adapters/registry/builders.js';
import type { VersionFiles } from './bench-models.js';

/** A registry in an S3 server of its own. */
export interface Bucket extends AsyncDisposable {
  readonly registry: ObjectRegistry;
  /** For processes that use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Publishes a version, and makes it live. */
  publish(model: string, files: VersionFiles): Promise<void>;
}

/** Starts the S3 server alone: Temporal's would take its share of two cores while it idles. */
export async function openBucket(): Promise<Bucket> {
  const folder = await temporaryFolder();
  const server = await startS3Server({ directory: folder.path, bucket: 'serving' });
  const { bucket, endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const registry = new ObjectRegistry(new S3ObjectStore({ bucket, endpoint, region, credentials }));
  return {
    registry,
    environment: environmentOf(server),
    publish: (model, files) => publish(registry, model, files),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function environmentOf(s3: S3Server): Record<string, string> {
  return {
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
  };
}

async function publish(
  registry: ObjectRegistry,
  model: string,
  { folder, files, manifest }: VersionFiles,
): Promise<void> {
  const described = await Promise.all(
    files.map(async (path) => {
      const bytes = await readFile(join(folder, path));
      return {
        path,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
    }),
  );
  const artifacts = ['model.onnx'];
  const whole = aManifest(model, {}, { ...manifest, files: described, artifacts });
  const { version, digest } = await registry.publish(whole, folder);
  await promote(registry, model, { version, digest, baseline: null });
}

/** Makes a version live over the one that is. */
export async function promote(
  registry: ObjectRegistry,
  model: string,
  given: { version: number; digest: string; baseline: string | null },
): Promise<void> {
  const { version, digest, baseline } = given;
  const evidence = aDigest(`evidence of ${digest}`);
  const candidate = { version, digest, artifact: 'model.onnx', evidence, decisions: [] };
  const change = { kind: 'promote', baseline, candidate } as const;
  const { kind } = await registry.changeLive(model, change, randomUUID());
  if (kind !== 'promoted') throw new Error(`the promotion of version ${version} ended "${kind}"`);
}
