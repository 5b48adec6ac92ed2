import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { JoinedLabels } from '../activities/monitor-labels.js';
import { turnOf } from '../domain/monitor/state.js';
import { stepMonitor, type JudgedRow } from '../domain/monitor/step.js';
import { unjudgedRow, type WindowRow } from '../domain/monitor/window.js';
import type { Span } from '../domain/monitor/window-tally.js';
import { bookkeeping } from './activity-options.js';
import { continueOnNewestBuild } from './continue-on-newest-build.js';
import { parseEntry } from './door.js';
import { count } from './measure.js';
import { carryOut, tell } from './monitor-actions.js';
import { openMonitorDesk, type MonitorDesk } from './monitor-desk.js';
import { monitorInputSchema, type MonitorEnd, type MonitorInput } from './monitor-messages.js';

/** Turns of a run: few enough that a replay is short, and what waits at the desk never waits long. */
const TURNS_PER_RUN = 200;

/** How long a window that could not be read waits until it is tried again. */
const AGAIN_MS = 30_000;

const DAY_MS = 86_400_000;

/**
 * Watches what serves of a model, as long as its specification says so: judges windows of the prediction log, and falls back,
 * retrains or asks. It shares nothing with `liveModel` but the fallback that it orders: broken, it cannot stop one.
 */
export async function monitorModel(input: MonitorInput): Promise<MonitorEnd> {
  const { model, carried } = parseEntry('monitor input', monitorInputSchema, input);
  const desk = openMonitorDesk(model, carried, () => lookNow(desk));
  const isOver = () => desk.isMoving || workflowInfo().continueAsNewSuggested;
  for (let turn = 0; turn < TURNS_PER_RUN && !isOver(); turn += 1) {
    const end = await takeTurn(desk);
    if (end === null) continue;
    desk.adopt({ windows: null, newData: null });
    desk.note(`ended: ${end}`);
    desk.show();
    await condition(allHandlersFinished);
    return { ended: end };
  }
  await condition(allHandlersFinished);
  return continueOnNewestBuild<typeof monitorModel>({ model, carried: desk.state });
}

/** One thing that is due, or a wait; resolves to why the monitor ends, or null. */
async function takeTurn(desk: MonitorDesk): Promise<string | null> {
  if (desk.isStale) {
    const read = await readPlan(desk);
    if (read.kind === 'gone') return read.reason;
    if (read.kind === 'unread') return null;
  }
  const turn = turnOf(desk.state, desk.plan, Date.now());
  switch (turn.kind) {
    case 'window':
      return judge(desk, turn.span, turn.isNewest);
    case 'data':
      await lookAtData(desk);
      return null;
    case 'wait':
      desk.show();
      await desk.wait(turn.ms);
      return null;
    default:
      return turn satisfies never;
  }
}

/** Reads the specification; where that cannot be done, waits until it is tried again. */
async function readPlan(
  desk: MonitorDesk,
): Promise<{ kind: 'read' | 'unread' } | { kind: 'gone'; reason: string }> {
  const { model } = desk;
  desk.isStale = false;
  try {
    const planned = await bookkeeping(`what is watched of ${model}`).planMonitor({ model });
    if (planned.kind === 'gone') return planned;
    desk.adopt(planned.plan);
    return { kind: 'read' };
  } catch (error) {
    desk.isStale = true;
    desk.note(`the specification could not be read: ${failureOf(error).message}`);
    desk.show();
    await desk.wait(AGAIN_MS);
    return { kind: 'unread' };
  }
}

async function judge(desk: MonitorDesk, span: Span, isNewest: boolean): Promise<string | null> {
  const { model } = desk;
  let judged;
  try {
    judged = await reading(summaryOf(span)).judgeWindow({ model, ...span, keep: true });
  } catch (error) {
    await takeUnread(desk, span, error);
    return null;
  }
  if (judged.kind === 'gone') return judged.reason;
  desk.adopt(judged.plan);
  desk.state = { ...desk.state, cursorMs: span.untilMs };
  await takeIn(desk, judged, isNewest);
  if (isNewest) await takeInLabels(desk);
  return null;
}

/** Counts a judged window, and does what it comes to. */
async function takeIn(desk: MonitorDesk, judged: JudgedRow, isNewest: boolean): Promise<void> {
  count('switchyard_windows', { model: desk.model, verdict: judged.row.verdict });
  const { windows } = desk.plan;
  const isChecked = windows?.checks.some(({ metric }) => metric !== 'accuracy') === true;
  const alertAfterSilent = isChecked ? windows.alertAfterSilent : null;
  const step = stepMonitor(desk.state, judged, { isNewest, alertAfterSilent });
  desk.state = step.state;
  if (step.alert !== null) await tell(desk, ['engineering'], step.alert);
  if (step.wish !== null) await carryOut(desk, step.wish, judged.row.from);
}

