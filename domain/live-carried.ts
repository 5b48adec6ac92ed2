import { z } from 'zod';
import { digestOfJson } from './digest.js';
import { fallenBackSchema, type FallenBack } from './fallback-follow-up.js';
import { liveNoteSchema, NOTES_KEPT } from './live-details.js';
import {
  frozenSchema,
  liveChangeResultSchema,
  livePictureSchema,
  type Frozen,
  type LiveWritten,
} from './live-state.js';
import { instantSchema } from './names.js';
import { jsonBytes, withinBytes } from './short-text.js';

/** Answers that are carried; the server forgets update ids at every continue-as-new. */
const ANSWERS_CARRIED = 100;
/** Follow-ups that could not be opened yet. */
const PENDING_CARRIED = 3;
const FREEZES_CARRIED = 3;
/** Workflows that are told of a thaw, in bytes; the others look again by themselves. */
const STOPPED_BYTES = 2_500;
/** What people wrote, in bytes. */
const BYTES = { what: 100, by: 80, reason: 160, followUp: 300 } as const;

// keys that a newer build adds are left out by an older one, so that a release can be taken back

const answeredSchema = liveChangeResultSchema
  .extend({
    /** Of the request; carried, the beginning of its digest. */
    id: z.string(),
    /** Which of `freezes` the answer tells. */
    frozenAt: instantSchema.optional(),
  })
  .strip();

const knownSchema = liveChangeResultSchema
  .extend({
    /** Null in what was carried before pictures existed. */
    picture: livePictureSchema.strip().nullable().default(null),
  })
  .strip();
/** The last answer, and what `live.json` held after it. */
export type KnownLive = z.infer<typeof knownSchema>;

export const carriedLiveSchema = z.object({
  answered: z.array(answeredSchema),
  known: knownSchema.nullable(),
  notes: z.array(liveNoteSchema.strip()).max(NOTES_KEPT).default([]),
  /** Workflows whose promotion a freeze stopped, to be told of the thaw. */
  stopped: z.array(z.string()).default([]),
  /** Freezes that carried answers tell of. */
  freezes: z.array(frozenSchema.strip()).default([]),
  /** Fallbacks whose follow-ups are not open yet. */
  pending: z.array(fallenBackSchema.strip()).default([]),
  /** Fallbacks whose write got no answer, as far as they are known: what `live.json` says next tells whether they came about. */
  doubtful: z.array(fallenBackSchema.strip()).default([]),
});
/** What a `liveModel` remembers from run to run. */
export type CarriedLive = z.infer<typeof carriedLiveSchema>;

/** At the first start. */
export const NOTHING_CARRIED: CarriedLive = {
  ...{ answered: [], known: null, notes: [], stopped: [], freezes: [], pending: [], doubtful: [] },
};

/** The answer that a request got before, or null. */
export function answerBefore(
  { answered, freezes }: CarriedLive,
  id: string,
): z.infer<typeof liveChangeResultSchema> | null {
  const before = answered.find((each) => each.id === id || each.id === shortId(id));
  if (before === undefined) return null;
  const { kind, generation, live, frozenAt } = before;
  const frozen = before.frozen ?? freezes.find(({ at }) => at === frozenAt);
  return { kind, generation, live, ...(frozen && { frozen }) };
}

/**
 * What goes into the next run: at most 32 KB whatever people, models and requests are called and whatever they wrote. Request ids
 * become digests, a freeze is told once, texts are cut, and what has room for the newest only keeps the newest.
 */
export function shortened(carried: CarriedLive): CarriedLive {
  const { answered, known, notes, stopped, pending, doubtful } = carried;
  const frozen = answered.flatMap((each) => each.frozen ?? []);
  return {
    answered: answered.slice(-ANSWERS_CARRIED).map(({ id, kind, generation, live, ...each }) => {
      const at = each.frozen?.at ?? each.frozenAt;
      return { id: shortId(id), kind, generation, live, ...(at && { frozenAt: at }) };
    }),
    known: known && shortKnown(known),
    notes: notes.slice(-NOTES_KEPT).map((note) => ({ ...note, ...cut(note) })),
    stopped: newestWithin(stopped, STOPPED_BYTES),
    freezes: [...new Map([...carried.freezes, ...frozen].map((each) => [each.at, each])).values()]
      .slice(-FREEZES_CARRIED)
      .map(shortFrozen),
    pending: pending.slice(-PENDING_CARRIED).map(shortFallen),
    doubtful: doubtful.slice(-PENDING_CARRIED).map(shortFallen),
  };
}

/** The fallbacks without an answer that what is read now shows to have come about, and the others. */
export function settleDoubtful(
  doubtful: readonly FallenBack[],
  { generation, picture, left }: Pick<LiveWritten, 'generation' | 'picture' | 'left'>,
): { readonly fallen: readonly FallenBack[]; readonly others: FallenBack[] } {
  const isOver = ({ leaving }: FallenBack) => picture.withdrawn.includes(leaving);
  return {
    fallen: doubtful.filter(isOver).map((each) => ({
      ...{ ...each, generation },
      version: picture.withdrawn[0] === each.leaving ? left : null,
    })),
    others: doubtful.filter((each) => !isOver(each)),
  };
}

/** Names a request among few: 128 bits. */
function shortId(id: string): string {
  return /^[0-9a-f]{32}$/.test(id) ? id : digestOfJson(id).slice(0, 32);
}

function shortFallen(fallen: FallenBack): FallenBack {
  return {
    ...fallen,
    by: withinBytes(fallen.by, BYTES.by),
    reason: withinBytes(fallen.reason, BYTES.followUp),
    inputs: [],
  };
}

function shortKnown({ kind, generation, live, picture }: KnownLive): KnownLive {
  const frozen = picture?.frozen ?? null;
  return {
    ...{ kind, generation, live },
    picture: picture && { ...picture, frozen: frozen && shortFrozen(frozen) },
  };
}

function shortFrozen({ by, reason, at }: Frozen): Frozen {
  return { by: withinBytes(by, BYTES.by), reason: withinBytes(reason, BYTES.reason), at };
}

function cut(note: { what: string; by: string; reason: string }) {
  return {
    what: withinBytes(note.what, BYTES.what),
    by: withinBytes(note.by, BYTES.by),
    reason: withinBytes(note.reason, BYTES.reason),
  };
}

function newestWithin(texts: readonly string[], bytes: number): string[] {
  const kept = [...texts];
  while (jsonBytes(kept) > bytes) kept.shift();
  return kept;
}
