import { z } from 'zod';
import { recordedDecisionSchema } from './decision.js';
import {
  findingSchema,
  gateResultSchema,
  verdictSchema,
  type Finding,
  type Verdict,
} from './gate.js';
import type { Frozen } from './live-state.js';
import {
  digestSchema,
  filePathSchema,
  nameSchema,
  runIdSchema,
  versionNumberSchema,
} from './names.js';
import { approvalPolicySchema } from './signing/policy.js';
import { aboutDecisionSchema } from './signing/statement.js';
import { delegationSchema } from './signing/trust.js';
import { modelSpecSchema, parametersSchema, timeCutSchema } from './spec.js';
import { convertedTwinSchema } from './twin.js';
import { undoRowSchema, type UndoRow } from './undo.js';

/** What starts a lifecycle: one object, names and numbers only. */
export const lifecycleRequestSchema = z.strictObject({
  model: nameSchema,
  /** Overrides of the specification for this candidate. */
  trainRows: timeCutSchema.optional(),
  heldOutRows: timeCutSchema.optional(),
  parameters: parametersSchema.optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  /** Who starts it and why, for people; a claim where it is not signed. */
  startedBy: z.string().max(200).optional(),
  reason: z.string().max(2_000).optional(),
  /** A signed statement of all this by `startedBy` (compact JWS), so that self-approval can be seen. */
  signature: z.string().max(8_192).optional(),
});
export type LifecycleRequest = z.infer<typeof lifecycleRequestSchema>;

/** A specification with the request's overrides in it, as a lifecycle carries it. */
export const resolvedSpecSchema = z.strictObject({
  spec: modelSpecSchema,
  digest: digestSchema,
  /** Who started it, by a verified signature; null: a schedule, the monitor or an unsigned hand, which is no person. */
  starter: z.string().nullable().optional(),
});
export type ResolvedSpec = z.infer<typeof resolvedSpecSchema>;

/** An immutable data set by digest. */
export const snapshotRefSchema = z.strictObject({
  name: nameSchema,
  digest: digestSchema,
  rows: z.int().min(0),
  labels: z.array(z.string()).max(10_000),
});
export type SnapshotRef = z.infer<typeof snapshotRefSchema>;

export const snapshotPairSchema = z.strictObject({
  train: snapshotRefSchema,
  heldOut: snapshotRefSchema,
});
export type SnapshotPair = z.infer<typeof snapshotPairSchema>;

/** Artifacts in staging: `staging/<run>/<stage>/<attempt>/`, each file with its digest. */
export const stagedSchema = z.strictObject({
  run: runIdSchema,
  stage: z.enum(['retrain', 'convert', 'test-system', 'test-quality']),
  attempt: z.int().min(1),
  files: z.array(
    z.strictObject({ path: filePathSchema, bytes: z.int().min(0), sha256: digestSchema }),
  ),
});
export type Staged = z.infer<typeof stagedSchema>;

export const trainedSchema = z.strictObject({
  staged: stagedSchema,
  metrics: z.record(z.string(), z.number()),
  trainerLock: digestSchema,
  code: digestSchema,
});
export type Trained = z.infer<typeof trainedSchema>;

/** A version: its number, the digest of its manifest, the artifact that would serve, and its parity report. */
export const candidateSchema = z.strictObject({
  version: versionNumberSchema,
  digest: digestSchema,
  artifact: filePathSchema,
  parityReport: digestSchema,
  /** What convert says of a smaller twin; left out where none was asked for. */
  twin: convertedTwinSchema.optional(),
});
export type Candidate = z.infer<typeof candidateSchema>;

export const tableRowSchema = gateResultSchema
  .pick({ gate: true, verdict: true, reason: true })
  // left out in results that are older than it
  .extend({ value: z.number().nullable().optional() });

/** What a validator verifies decisions by, in a workflow's history: it reads no file. */
export const signingSchema = z.strictObject({
  /** Which installation it is. */
  environment: nameSchema,
  nonce: aboutDecisionSchema.shape.nonce,
  /** The keys that may sign new decisions. */
  keys: z
    .array(
      z.strictObject({
        kid: z.string(),
        x: z.string(),
        person: z.string(),
        roles: z.array(nameSchema),
        delegated: z.array(delegationSchema).optional(),
      }),
    )
    .max(1_000),
});
export type Signing = z.infer<typeof signingSchema>;

/** What whoever signs a decision says it is about, and for which installation. */
export const toSignSchema = aboutDecisionSchema.extend({ environment: nameSchema });
export type ToSign = z.infer<typeof toSignSchema>;

