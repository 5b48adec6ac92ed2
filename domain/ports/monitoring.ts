import type { Label } from '../monitor/labels.js';
import type { LifecycleRequest } from '../lifecycle.js';
import type { LiveChangeResult } from '../live-state.js';
import type { PredictionLine } from '../monitor/prediction-line.js';
import type { Window, WindowAccuracy } from '../monitor/window.js';
import type { Span } from '../monitor/window-tally.js';

/** Lines that were written together. */
export interface PredictionBatch {
  readonly lines: readonly PredictionLine[];
  /** Lines that are none, in objects of the span's own hours. */
  readonly malformed: number;
}

/** Reads the prediction log, an object at a time, so that memory stays bounded however long a window is. */
export interface PredictionReader {
  /**
   * Every object that can hold lines of the span, those written late included; lines carry their time, and those of other times
   * come too. Throws the store's `PortError`s.
   */
  batches(model: string, span: Span): AsyncIterable<PredictionBatch>;
}

/** A window that was judged, as a listing shows it. */
export interface ListedWindow {
  readonly fromMs: number;
  readonly hasAccuracy: boolean;
}

/** Judged windows, each written once. */
export interface WindowStore {
  /** Writes a window, or finds the one that was written before; resolves to what stands. */
  put(window: Window): Promise<Window>;
  putAccuracy(judgement: WindowAccuracy): Promise<WindowAccuracy>;
  window(model: string, fromMs: number): Promise<Window | null>;
  /** Windows that begin in a span, in order. */
  list(model: string, span: Span): Promise<readonly ListedWindow[]>;
}

/** A batch of labels with the store's time of writing. */
export interface LabelBatch {
  readonly labels: readonly Label[];
  readonly addedMs: number;
}

/** Labels that came after the answers: immutable objects, each under the digest of its bytes. */
export interface LabelStore {
  /** Adds labels; resolves to the number of labels in objects that were new. */
  add(model: string, labels: readonly Label[]): Promise<{ added: number; known: number }>;
  /** Names what lies there: it changes when labels are added. */
  state(model: string): Promise<string>;
  /** Labels that were added since an instant, the oldest first. */
  batches(model: string, sinceMs: number): AsyncIterable<LabelBatch>;
}

/** What the monitor does about a failed check, by way of Temporal. */
export interface MonitorActions {
  /** Orders the fallback; a repeated request id gets the first answer. */
  fallBack(
    model: string,
    order: { leaving: string; by: string; reason: string; owner?: string },
    requestId: string,
  ): Promise<LiveChangeResult>;
  /** Starts a lifecycle, unless the monitor's last one is still open; a repeated request id finds the one that it started. */
  startLifecycle(request: LifecycleRequest, requestId: string): Promise<StartedByMonitor>;
}

export interface StartedByMonitor {
  readonly kind: 'started' | 'running';
  readonly workflowId: string;
}
