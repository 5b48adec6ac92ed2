import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Evidence, TestReport } from '../../../domain/evidence.js';
import { isPortError, type FailureType } from '../../../domain/failures.js';
import type { LiveChange } from '../../../domain/live-state.js';
import type { Manifest, TensorSpec } from '../../../domain/manifest.js';

/** A name that no other test uses, so that tests share one bucket. */
export function uniqueModel(): string {
  return `model-${randomUUID()}`;
}

/** Any digest: that of a word. */
export function aDigest(word: string): string {
  return createHash('sha256').update(word).digest('hex');
}

/** A temporary folder that is removed with its scope. */
export async function aFolder(
  files: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'switchyard-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A manifest of files with these contents; the first file is the artifact. */
export function aManifest(
  model: string,
  files: Readonly<Record<string, string>>,
  overrides: Partial<Manifest> = {},
): Manifest {
  const probabilities: TensorSpec = { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] };
  return {
    schemaVersion: 1,
    model,
    files: Object.entries(files).map(([path, text]) => ({
      path,
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    })),
    artifacts: Object.keys(files).slice(0, 1),
    contract: {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
      outputs: [probabilities],
      labels: ['no', 'yes'],
    },
    frontEnd: null,
    graph: {
      inputs: [{ name: 'ids', datatype: 'INT64', shape: [-1, -1] }],
      outputs: [probabilities],
      opset: 17,
      irVersion: 8,
      producer: 'a test',
    },
    runtime: { name: 'onnxruntime-node', version: '1.30.0' },
    lineage: {
      data: [aDigest('rows')],
      trainer: 'words',
      trainerLock: aDigest('lock'),
      code: aDigest('code'),
      parameters: {},
      seed: 1,
      parents: [],
    },
    metrics: {},
    ...overrides,
  };
}

/** A wish to promote the digest of a word over the digest of another (null: nothing live). */
export function aPromotion(word: string, over: string | null): LiveChange {
  return {
    kind: 'promote',
    candidate: {
      digest: aDigest(word),
      version: 1,
      artifact: 'model.onnx',
      evidence: aDigest(`evidence of ${word}`),
      decisions: [],
    },
    baseline: over === null ? null : aDigest(over),
  };
}

export function anEvidence(model: string, manifest: string): Evidence {
  return {
    schemaVersion: 1,
    model,
    lifecycle: randomUUID(),
    manifest,
    artifact: 'model.onnx',
    testReport: aDigest('test report'),
    parityReport: aDigest('parity report'),
    baseline: null,
    roles: ['data-science'],
    policy: null,
    nonce: 'a-nonce-of-16-characters',
  };
}

export function aTestReport(model: string, manifest: string): TestReport {
  return {
    schemaVersion: 1,
    model,
    manifest,
    artifact: 'model.onnx',
    baseline: null,
    heldOut: aDigest('held out'),
    measurements: [{ metric: 'accuracy', value: 0.75, sample: 4, inputs: [] }],
    results: [],
    verdict: 'passed',
    findings: [],
    machine: 'a test machine',
  };
}

/** Matches a `PortError` of one type whose sentence fits; for `assert.rejects` and `assert.throws`. */
export function failure(type: FailureType, sentence = /./): (error: unknown) => boolean {
  return (error) => isPortError(error) && error.type === type && sentence.test(error.message);
}