/** What the test stage hands on: references, the gate table and the findings' sentences; everything else is in the report. */
export const testedSchema = z.strictObject({
  verdict: verdictSchema,
  evidence: digestSchema,
  testReport: digestSchema,
  baseline: digestSchema.nullable(),
  /** Digest of the page that shows all of it; left out in results that are older than pages. */
  page: digestSchema.optional(),
  /** The roles that must approve, in the order of asking. */
  roles: z.array(nameSchema),
  table: z.array(tableRowSchema),
  findings: z.array(findingSchema),
  /** Who must approve, and who may not; left out in results that are older than policies. */
  policy: approvalPolicySchema.optional(),
  /** How decisions are signed; left out where they are not. */
  signing: signingSchema.optional(),
  /** The twin, where the evidence names that: the file that goes on; left out where it is the candidate's own. */
  artifact: filePathSchema.optional(),
  /** Which of model and twin goes on, and why, in one sentence; left out where no twin was asked for. */
  twin: z.string().max(2_000).optional(),
});
export type Tested = z.infer<typeof testedSchema>;

/** The file that the evidence names: what decisions are about and what goes live. */
export function artifactOf({ artifact }: Candidate, tested: Pick<Tested, 'artifact'>): string {
  return tested.artifact ?? artifact;
}

const common = {
  model: nameSchema,
  ledger: z.array(undoRowSchema),
  decisions: z.array(recordedDecisionSchema),
};
const version = { version: versionNumberSchema, digest: digestSchema };
const tested = { evidence: digestSchema, testReport: digestSchema, table: z.array(tableRowSchema) };

export const lifecycleOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('live'),
    ...common,
    ...version,
    ...tested,
    generation: z.int(),
  }),
  z.strictObject({
    outcome: z.literal('rejected'),
    ...common,
    stage: z.enum(['convert', 'test']),
    findings: z.array(findingSchema),
    /** Null where convert rejected it: then there is no version. */
    version: versionNumberSchema.nullable(),
    digest: digestSchema.nullable(),
    testReport: digestSchema.nullable(),
    table: z.array(tableRowSchema),
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    ...common,
    ...version,
    ...tested,
    reason: z.string(),
  }),
  z.strictObject({
    outcome: z.literal('expired'),
    ...common,
    ...version,
    ...tested,
    reason: z.string(),
  }),
  z.strictObject({
    outcome: z.literal('superseded'),
    ...common,
    ...version,
    ...tested,
    reason: z.string(),
  }),
]);
/** How a lifecycle ends when nothing is broken: a business "no" is one of these, never a failed run. */
export type LifecycleOutcome = z.infer<typeof lifecycleOutcomeSchema>;

export const stageSchema = z.enum([
  'resolve',
  'retrain',
  'convert',
  'test',
  'gather',
  'approve',
  'deploy',
  'undo',
  'ended',
]);
export type Stage = z.infer<typeof stageSchema>;

/** A lifecycle's answer to the `status` query. */
export interface LifecycleStatus {
  readonly model: string;
  readonly stage: Stage;
  readonly version: number | null;
  readonly digest: string | null;
  /** Digest of the evidence on the table: what a decision must name. */
  readonly evidence: string | null;
  /** Digest of the page that shows what was measured; null before the first test. */
  readonly page: string | null;
  /**
   * The roles that are asked now; `thaw` while the promotion waits for the end of a freeze, `undo` while an undo that failed
   * waits for a person.
   */
  readonly waitingFor: readonly string[];
  /** What a decision on it must be signed about; null where decisions are not signed, or none is taken. */
  readonly toSign: ToSign | null;
  /** By when each role that was asked must answer, as an instant. */
  readonly answerBy: Readonly<Record<string, string>>;
  /** Who froze the model, while its promotion waits for a thaw. */
  readonly frozen: Frozen | null;
  /** Of the last test; null before it. */
  readonly verdict: Verdict | null;
  readonly table: Tested['table'];
  /** Which of model and twin goes on, and why; left out where no twin was asked for. */
  readonly twin?: string;
  readonly findings: readonly Finding[];
  readonly decisions: readonly z.infer<typeof recordedDecisionSchema>[];
  /** Decisions that came as signals and were not taken, with the reason; the last 20. */
  readonly refusals: readonly string[];
  readonly ledger: readonly UndoRow[];
  /** The steps whose undo runs now, or is about to be tried again. */
  readonly undoing: readonly string[];
  /** How it ended, in one sentence; null while it is under way. */
  readonly ending: string | null;
}
