import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bytesFile, readRows, type FileRow } from '../../adapters/prediction-log/parquet-file.js';
import { digestOfBytes } from '../../domain/digest.js';
import { PortError } from '../../domain/failures.js';
import { digestToSeal } from '../../domain/signing/seal.js';
import { stepLive } from '../../domain/live-step.js';
import type { LiveChange, LiveState } from '../../domain/live-state.js';
import { encodeManifest } from '../../domain/manifest.js';
import type { Manifest } from '../../domain/manifest.js';
import type { RegisteredVersion, ReplicaReport } from '../../domain/ports/registry.js';
import type { ServingRegistry } from '../../serving/serve.js';
import type { SmallModel } from '../support/small-models.js';

/** A registry of one process, with the data plane's methods and a test's own to change what they answer. */
export class MemoryRegistry implements ServingRegistry {
  readonly replicas = new Map<string, ReplicaReport>();
  /** Rows of the prediction log, as the files have them. */
  readonly predictions: FileRow[] = [];
  /** Set: every call throws it, as when the store is down. */
  down: Error | null = null;
  #state: LiveState | null = null;
  #writes = 0;
  readonly #versions = new Map<
    string,
    { registered: RegisteredVersion; files: SmallModel['files'] }
  >();

  constructor(readonly model: string) {}

  /** Makes a version; `spoil` changes the bytes that are handed out after the manifest was made. */
  publish(model: SmallModel, spoil: Record<string, Uint8Array> = {}): RegisteredVersion {
    const manifest = manifestOf(this.model, model, this.#versions.size);
    const { digest } = encodeManifest(manifest);
    const registered = { version: this.#versions.size + 1, digest, manifest };
    this.#versions.set(digest, { registered, files: { ...model.files, ...spoil } });
    return registered;
  }

  promote({ digest, version }: RegisteredVersion, artifact = 'model.onnx'): void {
    this.change({
      kind: 'promote',
      baseline: this.#state?.live ?? null,
      candidate: {
        digest,
        version,
        artifact,
        evidence: 'e'.repeat(64),
        decisions: [],
      },
    });
  }

  fallBack(): void {
    this.change({ kind: 'fallback', leaving: this.#state?.live ?? '' });
  }

  change(change: LiveChange): void {
    const now = new Date().toISOString();
    const given = { model: this.model, writeId: `write-${this.#writes + 1}`, now };
    const { next, kind } = stepLive(this.#state, change, given);
    if (next === null) throw new Error(`live.json did not change: ${kind}`);
    this.put(next);
  }

  /** What `live.json` holds. */
  get state(): LiveState | null {
    return this.#state;
  }

  put(state: LiveState | null): void {
    this.#state = state;
    this.#writes++;
  }

  async liveIfChanged(_model: string, etag: string | null) {
    this.#check();
    if (this.#state === null) return Promise.resolve(null);
    const current = `tag-${this.#writes}`;
    return Promise.resolve(
      etag === current
        ? ('unchanged' as const)
        : { state: this.#state, etag: current, toSeal: digestToSeal(this.#state) },
    );
  }

  async versionByDigest(_model: string, digest: string) {
    this.#check();
    return Promise.resolve(this.#versions.get(digest)?.registered ?? null);
  }

  /** It has no chain. */
  async liveBefore() {
    this.#check();
    return Promise.resolve(null);
  }

  /** It has none: decisions are not signed here. */
  async evidence() {
    this.#check();
    return Promise.resolve(null);
  }

  async fetchVersion({ digest, manifest }: RegisteredVersion, directory: string) {
    this.#check();
    for (const [name, bytes] of Object.entries(this.#versions.get(digest)?.files ?? {})) {
      const expected = manifest.files.find((file) => file.path === name)?.sha256;
      if (digestOfBytes(bytes) !== expected) {
        throw new PortError('DigestMismatch', `"${name}" is not as its manifest says`);
      }
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
  }

  async reportReplica(model: string, report: ReplicaReport) {
    this.#check();
    this.replicas.set(`${model}/${report.replica}`, report);
    return Promise.resolve();
  }

  async removeReplica(model: string, replica: string) {
    this.#check();
    this.replicas.delete(`${model}/${replica}`);
    return Promise.resolve();
  }

  async appendPredictions(_model: string, _at: Date, _name: string, bytes: Uint8Array) {
    this.#check();
    this.predictions.push(...(await readRows(bytesFile(bytes))));
  }

  #check(): void {
    if (this.down) throw this.down;
  }
}

/** A whole manifest around a small model. */
export function manifestOf(model: string, { manifest, files }: SmallModel, seed: number): Manifest {
  return {
    schemaVersion: 1,
    model,
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      bytes: bytes.byteLength,
      sha256: digestOfBytes(bytes),
    })),
    artifacts: Object.keys(files).filter((path) => path.endsWith('.onnx')),
    ...manifest,
    runtime: { name: 'onnxruntime-node', version: '1.30.0' },
    lineage: {
      data: [],
      trainer: 'test',
      trainerLock: '0'.repeat(64),
      code: '0'.repeat(64),
      parameters: {},
      seed,
      parents: [],
    },
    metrics: {},
  };
}
