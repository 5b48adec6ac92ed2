import { createHash } from 'node:crypto';
import type { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import type { AboutDecision } from '../../../domain/signing/statement.js';
import { aManifest, anEvidence, aTestReport } from '../../adapters/registry/builders.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { textModel, WORDS, writeModel } from '../../support/small-models.js';

/** A version that may go live: its evidence asks no role, and its report passed. */
export interface Published {
  readonly version: number;
  readonly digest: string;
  readonly artifact: string;
  readonly evidence: string;
  /** What approvals of it are about. */
  readonly about: Pick<AboutDecision, 'run' | 'nonce' | 'baseline'>;
}

/**
 * Publishes tiny versions that differ by a word of their vocabulary, straight through the registry. The first was compared with
 * nothing, every other one with the first.
 */
export async function publishVersions(
  registry: ObjectRegistry,
  model: string,
  count: number,
): Promise<readonly Published[]> {
  const published: Published[] = [];
  for (let number = 1; number <= count; number += 1) {
    published.push(
      await publishOne(registry, { model, number, baseline: published[0]?.digest ?? null }),
    );
  }
  return published;
}

async function publishOne(
  registry: ObjectRegistry,
  given: { model: string; number: number; baseline: string | null },
): Promise<Published> {
  const { model, number, baseline } = given;
  const small = textModel({ turn: number % 3, vocabulary: [...WORDS, `word${number}`] });
  await using folder = await temporaryFolder();
  await writeModel(small, folder.path);
  const files = Object.entries(small.files).map(([path, bytes]) => ({
    path,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const artifact = 'model.onnx';
  const manifest = aManifest(model, {}, { ...small.manifest, files, artifacts: [artifact] });
  const { version, digest } = await registry.publish(manifest, folder.path);
  const testReport = await registry.putEvidence(model, digest, {
    ...aTestReport(model, digest),
    baseline,
  });
  const document = { ...anEvidence(model, digest), testReport, baseline, roles: [] };
  const evidence = await registry.putEvidence(model, digest, document);
  const { lifecycle: run, nonce } = document;
  return { version, digest, artifact, evidence, about: { run, nonce, baseline } };
}
