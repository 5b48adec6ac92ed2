import { judgeAccuracy } from '../domain/monitor/judge-window.js';
import { LabelTable } from '../domain/monitor/labels.js';
import type { WindowPlan } from '../domain/monitor/plan.js';
import type { JudgedRow } from '../domain/monitor/step.js';
import type {
  LabelStore,
  ListedWindow,
  PredictionReader,
  WindowStore,
} from '../domain/ports/monitoring.js';
import { rowKey, RowKeys } from '../domain/monitor/row-keys.js';
import { rowOfAccuracy, type Window } from '../domain/monitor/window.js';
import { neverReachedModel } from '../domain/not-asked.js';

export interface LabelPorts {
  readonly predictions: PredictionReader;
  readonly windows: WindowStore;
  readonly labels: LabelStore;
}

/** Windows that one call judges: their rows travel through history. */
const WINDOWS_A_CALL = 20;

/** How long after its labels are due a window is still looked for, for the time of a monitor that was down. */
const GRACE_MS = 7 * 86_400_000;

export interface JoinedLabels {
  /** The label store's state now that all of it is joined; the one before while there is more. */
  readonly seen: string | null;
  readonly rows: readonly JudgedRow[];
  /** Where the next call goes on; null: all is done. */
  readonly afterMs: number | null;
}

/**
 * Joins labels to windows that have no accuracy yet: once enough have come, or none are waited for any more, a window's accuracy is
 * judged, once. Windows are read again only when labels are new or their time is over.
 */
export async function joinLabels(
  ports: LabelPorts,
  given: {
    model: string;
    nowMs: number;
    seen: string | null;
    afterMs: number | null;
    windows: WindowPlan | null;
  },
  progress: (detail: unknown) => void,
): Promise<JoinedLabels> {
  const { model, nowMs, seen, afterMs, windows: plan } = given;
  const isAsked = plan?.checks.some(({ metric }) => metric === 'accuracy') === true;
  if (plan === null || !isAsked) return { seen, rows: [], afterMs: null };
  const state = await ports.labels.state(model);
  const fromMs = afterMs ?? nowMs - plan.labelsWithinMs - plan.everyMs - GRACE_MS;
  const listed = await ports.windows.list(model, { fromMs: Math.max(0, fromMs), untilMs: nowMs });
  const isOver = (each: ListedWindow) => each.fromMs + plan.everyMs + plan.labelsWithinMs <= nowMs;
  const due = listed.filter((each) => !each.hasAccuracy && (state !== seen || isOver(each)));
  const some = due.slice(0, WINDOWS_A_CALL);
  const last = some.at(-1);
  const table = await labelsSince(ports.labels, model, some[0]?.fromMs ?? nowMs);
  const rows: JudgedRow[] = [];
  for (const each of some) {
    const window = await ports.windows.window(model, each.fromMs);
    if (window !== null) {
      const mayWait = !isOver(each);
      const row = await judgeLabelled(ports, { window, table, plan, nowMs, mayWait });
      if (row !== null) rows.push(row);
    }
    progress({ window: each.fromMs });
  }
  const isAll = due.length === some.length || last === undefined;
  return { seen: isAll ? state : seen, rows, afterMs: isAll ? null : last.fromMs + 1 };
}

async function labelsSince(
  labels: LabelStore,
  model: string,
  sinceMs: number,
): Promise<LabelTable> {
  const table = new LabelTable();
  for await (const batch of labels.batches(model, sinceMs)) {
    for (const label of batch.labels) table.add(label, batch.addedMs);
  }
  return table;
}

async function judgeLabelled(
  ports: LabelPorts,
  given: {
    window: Window;
    table: LabelTable;
    plan: WindowPlan;
    nowMs: number;
    mayWait: boolean;
  },
): Promise<JudgedRow | null> {
  const { window, table, plan, nowMs, mayWait } = given;
  const { version, digest, model } = window;
  const span = { fromMs: Date.parse(window.from), untilMs: Date.parse(window.until) };
  const { labelled, right } = await countLabelled(ports.predictions, { window, table });
  if (labelled < plan.minSample && mayWait) return null;
  const judgement = await ports.windows.putAccuracy(
    judgeAccuracy({
      ...{ model, span, labelled, right, judgedAtMs: nowMs },
      live: version === null || digest === null ? null : { version, digest },
      checks: plan.checks,
      minSample: plan.minSample,
    }),
  );
  const checks = judgement.checks.map(({ check, verdict, reason }) => ({ check, verdict, reason }));
  return { row: rowOfAccuracy(judgement), checks };
}

/** Rows of the window's own version that have a label, and how many of them were answered with it. */
async function countLabelled(
  predictions: PredictionReader,
  { window, table }: { window: Window; table: LabelTable },
): Promise<{ labelled: number; right: number }> {
  const [fromMs, untilMs] = [Date.parse(window.from), Date.parse(window.until)];
  const keys = new RowKeys();
  let [labelled, right] = [0, 0];
  if (table.size === 0) return { labelled, right };
  for await (const { lines } of predictions.batches(window.model, { fromMs, untilMs })) {
    for (const { requestId, row, at, digest, label, error } of lines) {
      if (neverReachedModel(error)) continue; // who was refused may ask again by the same id
      const atMs = Date.parse(at);
      const truth = table.labelOf(requestId, row);
      if (truth === undefined || digest !== window.digest) continue;
      if (!(atMs >= fromMs && atMs < untilMs) || !keys.add(rowKey(requestId, row))) continue;
      labelled += 1;
      if (label === truth) right += 1;
    }
  }
  return { labelled, right };
}
