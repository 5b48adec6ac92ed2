import { z } from 'zod';
import type { Evidence } from '../evidence.js';
import type { LiveState } from '../live-state.js';
import { instantSchema, nameSchema } from '../names.js';
import type { ReplicaReport } from '../ports/registry.js';
import type { Trust } from '../signing/trust.js';
import type { StoredVersion, SweepItem } from '../sweep.js';

/** What Temporal says of the newest run of a chain, which begins with a first run and goes on after resets. */
export type PromoterState =
  /** It is open, so its own undo will come if it must. */
  | 'open'
  /** It completed, failed or was cancelled: it has ended by itself, and undone what it had to. */
  | 'ended'
  /** It was terminated or timed out, so that none of its code ran; or it was reset, and ended before it came to promote again. */
  | 'cut-off'
  /** Temporal knows no such run (any more). */
  | 'unknown';

/** What `liveModel` last saw. */
export type KnownGeneration = number | 'not-running' | 'no-answer';

/** An object that is not what the registry writes there. */
export interface Unreadable {
  readonly key: string;
  readonly sentence: string;
}

/** The live version as its directory shows it. */
export interface SeenVersion {
  /** Digest of its claim and manifest; null where there is no manifest. */
  readonly digest: string | null;
  /** Files of the manifest that are not there, or have another size, as sentences. */
  readonly faults: readonly string[];
}

/** What the bucket shows of a model without reading a version's files. */
export interface SeenModel {
  readonly model: string;
  readonly live: LiveState | null;
  readonly version: SeenVersion | null;
  /** Of the live version, its bytes verified; null where it is not there. */
  readonly evidence: Evidence | null;
  /** Those that reported within the last seconds. */
  readonly replicas: readonly ReplicaReport[];
  /** Directories without a manifest. */
  readonly unfinished: readonly StoredVersion[];
  readonly unreadable: readonly Unreadable[];
  /** The number of versions that have a manifest. */
  readonly versions: number;
}

/** The same, with what Temporal knows. */
export interface KnownModel extends SeenModel {
  /** Of the run that promoted what is live; null where no run did. */
  readonly promoter: PromoterState | null;
  /** The same of what a fallback would go to. */
  readonly previousPromoter: PromoterState | null;
  readonly knownGeneration: KnownGeneration;
}

/** Who does not follow `live.json`, since when: told only once that lasts. */
export const suspectSchema = z.strictObject({
  model: nameSchema,
  /** A replica's name; null: the workflow `liveModel`, which does not answer. */
  replica: nameSchema.nullable(),
  generation: z.int().min(1),
  since: instantSchema,
});
export type Suspect = z.infer<typeof suspectSchema>;

/** All that the reconciler's rules look at. */
export interface Known {
  readonly models: readonly KnownModel[];
  /** What a sweep would delete of staging and of directories without a manifest, by `planSweep`. */
  readonly orphans: readonly SweepItem[];
  /** As the look before this one left them. */
  readonly suspects: readonly Suspect[];
  /** Whom decisions are verified by; null where they are not signed. */
  readonly trust: Trust | null;
  /** The store's clock. */
  readonly now: Date;
}
