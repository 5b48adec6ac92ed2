import type { Evidence, ParityReport, TestReport } from '../evidence.js';
import type { Staged } from '../lifecycle.js';
import type { LiveChange, LiveState, LiveWritten } from '../live-state.js';
import type { Sealed } from '../signing/seal.js';
import type { Manifest } from '../manifest.js';
import type { ReferenceProfile } from '../monitor/reference-profile.js';
import type { Regressions } from '../regressions.js';
import type { PlotData } from '../report/plot-data.js';

/** What lies beside a version under the digest of its own bytes. */
export type EvidenceDocument = Evidence | TestReport | ParityReport | ReferenceProfile | PlotData;

/** A version as its directory holds it. */
export interface RegisteredVersion {
  readonly version: number;
  readonly digest: string;
  readonly manifest: Manifest;
}

/** `live.json` as read, with the tag that the next read or write compares. */
export interface LiveReading extends Sealed {
  readonly etag: string;
}

/** What a replica says of itself. */
export interface ReplicaReport {
  readonly replica: string;
  /** Null: it serves nothing yet. */
  readonly digest: string | null;
  readonly generation: number;
  /** Why it does not serve what `live.json` says, where it tried and could not. */
  readonly problem: string | null;
}

/**
 * The registry: versions, evidence, the live pointer, snapshots, staging. Layout: ARCHITECTURE.md, "Registry".
 * Every method throws the store's `PortError`s; names are checked against the grammar where keys are built (`InvalidName`).
 */
export interface Registry {
  /** Uploads a folder's files to `staging/<run>/<stage>/<attempt>/`. */
  stage(
    place: Pick<Staged, 'run' | 'stage' | 'attempt'>,
    directory: string,
    files: readonly string[],
  ): Promise<Staged>;
  /** Downloads staged files and verifies each digest (`DigestMismatch`). */
  fetchStaged(staged: Staged, directory: string): Promise<void>;
  /** Deletes all that a run staged; resolves to the number of objects that were there. */
  sweepStaging(run: string): Promise<number>;
  /** One file that survives attempts, such as a trainer's checkpoint. */
  saveCheckpoint(run: string, file: string, path: string): Promise<void>;
  /** Downloads every checkpoint of a run; resolves to their names. */
  fetchCheckpoints(run: string, directory: string): Promise<readonly string[]>;

  /**
   * Makes a version of a folder's files: claims the next free number for this manifest's digest, uploads, and writes the
   * manifest last. Idempotent: the same manifest gets the same number, also after a crash at any point.
   */
  publish(manifest: Manifest, directory: string): Promise<RegisteredVersion>;
  /** A version by number; null where it has no manifest. */
  version(model: string, version: number): Promise<RegisteredVersion | null>;
  /** A version by digest; null where there is none. */
  versionByDigest(model: string, digest: string): Promise<RegisteredVersion | null>;
  versions(model: string): Promise<readonly RegisteredVersion[]>;
  /** Downloads a version's files and verifies all bytes against its manifest (`DigestMismatch`). */
  fetchVersion(registered: RegisteredVersion, directory: string): Promise<void>;

  /** Stores a report or evidence beside its version under its own digest, which it resolves to. */
  putEvidence(model: string, manifestDigest: string, document: EvidenceDocument): Promise<string>;
  /** Evidence by digest, its bytes verified; null where there is none. */
  evidence(model: string, manifestDigest: string, digest: string): Promise<Evidence | null>;
  testReport(model: string, manifestDigest: string, digest: string): Promise<TestReport | null>;
  /** A version's reference profile by digest, which its test report names. */
  profile(model: string, manifestDigest: string, digest: string): Promise<ReferenceProfile | null>;
  parityReport(model: string, manifestDigest: string, digest: string): Promise<ParityReport | null>;
  /** What the plots of a test report's page are drawn of; the report names it. */
  plots(model: string, manifestDigest: string, digest: string): Promise<PlotData | null>;
  /** Stores the page that people read beside its version, under the digest of its own bytes, which it resolves to. */
  putPage(model: string, manifestDigest: string, page: string): Promise<string>;

  /** Which rows every candidate must answer right. */
  regressions(model: string): Promise<readonly Regressions[]>;

  live(model: string): Promise<LiveReading | null>;
  /** As `live`; `'unchanged'` where the tag still fits. */
  liveIfChanged(model: string, etag: string | null): Promise<LiveReading | 'unchanged' | null>;
  /** The state before one, from the audit chain, its bytes held against the digest that the later one names; null where it is not there. */
  liveBefore(state: LiveState): Promise<Sealed | null>;
  /**
   * Applies a wish by compare-and-set, reading again on a conflict (`LivePointerBusy` after 20). `writeId` names the wish: a
   * retry whose first reply was lost gets the first one's answer. Where `signal` aborts it writes nothing any more: what was asked
   * may have been done by a later try, and undone since.
   */
  changeLive(
    model: string,
    change: LiveChange,
    writeId: string,
    signal?: AbortSignal,
  ): Promise<LiveWritten>;

  reportReplica(model: string, report: ReplicaReport): Promise<void>;
  removeReplica(model: string, replica: string): Promise<void>;
  /** Replicas that reported within the last 10 s by the store's clock. */
  liveReplicas(model: string): Promise<readonly ReplicaReport[]>;

  /**
   * Appends one file of the prediction log under `predictions/<model>/<date>/<hour>/`. Where another file has that name it throws
   * `StoreRefused` with the detail `isTaken: true`.
   */
  appendPredictions(model: string, at: Date, name: string, bytes: Uint8Array): Promise<void>;
}
