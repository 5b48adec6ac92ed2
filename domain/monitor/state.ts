import { z } from 'zod';
import { verdictSchema } from '../gate.js';
import type { MonitorPlan, WindowPlan } from './plan.js';
import { digestSchema, instantSchema } from '../names.js';
import { windowFrom, windowRowSchema, type WindowRow } from './window.js';
import type { Span } from './window-tally.js';

/** What is shown and carried of the past. */
const ROWS_KEPT = 12;
const NOTES_KEPT = 8;
const NOTE_LONGEST = 400;

/** Who stops or resumes the monitor, and why; a claim. */
export const monitorOrderSchema = z.strictObject({
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(500),
});
export type MonitorOrder = z.infer<typeof monitorOrderSchema>;

/**
 * All that a monitor remembers; it travels from run to run and is at most 32 KB of JSON. What a newer build adds is left out where an
 * older one goes on with it, after a release that was taken back.
 */
export const monitorStateSchema = z.object({
  /** Where the next window begins; null before the first. */
  cursorMs: z.int().nullable(),
  /** When the data source is looked at next. */
  dataAtMs: z.number().nullable(),
  /** The newest row that a lifecycle was started for. */
  dataSeen: instantSchema.nullable(),
  /** What the label store last held. */
  labelsSeen: digestSchema.nullable(),
  /** The version that counters and actions are about. */
  version: digestSchema.nullable(),
  /** Failed windows in a row, by check. */
  failed: z.record(z.string(), z.int().min(1)),
  /** Actions that were taken about this version, by check; a fallback or retraining also by its own name. */
  done: z.array(z.string()).max(100),
  /** Nothing is done while one of these is live: the version that a fallback left, and the one it went to. */
  coolDown: z.array(digestSchema).max(2),
  /** Windows in a row without a verdict. */
  silent: z.int().min(0),
  paused: monitorOrderSchema.extend({ at: instantSchema }).nullable(),
  verdict: verdictSchema.nullable(),
  /** The last windows, the newest last. */
  rows: z.array(windowRowSchema).max(ROWS_KEPT),
  notes: z.array(z.object({ at: instantSchema, text: z.string().max(NOTE_LONGEST) })),
});
export type MonitorState = z.infer<typeof monitorStateSchema>;

export const NEW_MONITOR: MonitorState = {
  ...{ cursorMs: null, dataAtMs: null, dataSeen: null, labelsSeen: null, version: null },
  ...{ failed: {}, done: [], coolDown: [], silent: 0, paused: null, verdict: null },
  ...{ rows: [], notes: [] },
};

/** What is due. */
export type MonitorTurn =
  | { readonly kind: 'window'; readonly span: Span; readonly isNewest: boolean }
  | { readonly kind: 'data' }
  /** `ms` null: until somebody says something. */
  | { readonly kind: 'wait'; readonly ms: number | null };

/** A state that fits a plan: where windows begin and when data is looked at, if it is not settled yet. */
export function settled(state: MonitorState, plan: MonitorPlan, nowMs: number): MonitorState {
  const { windows, newData } = plan;
  const begin = windows === null ? null : beginOf(nowMs, windows.everyMs);
  return {
    ...state,
    cursorMs: windows === null ? null : (state.cursorMs ?? begin),
    dataAtMs: newData === null ? null : (state.dataAtMs ?? nowMs),
  };
}

/** What the monitor does now. Windows that were missed are due one after the other; only the newest may lead to an action. */
export function turnOf(state: MonitorState, plan: MonitorPlan, nowMs: number): MonitorTurn {
  if (state.paused !== null) return { kind: 'wait', ms: null };
  const waits: number[] = [];
  if (plan.windows !== null && state.cursorMs !== null) {
    const { everyMs, delayMs } = plan.windows;
    const span = windowFrom(state.cursorMs, everyMs);
    const dueMs = span.untilMs + delayMs;
    if (dueMs <= nowMs) return { kind: 'window', span, isNewest: dueMs + everyMs > nowMs };
    waits.push(dueMs - nowMs);
  }
  if (plan.newData !== null && state.dataAtMs !== null) {
    if (state.dataAtMs <= nowMs) return { kind: 'data' };
    waits.push(state.dataAtMs - nowMs);
  }
  return { kind: 'wait', ms: waits.length === 0 ? null : Math.min(...waits) };
}

export function pausedBy(state: MonitorState, order: MonitorOrder, nowMs: number): MonitorState {
  return { ...state, paused: { ...order, at: new Date(nowMs).toISOString() } };
}

/** Goes on with the window that is under way: those of the pause are not made up for. */
export function resumed(
  state: MonitorState,
  windows: WindowPlan | null,
  nowMs: number,
): MonitorState {
  const cursorMs = windows === null ? null : beginOf(nowMs, windows.everyMs);
  const later = Math.max(cursorMs ?? 0, state.cursorMs ?? 0);
  return { ...state, paused: null, silent: 0, cursorMs: cursorMs === null ? null : later };
}

/** Shows a row; one about the same window takes the place of an earlier one. */
export function withRow(state: MonitorState, row: WindowRow): MonitorState {
  const others = state.rows.filter(({ kind, from }) => kind !== row.kind || from !== row.from);
  return { ...state, rows: [...others, row].slice(-ROWS_KEPT) };
}

export function withNote(state: MonitorState, nowMs: number, text: string): MonitorState {
  const note = { at: new Date(nowMs).toISOString(), text: text.slice(0, NOTE_LONGEST) };
  return { ...state, notes: [...state.notes, note].slice(-NOTES_KEPT) };
}

function beginOf(nowMs: number, everyMs: number): number {
  return Math.floor(nowMs / everyMs) * everyMs;
}
