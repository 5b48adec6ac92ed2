import type { SnapshotRef } from '../lifecycle.js';
import type { TimeCut } from '../spec.js';

/** One labelled example. */
export interface Row {
  readonly id: string;
  /** ISO instant. */
  readonly at: string;
  readonly label: string;
  readonly text: string;
  /** What groups rows into slices; the label where left out. */
  readonly slice?: string;
  /** Whose row it is; trainers never see it. What `switchyard forget` goes by. */
  readonly customer?: string;
}

/** Which of a source's rows are learnt from, and which are held out. */
export interface DefaultCuts {
  readonly train: TimeCut;
  readonly heldOut: TimeCut;
}

/** Where rows come from, such as a mail archive; named in the worker's configuration. */
export interface DatasetSource {
  /** Cuts of a model whose specification makes none. */
  readonly cuts?: DefaultCuts;
  /** The same source with its relative paths taken from this folder: that of the configuration file. */
  within?(folder: string): DatasetSource;
  /** Rows of a time cut, in order of time. May throw `InvalidDataset` (terminal) or a retryable `PortError`. */
  rows(cut: TimeCut): Promise<readonly Row[]>;
}

/** Immutable snapshots under `datasets/<name>/<digest>/`, of named sources. */
export interface Snapshots {
  /**
   * Takes a snapshot of a source's rows. Same rows, same digest, same object.
   * Throws `UnknownDataSource`, `InvalidDataset` (missing column, no rows, duplicate ids, a label or text of the wrong kind).
   */
  take(source: string, cut: TimeCut): Promise<SnapshotRef>;
  /** Rows of a source's cut that are later than an instant, and the newest of them; no snapshot is taken. Throws `UnknownDataSource`. */
  count(
    source: string,
    cut: TimeCut,
    after: string | null,
  ): Promise<{ rows: number; newest: string | null }>;
  /**
   * Writes a snapshot's rows as JSON lines to a local file, verified by digest; without customers, since trainers read it.
   * Throws `SnapshotReplaced` where a person's rows were deleted from it; so does `rows`.
   */
  fetch(snapshot: SnapshotRef, path: string): Promise<void>;
  /** A snapshot's rows, verified by digest. */
  rows(snapshot: SnapshotRef): Promise<readonly Row[]>;
  /** As `rows`, of what replaces it by now where a person's rows were deleted from it; none where nothing was left. */
  rowsLeft(snapshot: SnapshotRef): Promise<readonly Row[]>;
}
