import { MONITOR_ACTIONS, monitorOwnerOf, type MonitorAction } from './spec.js';
import type { MonitorState } from './state.js';
import { withRow } from './state.js';
import type { CheckResult, PlannedCheck, WindowRow } from './window.js';
import { shortDigest } from '../names.js';

/** A judged window, and how its checks ended. */
export interface JudgedRow {
  readonly row: WindowRow;
  readonly checks: readonly Pick<CheckResult, 'check' | 'verdict' | 'reason'>[];
}

/** What the monitor wants to do about a failed check. */
export interface Wish {
  readonly action: MonitorAction;
  readonly check: PlannedCheck;
  /** The version that the window judged: the only one that a fallback may leave. */
  readonly leaving: string;
  /** With the figures, for people. */
  readonly reason: string;
}

export interface MonitorStep {
  readonly state: MonitorState;
  readonly wish: Wish | null;
  /** What people are told of a silence; null: nothing. */
  readonly alert: string | null;
}

/**
 * Takes in a judged window. Failed windows count in a row for each check: a passed one begins anew, one without a verdict neither
 * adds nor takes away. A version that is new here begins with no counts. After an action the same is not done again until a new
 * version is live, and after a fallback nothing is, also while the version it went to serves.
 * @param given - `isNewest`: no later window is due; only then is anything done. `alertAfterSilent`: null where silence means nothing.
 */
export function stepMonitor(
  before: MonitorState,
  judged: JudgedRow,
  given: { isNewest: boolean; alertAfterSilent: number | null },
): MonitorStep {
  const { row } = judged;
  const shown = withRow(before, row);
  if (row.kind === 'accuracy' && row.digest !== before.version) {
    return { state: shown, wish: null, alert: null };
  }
  const counted = countFailures(ofVersion(shown, row.digest), judged);
  const silence = row.kind === 'window' ? silenceOf(counted, row, given.alertAfterSilent) : null;
  const state = silence?.state ?? counted;
  const wish = given.isNewest ? wishOf(state, judged) : null;
  return { state, wish, alert: silence?.alert ?? null };
}

/** What is remembered of an action that was taken. */
export function withAction(
  state: MonitorState,
  { action, check, leaving }: Wish,
  wentTo: string | null = null,
): MonitorState {
  const done = [...new Set([...state.done, action, keyOf(check)])].slice(-100);
  const coolDown = action === 'fall-back' ? [leaving, ...(wentTo === null ? [] : [wentTo])] : [];
  return { ...state, failed: {}, done, coolDown: coolDown.length > 0 ? coolDown : state.coolDown };
}

/** The role that a wish is told to. */
export function ownerOfWish({ check }: Wish): string {
  return monitorOwnerOf(check.metric);
}

function ofVersion(state: MonitorState, digest: string | null): MonitorState {
  if (digest === null || digest === state.version) return state;
  const coolDown = state.coolDown.includes(digest) ? state.coolDown : [];
  return { ...state, version: digest, failed: {}, done: [], coolDown };
}

function countFailures(state: MonitorState, { checks }: JudgedRow): MonitorState {
  const counts = new Map(Object.entries(state.failed));
  for (const { check, verdict } of checks) {
    const key = keyOf(check);
    if (verdict === 'failed') counts.set(key, Math.min((counts.get(key) ?? 0) + 1, 1_000));
    if (verdict === 'passed') counts.delete(key);
  }
  return { ...state, failed: Object.fromEntries([...counts].slice(-40)) };
}

function silenceOf(
  state: MonitorState,
  row: WindowRow,
  alertAfter: number | null,
): { state: MonitorState; alert: string | null } {
  const hasVerdict = row.verdict === 'passed' || row.verdict === 'failed';
  const silent = hasVerdict ? 0 : state.silent + 1;
  const alert =
    silent === alertAfter
      ? `${silent} windows in a row have no verdict; the last one, from ${row.from}: ${row.reason}`
      : null;
  return { state: { ...state, silent, verdict: row.verdict }, alert };
}

/** The strongest action that a failed check has come to. */
function wishOf(state: MonitorState, { row, checks }: JudgedRow): Wish | null {
  const { digest } = row;
  if (digest === null || state.coolDown.includes(digest)) return null;
  const due = checks.filter(({ check, verdict }) => {
    const count = state.failed[keyOf(check)] ?? 0;
    return verdict === 'failed' && count >= check.consecutive && !isDone(state, check);
  });
  const [strongest] = [...due].sort(
    (one, other) =>
      MONITOR_ACTIONS.indexOf(other.check.then) - MONITOR_ACTIONS.indexOf(one.check.then),
  );
  if (strongest === undefined) return null;
  const { check, reason } = strongest;
  const count = state.failed[keyOf(check)] ?? 0;
  const times = count > 1 ? `, ${count} windows in a row` : '';
  const about = `version ${row.version ?? '?'} (${shortDigest(digest)}), window ${row.from} to ${row.until}`;
  return { action: check.then, check, leaving: digest, reason: `${reason}${times}; ${about}` };
}

/** A question is asked once a check, a retraining is started once a version, and nothing follows a fallback. */
function isDone({ done }: MonitorState, check: PlannedCheck): boolean {
  if (done.includes('fall-back')) return true;
  return check.then === 'ask' ? done.includes(keyOf(check)) : done.includes(check.then);
}

function keyOf({ metric, min, max, then }: PlannedCheck): string {
  return `${metric} ${min ?? ''} ${max ?? ''} ${then}`;
}
