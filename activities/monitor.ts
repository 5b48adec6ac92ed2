import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import { digestSchema, instantSchema, nameSchema } from '../domain/names.js';
import type { MonitorActions, StartedByMonitor } from '../domain/ports/monitoring.js';
import type { Snapshots } from '../domain/ports/dataset-source.js';
import type { Registry } from '../domain/ports/registry.js';
import { monitorPlanOf, type MonitorPlan } from '../domain/monitor/plan.js';
import { liveVersionOf } from '../domain/live-state.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { joinLabels, type LabelPorts } from './monitor-labels.js';
import { judgeSpan, type WindowPorts } from './monitor-window.js';
import type { Models } from './resolve.js';

export interface MonitorPorts extends WindowPorts, LabelPorts {
  readonly models: Models;
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  readonly monitorActions: MonitorActions;
}

/** Nothing is to be watched any more; the sentence says why. */
export interface Gone {
  readonly kind: 'gone';
  readonly reason: string;
}

/** Snapshots whose newest row is remembered. */
const NEWEST_KEPT = 100;

const instantMsSchema = z.int().min(0);
const modelSchema = z.strictObject({ model: nameSchema });

const judgeInputSchema = z.strictObject({
  model: nameSchema,
  fromMs: instantMsSchema,
  untilMs: instantMsSchema,
  /** False: a look that is neither written nor counted. */
  keep: z.boolean(),
});

const joinInputSchema = z.strictObject({
  model: nameSchema,
  nowMs: instantMsSchema,
  /** The label store's state when all of it was joined last. */
  seen: digestSchema.nullable(),
  /** Where an earlier call stopped. */
  afterMs: instantMsSchema.nullable(),
});

const leaveInputSchema = z.strictObject({
  model: nameSchema,
  leaving: digestSchema,
  reason: z.string().min(1).max(2_000),
  /** The role that mends what the fallback leaves. */
  owner: nameSchema.optional(),
  requestId: z.string().min(1).max(200),
});

/** The monitor's looks and deeds. What it watches is read from the worker's own configuration each time. */
export function createMonitorActivities(ports: MonitorPorts) {
  // the newest row of snapshots that were looked at: a snapshot never changes
  const newestOf = new Map<string, number>();
  return {
    /** What the monitor does for a model. */
    planMonitor: defineActivity(modelSchema, ({ model }) => Promise.resolve(planOf(ports, model))),
    /** Reads and judges a span of the prediction log, and writes the window. A window that was written before stays as it is. */
    judgeWindow: defineActivity(judgeInputSchema, (input) =>
      withHeartbeats(async ({ progress }) => {
        const planned = planOf(ports, input.model);
        if (planned.kind === 'gone') return planned;
        const judged = await judgeSpan(ports, { ...input, plan: planned.plan }, progress);
        return { kind: 'judged' as const, plan: planned.plan, ...judged };
      }),
    ),
    /** Judges the accuracy of windows whose labels have come. */
    joinLabels: defineActivity(joinInputSchema, (input) =>
      withHeartbeats(async ({ progress }) => {
        const planned = planOf(ports, input.model);
        const windows = planned.kind === 'gone' ? null : planned.plan.windows;
        return joinLabels(ports, { ...input, windows }, progress);
      }),
    ),
    /** Rows that the next training would have and the live version's, or the last one started for them, did not. */
    lookForNewData: defineActivity(
      z.strictObject({ model: nameSchema, since: instantSchema.nullable() }),
      (input) => withHeartbeats(() => lookForNewData(ports, input, newestOf)),
    ),
    /** Orders the fallback from a version, as `monitor/<model>`; `left`: it is withdrawn now, whoever ordered that. */
    leaveVersion: defineActivity(
      leaveInputSchema,
      ({ model, leaving, reason, owner, requestId }) => {
        const order = { leaving, by: `monitor/${model}`, reason, ...(owner && { owner }) };
        return withHeartbeats(async () => {
          const answer = await ports.monitorActions.fallBack(model, order, requestId);
          const now = await ports.registry.live(model);
          return { ...answer, left: now?.state.withdrawn.includes(leaving) === true };
        });
      },
    ),
    /** Starts a lifecycle, as `monitor/<model>`, unless the last one that it started is still open. */
    startRetraining: defineActivity(
      z.strictObject({ model: nameSchema, reason: z.string().min(1).max(2_000) }),
      ({ model, reason }): Promise<StartedByMonitor> => {
        const request = { model, reason, startedBy: `monitor/${model}` };
        return withHeartbeats(() => ports.monitorActions.startLifecycle(request, thisCall()));
      },
    ),
  };
}

/** Names this call of the activity, whichever attempt it is. */
function thisCall(): string {
  const { workflowExecution, activityId } = activityInfo();
  return `${workflowExecution?.runId ?? ''}/${activityId}`;
}

function planOf({ models }: Pick<MonitorPorts, 'models'>, model: string): Gone | Planned {
  const spec = Object.hasOwn(models, model) ? models[model] : undefined;
  if (spec === undefined) {
    return { kind: 'gone', reason: `"${model}" is no model of switchyard.config.ts any more` };
  }
  const plan = monitorPlanOf(spec);
  if (plan !== null) return { kind: 'plan', plan };
  const reason = `the specification of "${model}" has neither monitor nor retrain.onNewData any more`;
  return { kind: 'gone', reason };
}

export interface Planned {
  readonly kind: 'plan';
  readonly plan: MonitorPlan;
}

async function lookForNewData(
  ports: MonitorPorts,
  { model, since }: { model: string; since: string | null },
  newestOf: Map<string, number>,
): Promise<{ rows: number; newest: string | null; since: string | null }> {
  const spec = Object.hasOwn(ports.models, model) ? ports.models[model] : undefined;
  if (spec === undefined) return { rows: 0, newest: null, since };
  const { source, trainRows } = spec.train;
  const trainedMs = await newestTrained(ports, { model, source, newestOf });
  const known = [...(since === null ? [] : [Date.parse(since)]), ...trainedMs];
  // a row of the future, by a clock that is wrong, neither counts nor hides those that come
  const nowMs = Date.now();
  const after =
    known.length === 0 ? null : new Date(Math.min(nowMs, Math.max(...known))).toISOString();
  const isLater = after !== null && !(Date.parse(trainRows.from ?? '') > Date.parse(after));
  const isOpen = !(Date.parse(trainRows.until ?? '') < nowMs);
  const cut = {
    ...{ ...trainRows, ...(isLater && { from: after }) },
    ...(isOpen && { until: new Date(nowMs).toISOString() }),
  };
  return { ...(await ports.snapshots.count(source, cut, after)), since: after };
}

/** When the newest row was that the live version learnt from, in milliseconds; nothing where nothing is live. */
async function newestTrained(
  { registry, snapshots }: MonitorPorts,
  given: { model: string; source: string; newestOf: Map<string, number> },
): Promise<readonly number[]> {
  const { model, source, newestOf } = given;
  const live = await registry.live(model);
  const served = live === null ? null : liveVersionOf(live.state);
  const registered = served === null ? null : await registry.version(model, served.version);
  const digest = registered?.manifest.lineage.data[0];
  if (digest === undefined) return [];
  const known = newestOf.get(digest);
  if (known !== undefined) return [known];
  const rows = await snapshots.rows({ name: source, digest, rows: 0, labels: [] });
  const newest = rows.at(-1);
  if (newest === undefined) return [];
  if (newestOf.size >= NEWEST_KEPT) newestOf.clear();
  newestOf.set(digest, Date.parse(newest.at));
  return [Date.parse(newest.at)];
}
