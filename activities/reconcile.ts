import { z } from 'zod';
import { durationMs } from '../domain/duration.js';
import { liveVersionOf, previousOf, type ServedVersion } from '../domain/live-state.js';
import { nameSchema } from '../domain/names.js';
import type { BucketWatch, RunWatch } from '../domain/ports/reconciling.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { findProblems, promotionOf } from '../domain/reconcile/find-problems.js';
import { suspectSchema, type KnownModel, type SeenModel } from '../domain/reconcile/known.js';
import { withinOneRun, type Found } from '../domain/reconcile/outcome.js';
import { planSweep, type OpenWork, type SweepInventory, type SweepPlan } from '../domain/sweep.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { findModel, type Models } from './resolve.js';

export interface ReconcilePorts {
  readonly models: Models;
  readonly bucketWatch: BucketWatch;
  readonly runWatch: RunWatch;
  readonly trust: TrustSource;
}

/** Names of what was spared, in a result. */
const SPARED_SHOWN = 50;
/** Models that are looked at at the same time. */
const MODELS_AT_ONCE = 4;
const DAY_MS = 86_400_000;
const NOTHING_OPEN: OpenWork = { digests: new Set(), since: null };

const aboutSchema = z.strictObject({
  /** Every model of the worker's configuration where left out. */
  model: nameSchema.optional(),
});

/** What was swept. */
export interface SweptOrphans {
  readonly objects: number;
  readonly bytes: number;
  /** What somebody needs by now. */
  readonly spared: readonly string[];
}

/** Finds what is half done, and sweeps what nobody works on any more. Models are those of the worker's configuration. */
export function createReconcileActivities(ports: ReconcilePorts) {
  return {
    /** Holds bucket and Temporal against each other; the first problems, and how many more there are. Changes nothing. */
    lookForProblems: defineActivity(
      aboutSchema.extend({ suspects: z.array(suspectSchema).max(1_000) }),
      ({ model, suspects }) =>
        withHeartbeats(async (): Promise<Found> => {
          const looked = await look(ports, model);
          const found = findProblems({
            ...{ models: looked.models, suspects, now: looked.now },
            trust: await ports.trust.read(),
            orphans: looked.orphans.plan.items.filter(({ isDeleted }) => isDeleted),
          });
          const sum = (count: (each: SeenModel) => number) =>
            looked.models.reduce((total, each) => total + count(each), 0);
          return withinOneRun({
            looked: {
              models: looked.models.length,
              versions: sum(({ versions }) => versions),
              replicas: sum(({ replicas }) => replicas.length),
              staged: looked.staged,
            },
            ...{ problems: [...found.problems], suspects: [...found.suspects] },
          });
        }),
    ),
    /** Deletes staging of runs that have ended, and directories without a manifest, once both are old enough: it looks again first. */
    sweepOrphans: defineActivity(aboutSchema, ({ model }) =>
      withHeartbeats(async (): Promise<SweptOrphans> => {
        const { orphans } = await look(ports, model);
        const { plan, inventory } = orphans;
        const swept = await ports.bucketWatch.sweep(plan, inventory, () => ports.runWatch.work());
        const { objects, bytes, spared } = swept;
        return { objects, bytes, spared: spared.slice(0, SPARED_SHOWN) };
      }),
    ),
    /** Lets a model's `liveModel` read `live.json`; starts it where it does not run. */
    adoptLive: defineActivity(z.strictObject({ model: nameSchema }), ({ model }) =>
      withHeartbeats(() => ports.runWatch.adopt(model)),
    ),
  };
}

interface Looked {
  readonly models: readonly KnownModel[];
  readonly orphans: Orphans;
  /** Runs that have something in staging. */
  readonly staged: number;
  readonly now: Date;
}

async function look(ports: ReconcilePorts, model: string | undefined): Promise<Looked> {
  const specs =
    model === undefined ? Object.values(ports.models) : [findModel(ports.models, model)];
  const retention = Object.fromEntries(specs.map((spec) => [spec.model, spec.retention]));
  const { staging, now } = await ports.bucketWatch.staged();
  const models: KnownModel[] = [];
  for (let from = 0; from < specs.length; from += MODELS_AT_ONCE) {
    const some = specs.slice(from, from + MODELS_AT_ONCE);
    models.push(...(await Promise.all(some.map((spec) => lookAt(ports, spec.model)))));
  }
  const includesShared = model === undefined;
  const orphans = await planOrphans(ports, { models, staging, retention, includesShared, now });
  return { models, orphans, staged: staging.length, now };
}

/** What `liveModel` knows is asked before `live.json` is read: then it can only be behind. */
async function lookAt(
  { bucketWatch, runWatch }: ReconcilePorts,
  model: string,
): Promise<KnownModel> {
  const knownGeneration = await runWatch.knownGeneration(model);
  const seen = await bucketWatch.look(model);
  const promoterOf = async (served: ServedVersion | null) => {
    const promotion = promotionOf(served?.promotion ?? null);
    return promotion === null ? null : runWatch.promoter(promotion.run);
  };
  return {
    ...{ ...seen, knownGeneration },
    promoter: await promoterOf(seen.live && liveVersionOf(seen.live)),
    previousPromoter: await promoterOf(seen.live && previousOf(seen.live)),
  };
}

interface Orphans {
  readonly plan: SweepPlan;
  readonly inventory: SweepInventory;
}

/** Asks Temporal only about what is old enough to go. */
async function planOrphans(
  { runWatch }: ReconcilePorts,
  given: {
    models: readonly KnownModel[];
    staging: Awaited<ReturnType<BucketWatch['staged']>>['staging'];
    retention: SweepGivenRetention;
    includesShared: boolean;
    now: Date;
  },
): Promise<Orphans> {
  const { retention, includesShared, now } = given;
  const limits = Object.values(retention).map(({ staging }) => durationMs(staging));
  const ageMs = ({ newestAt }: { newestAt: Date }) => now.getTime() - newestAt.getTime();
  const old = given.staging.filter((run) => ageMs(run) > Math.min(...limits));
  const states = await runWatch.runs(old.map(({ run }) => run));
  const staging = old.map((each) => ({
    ...each,
    ...(states.get(each.run) ?? ({ model: null, state: 'unknown' } as const)),
  }));
  // whose live.json cannot be read, of that nothing is known to be unneeded
  const models = given.models
    .filter(({ unreadable }) => unreadable.length === 0)
    .map(({ model, live, unfinished }) => ({
      ...{ model, live, documents: [], predictions: [], windows: [], labels: [] },
      regressions: [],
      versions: unfinished.filter((each) => ageMs(each) > DAY_MS),
    }));
  const isAsked = models.some(({ versions }) => versions.length > 0);
  const open = isAsked ? await runWatch.work() : NOTHING_OPEN;
  const inventory = { models, staging, snapshots: [], replacements: new Map<string, string>() };
  return { inventory, plan: planSweep({ inventory, open, retention, includesShared, now }) };
}

type SweepGivenRetention = Parameters<typeof planSweep>[0]['retention'];
