import { z } from 'zod';
import { verdictSchema } from '../gate.js';
import { MONITOR_METRICS, monitorActionSchema } from './spec.js';
import { digestSchema, instantSchema, nameSchema, versionNumberSchema } from '../names.js';
import type { Span } from './window-tally.js';

const count = z.int().min(0);
const measured = z.number().nullable();

/** A check as the monitor holds it against windows: its action is settled. */
export const plannedCheckSchema = z.strictObject({
  metric: z.enum(MONITOR_METRICS),
  min: z.number().optional(),
  max: z.number().optional(),
  consecutive: z.int().min(1),
  then: monitorActionSchema,
});
export type PlannedCheck = z.infer<typeof plannedCheckSchema>;

export const checkResultSchema = z.strictObject({
  check: plannedCheckSchema,
  verdict: verdictSchema,
  value: measured,
  /** Rows, or requests, that it rests on. */
  sample: count,
  /** One sentence for people. */
  reason: z.string().max(500),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

const about = {
  schemaVersion: z.literal(1),
  model: nameSchema,
  from: instantSchema,
  until: instantSchema,
  judgedAt: instantSchema,
  /** The version that was live when the window was judged: the only one whose lines count. Null: none. */
  version: versionNumberSchema.nullable(),
  digest: digestSchema.nullable(),
};

const judged = {
  checks: z.array(checkResultSchema).max(20),
  verdict: verdictSchema,
  reason: z.string().max(1_000),
};

/** A window as its object in the bucket holds it. */
export const windowSchema = z.strictObject({
  ...about,
  /** Digest of the profile that it was compared with. */
  profile: digestSchema.nullable(),
  requests: count,
  rows: count,
  errors: count,
  errorRate: measured,
  latencyP50Ms: measured,
  latencyP99Ms: measured,
  classDrift: measured,
  scoreDrift: measured,
  classes: z.array(z.strictObject({ label: z.string(), count })).max(10_000),
  others: z.array(z.strictObject({ digest: digestSchema, rows: count })).max(10),
  duplicates: count,
  malformed: count,
  beyond: count,
  ...judged,
});
export type Window = z.infer<typeof windowSchema>;

/** How right a window's answers were, once labels have come. */
export const windowAccuracySchema = z.strictObject({
  ...about,
  /** Rows of the version with a label, and those of them that were right. */
  labelled: count,
  right: count,
  accuracy: measured,
  ...judged,
});
export type WindowAccuracy = z.infer<typeof windowAccuracySchema>;

/** What travels through history of a window, and is shown of it. What a newer build adds is left out where an older one reads it. */
export const windowRowSchema = z.object({
  kind: z.enum(['window', 'accuracy']),
  from: instantSchema,
  until: instantSchema,
  version: versionNumberSchema.nullable(),
  digest: digestSchema.nullable(),
  verdict: verdictSchema,
  requests: count,
  rows: count,
  errorRate: measured,
  latencyP50Ms: measured,
  latencyP99Ms: measured,
  classDrift: measured,
  scoreDrift: measured,
  accuracy: measured,
  reason: z.string().max(300),
});
export type WindowRow = z.infer<typeof windowRowSchema>;

/** The window that begins at an instant: it ends at the next multiple of its length since 1970, so that all agree on bounds. */
export function windowFrom(fromMs: number, everyMs: number): Span {
  return { fromMs, untilMs: (Math.floor(fromMs / everyMs) + 1) * everyMs };
}

export function rowOfWindow(window: Window): WindowRow {
  const { from, until, version, digest, verdict, requests, rows, errorRate } = window;
  const { latencyP50Ms, latencyP99Ms, classDrift, scoreDrift } = window;
  const reason = window.reason.slice(0, 300);
  return {
    ...{ kind: 'window', from, until, version, digest, verdict, requests, rows, errorRate },
    ...{ latencyP50Ms, latencyP99Ms, classDrift, scoreDrift, accuracy: null, reason },
  };
}

export function rowOfAccuracy(judgement: WindowAccuracy): WindowRow {
  const { from, until, version, digest, verdict, labelled, accuracy } = judgement;
  const unmeasured = { latencyP50Ms: null, latencyP99Ms: null, classDrift: null, scoreDrift: null };
  return {
    ...{ kind: 'accuracy', from, until, version, digest, verdict, requests: 0, rows: labelled },
    ...{ errorRate: null, ...unmeasured, accuracy, reason: judgement.reason.slice(0, 300) },
  };
}

/** A window that could not be judged. */
export function unjudgedRow({ fromMs, untilMs }: Span, reason: string): WindowRow {
  return {
    ...{ kind: 'window', version: null, digest: null, verdict: 'error', requests: 0, rows: 0 },
    from: new Date(fromMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    ...{ errorRate: null, latencyP50Ms: null, latencyP99Ms: null, classDrift: null },
    ...{ scoreDrift: null, accuracy: null, reason: reason.slice(0, 300) },
  };
}
