import { z } from 'zod';
import { recordedDecisionSchema } from './decision.js';
import {
  DIRECT_REMEMBERED,
  directGivenSchema,
  directOrderSchema,
  shownDirect,
  shownDirectSchema,
} from './direct-order.js';
import { journalHeadSchema } from './journal-head.js';
import {
  digestSchema,
  filePathSchema,
  instantSchema,
  nameSchema,
  versionNumberSchema,
} from './names.js';

/** A version that serves or served, with all that a predictor needs to check it. */
export const servedVersionSchema = z.strictObject({
  digest: digestSchema,
  version: versionNumberSchema,
  /** The file of the version that is served: the one its evidence names. */
  artifact: filePathSchema,
  evidence: digestSchema,
  decisions: z.array(recordedDecisionSchema),
  since: instantSchema,
  /**
   * The write id of the promotion that put it there; null where a fallback did, and in states written before it existed. It tells
   * two promotions of one digest apart, so that the undo of the first never takes back the second.
   */
  promotion: z.string().min(1).max(200).nullable().default(null),
});
export type ServedVersion = z.infer<typeof servedVersionSchema>;

/** How many versions that served are remembered: each can still be fallen back to. */
export const SERVED_REMEMBERED = 20;

/** How many journals' heads a state vouches for. */
export const HEADS_REMEMBERED = 200;

const WITHDRAWN_SHOWN = 5;

const JUST_NOW_MS = 30_000;

/** Who stopped promotions, why and when. */
export const frozenSchema = z.strictObject({
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  at: instantSchema,
});
export type Frozen = z.infer<typeof frozenSchema>;

/** What became of a wish. */
export const liveChangeKindSchema = z.enum([
  'promoted',
  'moved',
  'lapsed',
  'withdrawn',
  'fallen-back',
  'already-done',
  'no-previous',
  'restored',
  'already-clean',
  'conflicted',
  'forgotten',
  'frozen',
  'thawed',
  'adopted',
]);

export const liveStateSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  /** +1 a write, from 1; readers refuse one lower than they have seen. */
  generation: z.int().min(1),
  /** Names the write that made it, so that a retry whose reply was lost knows its own. */
  writeId: z.string().min(1).max(200),
  /** Digest of the version that serves; null: none. */
  live: digestSchema.nullable(),
  /** Digests that a fallback left; they never serve again. */
  withdrawn: z.array(digestSchema),
  /** What served last, newest first; the live one is the first. A version that was promoted again is in it again. */
  served: z.array(servedVersionSchema).max(SERVED_REMEMBERED),
  /** While it is set nothing is promoted; a fallback and an undo still work. States written before it existed lack it. */
  frozen: frozenSchema.nullable().default(null),
  /** The last fallback; null where there was none, and in states written before it was noted. */
  fellBack: z.strictObject({ left: digestSchema, at: instantSchema }).nullable().default(null),
  /** The last fallbacks that were ordered past `liveModel`, the newest last. */
  direct: z.array(directOrderSchema).max(DIRECT_REMEMBERED).default([]),
  updatedAt: instantSchema,
  /** What this write was, and who ordered it why, where somebody said so. States written before it was noted lack it. */
  made: z
    .strictObject({
      kind: liveChangeKindSchema,
      by: z.string().max(200).nullable(),
      reason: z.string().max(2_000).nullable(),
      /** The order to fall back, where whoever gave it signed it (compact JWS). */
      signature: z.string().max(8_192).optional(),
    })
    .nullable()
    .default(null),
  /**
   * The newest lines of lifecycles' journals that no earlier state vouches for, the oldest first where there are too many: this one does.
   * Empty in what is no promotion, and in states that are older than journals.
   */
  journals: z.array(journalHeadSchema).max(HEADS_REMEMBERED).default([]),
  /** When the last line was written, by the store's clock, for which this state or one before it vouches; null: none was. */
  journalsUntil: instantSchema.nullable().default(null),
  /** Digest of the state before, as it lies in the audit chain; null in the first, and in states that are older than chains. */
  audit: z.strictObject({ previous: digestSchema }).nullable(),
  /** Its writer's signature (compact JWS); null where the installation has no witness. */
  seal: z.string().max(8_192).nullable().default(null),
});
/** `live.json`: the truth about what serves. */
export type LiveState = z.infer<typeof liveStateSchema>;

const saidSchema = frozenSchema
  .omit({ at: true })
  .extend({ signature: directGivenSchema.shape.signature });

