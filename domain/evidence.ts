import { z } from 'zod';
import { lifecycleRequestSchema } from './lifecycle.js';
import { digestSchema, filePathSchema, nameSchema, runIdSchema } from './names.js';
import { twinReportSchema } from './twin.js';
import { approvalPolicySchema, policyOfRoles, type ApprovalPolicy } from './signing/policy.js';
import {
  findingSchema,
  gateResultSchema,
  measurementSchema,
  verdictSchema,
  shownInputSchema,
} from './gate.js';

/** How the ONNX version's answers compare with the source framework's on the same rows. */
export const parityReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  rows: z.int().min(0),
  labelFlips: z.int().min(0),
  maxProbabilityDifference: z.number().min(0),
  /** The limit that it was held against. */
  limit: z.number().min(0),
  passed: z.boolean(),
  inputs: z.array(shownInputSchema).max(20),
});
export type ParityReport = z.infer<typeof parityReportSchema>;

/** Everything that was measured of a version, and what the gates made of it. */
export const testReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  manifest: digestSchema,
  artifact: filePathSchema,
  /** Digest of the live version it was compared with. */
  baseline: digestSchema.nullable(),
  /** Digest of the held-out snapshot. */
  heldOut: digestSchema,
  /** Digest of its reference profile, which lies beside it; left out where it was tested before there were profiles. */
  profile: digestSchema.optional(),
  /** Digest of what its page's plots are drawn of, which lies beside it; left out in reports that are older than plots. */
  plots: digestSchema.optional(),
  measurements: z.array(measurementSchema),
  results: z.array(gateResultSchema),
  verdict: verdictSchema,
  findings: z.array(findingSchema),
  /** What was measured of a smaller twin, and which of the two this report is about; left out where none was asked for. */
  twin: twinReportSchema.optional(),
  machine: z.string().max(300),
});
export type TestReport = z.infer<typeof testReportSchema>;

/** What an approver approves; a decision names its digest, the sha256 of its canonical JSON. */
export const evidenceSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  /** The lifecycle's first run. */
  lifecycle: runIdSchema,
  manifest: digestSchema,
  /** The file of the version that will be served. */
  artifact: filePathSchema,
  testReport: digestSchema,
  parityReport: digestSchema,
  baseline: digestSchema.nullable(),
  /** Digest of the page that people read, which lies beside it; left out in evidence that is older than pages. */
  page: digestSchema.optional(),
  /** The roles that must approve, those of the policy. */
  roles: z.array(nameSchema),
  /** Who must approve, and who may not; null in evidence that is older than policies: one person of each role. */
  policy: approvalPolicySchema.nullable(),
  /** The request that started the lifecycle, with its signature; left out where nobody signed it. */
  start: lifecycleRequestSchema.required({ signature: true }).optional(),
  /** Minted when the evidence is made, so that no older decision fits. */
  nonce: z.string().min(16).max(64),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** Who must approve it, also where it is older than policies. */
export function policyOf({ policy, roles }: Pick<Evidence, 'policy' | 'roles'>): ApprovalPolicy {
  return policy ?? policyOfRoles(roles);
}

/** Where a page lies in the bucket, so that people find it. */
export function pageKeyOf(model: string, manifest: string, page: string): string {
  return `models/${model}/evidence/${manifest}/${page}.html`;
}
