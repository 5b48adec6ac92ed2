import type { KnownGeneration, PromoterState, SeenModel } from '../reconcile/known.js';
import type { OpenWork, StagedRun, StoredThing, SweepInventory, SweepPlan } from '../sweep.js';

/** What the reconciler sees of the bucket, without reading a version's files, and the one thing that it deletes. */
export interface BucketWatch {
  /** What is registered, live and served of a model. What cannot be read is part of the answer, never thrown. */
  look(model: string): Promise<SeenModel>;
  /** What runs staged, and the store's clock. */
  staged(): Promise<{
    readonly staging: readonly (StoredThing & { readonly run: string })[];
    readonly now: Date;
  }>;
  /** Deletes what a plan says; resolves to the names of what was spared, because somebody needs it by now. */
  sweep(
    plan: SweepPlan,
    inventory: SweepInventory,
    openNow: () => Promise<OpenWork>,
  ): Promise<{
    readonly objects: number;
    readonly bytes: number;
    readonly spared: readonly string[];
  }>;
}

/** What the reconciler asks Temporal. Every method throws `TemporalUnreachable` (retryable). */
export interface RunWatch {
  /** How the newest run of the chain ended that begins with a first run. */
  promoter(run: string): Promise<PromoterState>;
  knownGeneration(model: string): Promise<KnownGeneration>;
  /** Lets `liveModel` read `live.json`; starts it where it does not run. */
  adopt(model: string): Promise<void>;
  work(): Promise<OpenWork>;
  /** The states of runs by the id under which they staged; unknown ones are left out. */
  runs(staged: readonly string[]): Promise<ReadonlyMap<string, Pick<StagedRun, 'model' | 'state'>>>;
}
