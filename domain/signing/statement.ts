import { z } from 'zod';
import { digestSchema, filePathSchema, nameSchema, runIdSchema } from '../names.js';
import { personSchema } from './trust.js';

/** The longest that a statement may wait between signing and being accepted. */
export const LONGEST_VALID_S = 86_400;

/** What every statement says. */
export const commonStatement = {
  /** The installation that it is for. */
  aud: nameSchema,
  /** Who signs. */
  sub: personSchema,
  /** When it was signed, and until when it is accepted: seconds since the epoch. What was accepted does not expire. */
  iat: z.int().min(0),
  exp: z.int().min(0),
  /** Unique to this statement. */
  jti: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
};

/** What a decision is about; a lifecycle says it, and its approver signs it. */
export const aboutDecisionSchema = z.strictObject({
  wid: z.string().min(1).max(1_000),
  /** The lifecycle's first run. */
  run: runIdSchema,
  model: nameSchema,
  /** Digest of the candidate's manifest, the file of it that would serve, and what is live instead of it now. */
  manifest: digestSchema,
  artifact: filePathSchema,
  baseline: digestSchema.nullable(),
  evidence: digestSchema,
  /** Minted with the evidence. */
  nonce: z.string().min(16).max(64),
});
export type AboutDecision = z.infer<typeof aboutDecisionSchema>;

export const decisionStatementSchema = z.strictObject({
  ...commonStatement,
  ...aboutDecisionSchema.shape,
  /** The hand-off: the role that was asked. */
  gate: nameSchema,
  decision: z.enum(['approved', 'rejected', 'needs-more-data']),
  reason: z.string().min(1).max(2_000),
});
/** What an approver signs: JSON of strings and numbers, `typ` `switchyard-decision+jws`. */
export type DecisionStatement = z.infer<typeof decisionStatementSchema>;

/** The `typ` of a signed decision's header: no other statement can be taken for one. */
export const DECISION_TYPE = 'switchyard-decision+jws';

export const startStatementSchema = z.strictObject({
  ...commonStatement,
  /** The workflow that is started. */
  wid: z.string().min(1).max(1_000),
  model: nameSchema,
  /** Digest of the request's canonical JSON, without its signature. */
  request: digestSchema,
});
/** What whoever starts a lifecycle signs. */
export type StartStatement = z.infer<typeof startStatementSchema>;

/** The `typ` of a signed start's header. */
export const START_TYPE = 'switchyard-start+jws';
