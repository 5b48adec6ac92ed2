import { z } from 'zod';
import { shownInputSchema } from './gate.js';
import { snapshotRefSchema } from './lifecycle.js';
import { verifyOrder } from './signing/order.js';
import { keysOf, rolesAt, signingKeysOf, type Trust } from './signing/trust.js';
import { isVerified } from './signing/verify-statement.js';
import { digestSchema, instantSchema, nameSchema, versionNumberSchema } from './names.js';

/** A key is a name: so many characters at most. */
const LONGEST_KEY = 63;

/** What a follow-up is about; null where there is none. */
const subjectSchema = z.strictObject({
  /** The run that it came from. */
  workflowId: z.string().max(1_000).nullable(),
  version: versionNumberSchema.nullable(),
  digest: digestSchema.nullable(),
  /** Of `live.json`. */
  generation: z.int().min(0).nullable(),
  /** The snapshot that its inputs are rows of; left out where they are none. */
  heldOut: snapshotRefSchema.optional(),
});

export const followUpSchema = z.strictObject({
  model: nameSchema,
  /** Names it within its model: made of what caused it, so that opening it twice is one. See `followUpKey`. */
  key: nameSchema,
  /** The role that mends it: nobody else closes it. */
  owner: nameSchema,
  cause: z.enum(['fallback', 'undo-failed', 'gates-failed', 'reconciler']),
  /** One line. */
  title: z.string().trim().min(1).max(300),
  /** What happened and what to look at, for people. */
  text: z.string().max(4_000),
  subject: subjectSchema,
  /** The inputs that show it, worst first. */
  inputs: z.array(shownInputSchema).max(20),
});
/** Work that a failure leaves to a team: open until its role closes it. */
export type FollowUp = z.infer<typeof followUpSchema>;

export const closeOrderSchema = z.strictObject({
  role: nameSchema,
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  /** All this, signed by whoever closes it (compact JWS), where that is asked for: `signOrder` makes it. */
  signature: z.string().max(8_192).optional(),
});
/** The order to close a follow-up, and why it is done with. */
export type CloseOrder = z.infer<typeof closeOrderSchema>;

/** Who closed it, why and when. */
export const closedSchema = closeOrderSchema.extend({ at: instantSchema });
export type Closed = z.infer<typeof closedSchema>;

export const followUpStateSchema = z.strictObject({
  followUp: followUpSchema,
  openedAt: instantSchema,
  /** Whether its owner was told; null: not yet. */
  told: z.enum(['told', 'not-told']).nullable(),
  closed: closedSchema.nullable(),
});
/** Where a follow-up stands. */
export type FollowUpState = z.infer<typeof followUpStateSchema>;

/** Keys by cause: the same cause makes the same key. */
export const followUpKey = {
  /** The fallback that wrote this generation of `live.json`. */
  fallback: (generation: number) => `fallback-g${generation}`,
  /** What a run could not undo. */
  undo: (runId: string) => keyOf('undo', runId.slice(0, 8)),
  /** Gates of a version that failed, for the role that owns them. */
  gates: (version: number, owner: string) => keyOf(`v${version}`, owner),
  /** Something that the reconciler found. */
  reconcile: (what: string) => keyOf('reconcile', what),
} as const;

function keyOf(...parts: readonly string[]): string {
  const key = parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  return key.slice(0, LONGEST_KEY).replace(/-+$/, '');
}

/** Why an order does not close a follow-up, in one sentence, or null where it does; whether it is signed as it must be is another question. */
export function closeRefusal(
  { followUp, closed }: FollowUpState,
  order: CloseOrder,
): string | null {
  if (closed !== null) return `it was closed by ${closed.by} at ${closed.at}: ${closed.reason}`;
  if (order.role === followUp.owner) return null;
  return `the role "${order.role}" does not close it; "${followUp.owner}" owns it`;
}

/** Why an order to close is not signed as it must be, in one sentence, or null where it is, or none is signed. */
export function closeFault(
  { role, by, reason, signature }: CloseOrder,
  given: { readonly workflowId: string; readonly trust: Trust | null; readonly nowMs: number },
): string | null {
  const { workflowId: target, trust, nowMs } = given;
  if (trust === null) return null;
  const { environment } = trust;
  const keys = keysOf(trust);
  const now = { signedMs: nowMs, acceptedMs: nowMs };
  const isHeld = signingKeysOf(trust).some((key) => rolesAt(key, now).includes(role));
  // where nobody can sign in that role whoever is trusted may close it: it would be open for ever
  const anybody = isHeld ? keys : keys.map((key) => ({ ...key, roles: [role] }));
  const ordered = { ...({ order: 'close', target } as const), role, by, reason, signature };
  const verified = verifyOrder(ordered, { environment, keys: anybody, acceptedMs: nowMs });
  return isVerified(verified) ? null : verified.sentence;
}
