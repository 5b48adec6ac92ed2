import { PortError } from '../../domain/failures.js';
import type { Staged } from '../../domain/lifecycle.js';
import type { LiveChange, LiveState } from '../../domain/live-state.js';
import type { Manifest } from '../../domain/manifest.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type {
  EvidenceDocument,
  RegisteredVersion,
  Registry,
  ReplicaReport,
} from '../../domain/ports/registry.js';
import type { Sealer } from '../../domain/ports/sealer.js';
import { EvidenceFiles } from './evidence-files.js';
import { predictionsKey } from './keys.js';
import { LivePointerFile } from './live-pointer-file.js';
import { RegressionFiles } from './regression-files.js';
import { Replicas } from './replicas.js';
import { Staging } from './staging.js';
import { Versions } from './versions.js';

/** The registry as directories in an object store; each idea has its file, this one only joins them to the port. */
export class ObjectRegistry implements Registry {
  readonly #store: ObjectStore;
  readonly #staging: Staging;
  readonly #versions: Versions;
  readonly #evidence: EvidenceFiles;
  readonly #pointer: LivePointerFile;
  readonly #replicas: Replicas;

  /**
   * @param given - `now`: the clock that dates writes of `live.json`; the system's where left out. `sealer`: signs them; nobody does
   *   where left out.
   */
  constructor(store: ObjectStore, given: { now?: () => Date; sealer?: Sealer } = {}) {
    this.#store = store;
    this.#staging = new Staging(store);
    this.#versions = new Versions(store);
    this.#evidence = new EvidenceFiles(store);
    this.#pointer = new LivePointerFile(store, given);
    this.#replicas = new Replicas(store);
  }

  async stage(
    place: Pick<Staged, 'run' | 'stage' | 'attempt'>,
    directory: string,
    files: readonly string[],
  ) {
    return this.#staging.stage(place, directory, files);
  }

  async fetchStaged(staged: Staged, directory: string) {
    return this.#staging.fetch(staged, directory);
  }

  async sweepStaging(run: string) {
    return this.#staging.sweep(run);
  }

  async saveCheckpoint(run: string, file: string, path: string) {
    return this.#staging.saveCheckpoint(run, file, path);
  }

  async fetchCheckpoints(run: string, directory: string) {
    return this.#staging.fetchCheckpoints(run, directory);
  }

  async publish(manifest: Manifest, directory: string) {
    return this.#versions.publish(manifest, directory);
  }

  async version(model: string, version: number) {
    return this.#versions.version(model, version);
  }

  async versionByDigest(model: string, digest: string) {
    return this.#versions.byDigest(model, digest);
  }

  async versions(model: string) {
    return this.#versions.all(model);
  }

  async fetchVersion(registered: RegisteredVersion, directory: string) {
    return this.#versions.fetch(registered, directory);
  }

  async putEvidence(model: string, manifestDigest: string, document: EvidenceDocument) {
    return this.#evidence.put(model, manifestDigest, document);
  }

  async evidence(model: string, manifestDigest: string, digest: string) {
    return this.#evidence.evidence(model, manifestDigest, digest);
  }

  async testReport(model: string, manifestDigest: string, digest: string) {
    return this.#evidence.testReport(model, manifestDigest, digest);
  }

  async profile(model: string, manifestDigest: string, digest: string) {
    return this.#evidence.profile(model, manifestDigest, digest);
  }

  async parityReport(model: string, manifestDigest: string, digest: string) {
    return this.#evidence.parityReport(model, manifestDigest, digest);
  }

  async plots(model: string, manifestDigest: string, digest: string) {
    return this.#evidence.plots(model, manifestDigest, digest);
  }

  async regressions(model: string) {
    return new RegressionFiles(this.#store).all(model);
  }

  async putPage(model: string, manifestDigest: string, page: string) {
    return this.#evidence.putPage(model, manifestDigest, page);
  }

  async live(model: string) {
    return this.#pointer.read(model);
  }

  async liveIfChanged(model: string, etag: string | null) {
    return this.#pointer.readIfChanged(model, etag);
  }

  async liveBefore(state: LiveState) {
    return this.#pointer.before(state);
  }

  async changeLive(model: string, change: LiveChange, writeId: string, signal?: AbortSignal) {
    return this.#pointer.change(model, change, writeId, signal);
  }

  async reportReplica(model: string, report: ReplicaReport) {
    return this.#replicas.report(model, report);
  }

  async removeReplica(model: string, replica: string) {
    return this.#replicas.remove(model, replica);
  }

  async liveReplicas(model: string) {
    return this.#replicas.live(model);
  }

  async appendPredictions(model: string, at: Date, name: string, bytes: Uint8Array) {
    const key = predictionsKey(model, at, name);
    const result = await this.#store.put(key, bytes, 'absent');
    if (result.kind === 'written') return;
    // A retry whose first reply was lost finds its own bytes.
    const stored = await this.#store.get(key);
    if (stored !== null && Buffer.compare(stored.bytes, bytes) === 0) return;
    throw new PortError(
      'StoreRefused',
      `${key} already holds other predictions; give each object its own name`,
      { details: { isTaken: true } },
    );
  }
}