/** Windows whose labels have come since. */
async function takeInLabels(desk: MonitorDesk): Promise<void> {
  const nowMs = Date.now();
  if (desk.plan.windows?.checks.some(({ metric }) => metric === 'accuracy') !== true) return;
  let afterMs: number | null = null;
  do {
    try {
      const joined: JoinedLabels = await reading(`labels of ${desk.model}`).joinLabels({
        ...{ model: desk.model, nowMs, seen: desk.state.labelsSeen, afterMs },
      });
      desk.state = { ...desk.state, labelsSeen: joined.seen };
      afterMs = joined.afterMs;
      for (const [index, row] of joined.rows.entries()) {
        await takeIn(desk, row, afterMs === null && index === joined.rows.length - 1);
      }
    } catch (error) {
      desk.note(`labels could not be joined: ${failureOf(error).message}`);
      return;
    }
  } while (afterMs !== null);
}

/** A window that could not be read has no verdict. One that never can is left behind; any other is tried again. */
async function takeUnread(desk: MonitorDesk, span: Span, error: unknown): Promise<void> {
  const failure = failureOf(error);
  const row = unjudgedRow(span, `it could not be judged: ${failure.message}`);
  await takeIn(desk, { row, checks: [] }, false);
  if (failure.nonRetryable === true) {
    desk.state = { ...desk.state, cursorMs: span.untilMs };
    return;
  }
  desk.show();
  await desk.wait(AGAIN_MS);
}

async function lookAtData(desk: MonitorDesk): Promise<void> {
  const { newData } = desk.plan;
  if (newData === null) return;
  desk.state = { ...desk.state, dataAtMs: Date.now() + newData.checkMs };
  const { model } = desk;
  try {
    const given = { model, since: desk.state.dataSeen };
    const { rows, newest, since } = await reading(`new rows of ${model}`).lookForNewData(given);
    if (rows < newData.minRows) return;
    const reason = `${rows} new rows${since === null ? '' : ` since ${since}`}, at least ${newData.minRows} were waited for`;
    const started = await bookkeeping(reason).startRetraining({ model, reason });
    if (started.kind === 'running') return;
    desk.state = { ...desk.state, dataSeen: newest };
    desk.note(`started ${started.workflowId}: ${reason}`);
  } catch (error) {
    desk.note(`new data could not be looked for: ${failureOf(error).message}`);
  }
}

/** `checkNow`: the last window's length up to now, not written, not counted. */
async function lookNow(desk: MonitorDesk): Promise<WindowRow> {
  const everyMs = (await desk.planned()).windows?.everyMs;
  if (everyMs === undefined) {
    throw ApplicationFailure.nonRetryable(
      `no windows of "${desk.model}" are judged: its specification has no monitor`,
      'InvalidRequest',
    );
  }
  const untilMs = Math.ceil(Date.now() / 1_000) * 1_000;
  const span = { fromMs: untilMs - everyMs, untilMs };
  try {
    const looked = await reading(summaryOf(span)).judgeWindow({
      model: desk.model,
      ...span,
      keep: false,
    });
    if (looked.kind === 'judged') return looked.row;
    return unjudgedRow(span, looked.reason);
  } catch (error) {
    throw failureOf(error);
  }
}

/** Reading may take minutes, and is tried again for a while; then people hear of the silence. */
function reading(summary: string) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '15 minutes',
    heartbeatTimeout: '5 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      maximumInterval: '30 seconds',
      maximumAttempts: 8,
    },
    summary,
  });
}

function summaryOf({ fromMs, untilMs }: Span): string {
  const [from, until] = [new Date(fromMs).toISOString(), new Date(untilMs).toISOString()];
  return `${from.slice(0, 16)} to ${until.slice(untilMs - fromMs < DAY_MS ? 11 : 0, 16)}`;
}

/** What an activity ended in; anything else is our bug: it passes through, and the task stalls visibly. */
function failureOf(error: unknown): ApplicationFailure {
  if (!(error instanceof ActivityFailure)) throw error;
  if (error.cause instanceof ApplicationFailure) return error.cause;
  return ApplicationFailure.create({
    message: error.cause?.message ?? error.message,
    nonRetryable: false,
  });
}
