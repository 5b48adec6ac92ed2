import { z } from 'zod';
import { recordedDecisionSchema } from './decision.js';
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

const WITHDRAWN_SHOWN = 5;

/** Who stopped promotions, why and when. */
export const frozenSchema = z.strictObject({
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  at: instantSchema,
});
export type Frozen = z.infer<typeof frozenSchema>;

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
  updatedAt: instantSchema,
  /** Heads of the audit chains; null until audit chains exist. */
  audit: z.null(),
});
/** `live.json`: the truth about what serves. */
export type LiveState = z.infer<typeof liveStateSchema>;

export const liveChangeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('promote'),
    candidate: servedVersionSchema.omit({ since: true, promotion: true }),
    /** What was live when the evidence was made. */
    baseline: digestSchema.nullable(),
    /** The workflow to tell, by its signal `lookAgain`, when a freeze that stopped this promotion is over. */
    asker: z.string().min(1).max(1_000).optional(),
  }),
  z.strictObject({ kind: z.literal('fallback'), leaving: digestSchema }),
  /** Undo of a promotion: puts `before` back if `promoted` still serves, and by that very promotion. */
  z.strictObject({
    kind: z.literal('undo-promotion'),
    promoted: digestSchema,
    before: digestSchema.nullable(),
    /** The promotion's write id, without the number of its try: any try of it is undone. */
    promotion: z.string().min(1).max(200),
  }),
  z.strictObject({ kind: z.literal('freeze'), ...frozenSchema.omit({ at: true }).shape }),
  z.strictObject({ kind: z.literal('thaw'), ...frozenSchema.omit({ at: true }).shape }),
]);
/** A wish to change what serves. */
export type LiveChange = z.infer<typeof liveChangeSchema>;

export const liveChangeKindSchema = z.enum([
  'promoted',
  'moved',
  'withdrawn',
  'fallen-back',
  'already-done',
  'no-previous',
  'restored',
  'already-clean',
  'conflicted',
  'frozen',
  'thawed',
]);

export const liveChangeResultSchema = z.strictObject({
  kind: liveChangeKindSchema,
  generation: z.int().min(0),
  live: digestSchema.nullable(),
  /** Who froze it, where that is the answer. */
  frozen: frozenSchema.optional(),
});
/**
 * What became of a wish. Promotion: `promoted`, or `moved` (another version than the baseline is live), or `withdrawn` (the
 * candidate was left by a fallback before), or `frozen` (nothing is promoted until a thaw). Fallback: `fallen-back`,
 * `already-done` (the digest it leaves is not live), or `no-previous`. Undo: `restored`, `already-clean`, or `conflicted` (a
 * newer version is live and stays). Freeze: `frozen`, thaw: `thawed`, either `already-done` where it was so before.
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
export const liveWrittenSchema = liveChangeResultSchema.extend({ picture: livePictureSchema });
export type LiveWritten = z.infer<typeof liveWrittenSchema>;

/** The next state to write, or only an answer where nothing changes. */
export interface LiveStep {
  readonly kind: LiveChangeResult['kind'];
  readonly next: LiveState | null;
}

/** The version that a fallback would go to: the last that served before the live one and is not withdrawn. */
export function previousOf(state: LiveState): ServedVersion | null {
  const candidates = state.served.filter(
    ({ digest }) => digest !== state.live && !state.withdrawn.includes(digest),
  );
  return candidates[0] ?? null;
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
  };
}

/**
 * Applies a wish to what `live.json` holds (null: no such object yet). Pure: the writer adds the compare-and-set.
 * @param given - `writeId` must be unique to the wish, `now` an ISO instant.
 */