export const liveChangeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('promote'),
    candidate: servedVersionSchema.omit({ since: true, promotion: true }),
    /** What was live when the evidence was made. */
    baseline: digestSchema.nullable(),
    /** The workflow to tell, by its signal `lookAgain`, when a freeze that stopped this promotion is over. */
    asker: z.string().min(1).max(1_000).optional(),
  }),
  z.strictObject({
    kind: z.literal('fallback'),
    leaving: digestSchema,
    /** Who orders it, and why. */
    said: saidSchema.optional(),
    /** Set where it is written past `liveModel`. */
    direct: directGivenSchema.optional(),
  }),
  /** Undo of a promotion: puts `before` back if `promoted` still serves, and by that very promotion. */
  z.strictObject({
    kind: z.literal('undo-promotion'),
    promoted: digestSchema,
    before: digestSchema.nullable(),
    /** The promotion's write id, without the number of its try: any try of it is undone. */
    promotion: z.string().min(1).max(200),
    /**
     * Nobody knows whether it was written: a write of it may still be on its way to the store. Where there is nothing to take back,
     * the undo writes all the same, so that the late one, which is for what it read, finds another.
     */
    unanswered: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('freeze'), ...frozenSchema.omit({ at: true }).shape }),
  z.strictObject({ kind: z.literal('thaw'), ...frozenSchema.omit({ at: true }).shape }),
  /** No change: `liveModel` reads what was written past it. */
  z.strictObject({ kind: z.literal('adopt') }),
]);
/** A wish to change what serves. */
export type LiveChange = z.infer<typeof liveChangeSchema>;

export const liveChangeResultSchema = z.strictObject({
  kind: liveChangeKindSchema,
  generation: z.int().min(0),
  live: digestSchema.nullable(),
  /** Who froze it, where that is the answer. */
  frozen: frozenSchema.optional(),
});
/**
 * What became of a wish. Promotion: `promoted`, or `moved` (another version than the baseline is live), or `lapsed` (a key of
 * its approvals is not trusted any more), or `withdrawn` (the
 * candidate was left by a fallback before), or `frozen` (nothing is promoted until a thaw). Fallback: `fallen-back`,
 * `already-done` (the digest it leaves is not live), or `no-previous`. Undo: `restored`, `already-clean`,
 * `forgotten` (a newer version is live and stays, and nothing goes back to the undone one), or `conflicted` (what serves stays). Freeze: `frozen`, thaw: `thawed`, either `already-done` where it was so before. Adopt: `adopted`.
 */
export type LiveChangeResult = z.infer<typeof liveChangeResultSchema>;

const shownVersionSchema = servedVersionSchema.pick({ digest: true, version: true, since: true });

/** `live.json` as people are shown it, small whatever it holds. */
export const livePictureSchema = z.strictObject({
  live: shownVersionSchema.nullable(),
  /** Where a fallback would go. */
  previous: shownVersionSchema.nullable(),
  /** The last digests that a fallback left, newest first. */
  withdrawn: z.array(digestSchema).max(WITHDRAWN_SHOWN),
  frozen: frozenSchema.nullable(),
});
export type LivePicture = z.infer<typeof livePictureSchema>;

/** What became of a wish, and what `live.json` holds after it. */
export const liveWrittenSchema = liveChangeResultSchema.extend({
  picture: livePictureSchema,
  /** The number of the version that the last fallback left; null where there was none, or it is not remembered. */
  left: versionNumberSchema.nullable(),
  /** The last fallbacks that were ordered past `liveModel`. */
  direct: z.array(shownDirectSchema).max(DIRECT_REMEMBERED),
});
export type LiveWritten = z.infer<typeof liveWrittenSchema>;

/** The version that a fallback would go to: the last that served before the live one and is not withdrawn. */
export function previousOf(state: LiveState): ServedVersion | null {
  const candidates = state.served.filter(
    ({ digest }) => digest !== state.live && !state.withdrawn.includes(digest),
  );
  return candidates[0] ?? null;
}

/**
 * What a fallback leaves that names no version: what is live; within 30 seconds of another fallback what that one left, so that two
 * people who order it at the same time go one version back, and not two.
 */
export function leavingOf(state: LiveState, nowMs: number): string | null {
  const { fellBack, live } = state;
  const isFresh = fellBack !== null && Math.abs(nowMs - Date.parse(fellBack.at)) < JUST_NOW_MS;
  const isStillThere = liveVersionOf(state)?.promotion === null;
  return isFresh && isStillThere ? fellBack.left : live;
}

/** Whether a version serves, served, or could be fallen back to. */
export function isRemembered(state: LiveState, digest: string): boolean {
  return state.live === digest || state.served.some((served) => served.digest === digest);
}

/** The version that serves, with its decisions, or null. */
export function liveVersionOf(state: LiveState): ServedVersion | null {
  return state.served.find(({ digest }) => digest === state.live) ?? null;
}

/** The answer to a wish that ended as `kind` and left this state. */
export function liveWritten(kind: LiveChangeResult['kind'], state: LiveState | null): LiveWritten {
  const shown = (served: ServedVersion | null) =>
    served && { digest: served.digest, version: served.version, since: served.since };
  const versionOf = (digest: string | undefined) =>
    state?.served.find((served) => served.digest === digest)?.version ?? null;
  return {
    kind,
    generation: state?.generation ?? 0,
    live: state?.live ?? null,
    ...(kind === 'frozen' && state?.frozen && { frozen: state.frozen }),
    picture: {
      live: state && shown(liveVersionOf(state)),
      previous: state && shown(previousOf(state)),
      withdrawn: state?.withdrawn.slice(-WITHDRAWN_SHOWN).reverse() ?? [],
      frozen: state?.frozen ?? null,
    },
    left: versionOf(state?.withdrawn.at(-1)),
    direct: state?.direct.map((order) => shownDirect(order, versionOf(order.leaving))) ?? [],
  };
}