export function stepLive(
  state: LiveState | null,
  change: LiveChange,
  given: { model: string; writeId: string; now: string },
): LiveStep {
  const write = (kind: LiveStep['kind'], fields: Partial<LiveState>): LiveStep => ({
    kind,
    next: {
      schemaVersion: 1,
      model: given.model,
      live: state?.live ?? null,
      withdrawn: state?.withdrawn ?? [],
      served: state?.served ?? [],
      frozen: state?.frozen ?? null,
      audit: null,
      ...fields,
      generation: (state?.generation ?? 0) + 1,
      writeId: given.writeId,
      updatedAt: given.now,
    },
  });
  switch (change.kind) {
    case 'promote':
      return promote(state, change, given, write);
    case 'fallback':
      return fallBack(state, change.leaving, write);
    case 'undo-promotion':
      return undoPromotion(state, change, write);
    case 'freeze': {
      if (state !== null && state.frozen !== null) return { kind: 'already-done', next: null };
      return write('frozen', { frozen: { by: change.by, reason: change.reason, at: given.now } });
    }
    case 'thaw': {
      if (state === null || state.frozen === null) return { kind: 'already-done', next: null };
      return write('thawed', { frozen: null });
    }
    default:
      return change satisfies never;
  }
}

type Write = (kind: LiveStep['kind'], fields: Partial<LiveState>) => LiveStep;

function promote(
  state: LiveState | null,
  change: Extract<LiveChange, { kind: 'promote' }>,
  { now, writeId }: { now: string; writeId: string },
  write: Write,
): LiveStep {
  const { candidate, baseline } = change;
  if (state?.withdrawn.includes(candidate.digest)) return { kind: 'withdrawn', next: null };
  // before the baseline is looked at: a freeze shall cost nobody a second approval that it makes stale again
  if (state !== null && state.frozen !== null) return { kind: 'frozen', next: null };
  if ((state?.live ?? null) !== baseline) return { kind: 'moved', next: null };
  // an earlier entry of the same version stays: where this promotion is undone, it is as before
  const served = [{ ...candidate, since: now, promotion: writeId }, ...(state?.served ?? [])];
  return write('promoted', {
    live: candidate.digest,
    served: served.slice(0, SERVED_REMEMBERED),
  });
}

function fallBack(state: LiveState | null, leaving: string, write: Write): LiveStep {
  if (state?.live !== leaving) return { kind: 'already-done', next: null };
  const previous = previousOf(state);
  if (previous === null) return { kind: 'no-previous', next: null };
  return write('fallen-back', {
    live: previous.digest,
    withdrawn: [...state.withdrawn, leaving],
    // put there by this fallback: the undo of a lifecycle that once promoted it shall not take it away again
    served: [
      { ...previous, promotion: null },
      ...state.served.filter(({ digest }) => digest !== previous.digest),
    ],
  });
}

/**
 * Restores only what this very promotion left: another version that is live, the same one by another promotion, and a fallback
 * stand. A version that was withdrawn since, or that is not remembered with its decisions any more, is not put back.
 */
function undoPromotion(
  state: LiveState | null,
  change: Extract<LiveChange, { kind: 'undo-promotion' }>,
  write: Write,
): LiveStep {
  const { promoted, before } = change;
  const { live = null, served = [] } = state ?? {};
  const isOurs = ({ digest, promotion }: ServedVersion) =>
    digest === promoted && isTryOf(promotion, change.promotion);
  if (live === before || (live !== promoted && !served.some(isOurs))) {
    return { kind: 'already-clean', next: null };
  }
  const now = served.find(({ digest }) => digest === live);
  const canServe =
    before === null ||
    (served.some(({ digest }) => digest === before) && !state?.withdrawn.includes(before));
  if (now === undefined || !isOurs(now) || !canServe) return { kind: 'conflicted', next: null };
  return write('restored', { live: before, served: served.filter((each) => each !== now) });
}

/** Whether a write id is that of a promotion, or of a later try of it. */
function isTryOf(writeId: string | null, promotion: string): boolean {
  return writeId === promotion || writeId?.startsWith(`${promotion}/`) === true;
}
