import { z } from 'zod';
import {
  liveChangeKindSchema,
  liveChangeSchema,
  type LiveChange,
  type LiveState,
} from '../../../domain/live-state.js';
import { stepLive } from '../../../domain/live-step.js';
import { digestSchema } from '../../../domain/names.js';

/** A wish that a writer had, what it was answered, and when, by one clock for all processes of the machine. */
export const wishSchema = z.strictObject({
  writer: z.string(),
  writeId: z.string(),
  change: liveChangeSchema,
  startMs: z.number(),
  endMs: z.number(),
  /** Conditional writes that were sent for it. */
  sent: z.int().min(0),
  /** Null where the wish was given up, busy: then nothing was written. */
  answer: z
    .strictObject({
      kind: liveChangeKindSchema,
      generation: z.int().min(0),
      live: digestSchema.nullable(),
    })
    .nullable(),
});
export type Wish = z.infer<typeof wishSchema>;

/** What somebody who only looked saw, and when. */
export interface Look {
  readonly reader: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly generation: number;
  readonly writeId: string;
  readonly live: string | null;
}

/** All that was seen of one `live.json`. */
export interface History {
  readonly model: string;
  readonly wishes: readonly Wish[];
  readonly looks: readonly Look[];
  /** What it holds at the end. */
  readonly last: LiveState | null;
}

/** A wish that was answered by a write. */
type Write = Wish & { readonly answer: NonNullable<Wish['answer']> };

/**
 * Whether a history is linearizable, a sentence for each thing that is not: every generation is one acknowledged write; every answer
 * is the one that `stepLive` gives to the state before it; nobody saw less than was acknowledged before he asked, nor a write
 * that had not begun; and no undo took back another's promotion.
 */
export function historyViolations(history: History): readonly string[] {
  const writes = history.wishes
    .filter((wish): wish is Write => wish.answer !== null && hasWritten(wish))
    .sort((one, other) => one.answer.generation - other.answer.generation);
  const counted = countViolations(writes);
  if (counted.length > 0) return counted; // the rest would only repeat it
  const { states, violations } = replay(history.model, writes);
  return [
    ...violations,
    ...answerViolations(history, states),
    ...orderViolations(history, writes),
    ...lookViolations(history, states),
    ...foreignRollbacks(writes),
    ...lastViolations(history.last, states),
  ];
}

/** Which answers say that something was written. */
const WRITTEN: Readonly<Record<LiveChange['kind'], readonly string[]>> = {
  promote: ['promoted'],
  fallback: ['fallen-back'],
  'undo-promotion': ['restored', 'forgotten'],
  freeze: ['frozen'],
  thaw: ['thawed'],
  adopt: [],
};

/** Whether a wish changed `live.json`. */
export function hasWritten({ change, answer }: Pick<Wish, 'change' | 'answer'>): boolean {
  return answer !== null && WRITTEN[change.kind].includes(answer.kind);
}

function countViolations(writes: readonly Write[]): string[] {
  return writes.flatMap(({ writeId, answer: { generation } }, index) => {
    if (generation === index + 1) return [];
    const before = writes[index - 1];
    if (before?.answer.generation === generation) {
      return [`generation ${generation} was acknowledged twice: ${before.writeId} and ${writeId}`];
    }
    return [
      `generation ${generation} follows ${before?.answer.generation ?? 0}: a write between was not acknowledged to anybody`,
    ];
  });
}

/** The states after each generation, from nothing on. */
function replay(model: string, writes: readonly Write[]) {
  const states: (LiveState | null)[] = [null];
  const violations: string[] = [];
  for (const { writeId, change, answer } of writes) {
    const before = states.at(-1) ?? null;
    const { kind, next } = stepLive(before, change, { model, writeId, now: NOW });
    if (kind !== answer.kind || next?.live !== answer.live) {
      violations.push(
        `${writeId} was answered ${answer.kind} as generation ${answer.generation}, and the state before it says ${kind}`,
      );
    }
    states.push(next ?? before);
  }
  return { states, violations };
}

/** Times are not compared. */
const NOW = '2026-01-01T00:00:00Z';

/** What was answered without a write must be what the state with that generation says. */
function answerViolations({ model, wishes }: History, states: readonly (LiveState | null)[]) {
  return wishes.flatMap((wish) => {
    const { answer, change, writeId } = wish;
    if (answer === null || hasWritten(wish)) return [];
    const state = states[answer.generation];
    if (state === undefined)
      return [`${writeId} saw generation ${answer.generation}, which is none`];
    const { kind, next } = stepLive(state, change, { model, writeId, now: NOW });
    const isExplained =
      kind === answer.kind && next === null && (state?.live ?? null) === answer.live;
    return isExplained
      ? []
      : [
          `${writeId} was answered ${answer.kind} at generation ${answer.generation}, which says ${kind}`,
        ];
  });
}

/** Real time: each answer rests on no less than what was acknowledged before the question, and on nothing that began after it. */
function orderViolations(history: History, writes: readonly Write[]): string[] {
  const seen = [
    ...history.looks.map(({ reader, ...look }) => ({ who: reader, ...look })),
    ...history.wishes.flatMap(({ writer, startMs, endMs, answer }) =>
      answer === null ? [] : [{ who: writer, startMs, endMs, generation: answer.generation }],
    ),
  ];
  const acknowledged = acknowledgedBefore(writes);
  return seen.flatMap(({ who, startMs, endMs, generation }) => {
    const least = acknowledged(startMs);
    if (generation < least) {
      return [`${who} was shown generation ${generation} after ${least} was acknowledged`];
    }
    const begunMs = writes[generation - 1]?.startMs ?? Number.NEGATIVE_INFINITY;
    return begunMs > endMs ? [`${who} was shown generation ${generation} before it began`] : [];
  });
}

/** The highest generation whose write had been acknowledged by a time. */
function acknowledgedBefore(writes: readonly Write[]): (ms: number) => number {
  const ends = writes
    .map(({ endMs, answer }) => ({ endMs, highest: answer.generation }))
    .sort((one, other) => one.endMs - other.endMs);
  for (const [index, end] of ends.entries()) {
    end.highest = Math.max(end.highest, ends[index - 1]?.highest ?? 0);
  }
  return (ms) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((ends[middle]?.endMs ?? 0) < ms) low = middle + 1;
      else high = middle;
    }
    return ends[low - 1]?.highest ?? 0;
  };
}

function lookViolations({ looks }: History, states: readonly (LiveState | null)[]): string[] {
  return looks.flatMap(({ reader, generation, writeId, live }) => {
    const state = states[generation];
    const isSame = state?.writeId === writeId && state.live === live;
    return isSame ? [] : [`${reader} saw a generation ${generation} that nobody wrote`];
  });
}

/** Told apart from `stepLive`: whose promotion serves is followed here by write ids alone. */
function foreignRollbacks(writes: readonly Write[]): string[] {
  const below = new Map<string, string | null>();
  let serves: string | null = null;
  return writes.flatMap(({ writeId, change, answer }) => {
    if (answer.kind === 'promoted') {
      below.set(writeId, serves);
      serves = writeId;
    } else if (answer.kind === 'fallen-back') {
      serves = null;
    } else if (change.kind === 'undo-promotion') {
      const { promotion } = change;
      const isOwn = (other: string | null) =>
        other === promotion || other?.startsWith(`${promotion}/`) === true;
      if (answer.kind === 'forgotten') {
        for (const [above, under] of below) {
          if (isOwn(under)) below.set(above, below.get(under ?? '') ?? null);
        }
        return isOwn(serves) ? [`${writeId} left ${promotion}, its own, where it served`] : [];
      }
      if (!isOwn(serves)) {
        return [
          `${writeId} undid ${promotion} while ${serves ?? 'a fallback'} had put there what served`,
        ];
      }
      serves = below.get(serves ?? '') ?? null;
    }
    return [];
  });
}

function lastViolations(last: LiveState | null, states: readonly (LiveState | null)[]): string[] {
  const expected = states.at(-1) ?? null;
  const [one, other] = [timeless(last), timeless(expected)];
  return one === other ? [] : [`live.json holds ${one} at the end, not ${other}`];
}

function timeless(state: LiveState | null): string {
  if (state === null) return 'nothing';
  const { generation, writeId, live, withdrawn, served, frozen } = state;
  const versions = served.map(({ digest, version, promotion }) => ({ digest, version, promotion }));
  return JSON.stringify({
    generation,
    writeId,
    live,
    withdrawn,
    versions,
    frozen: frozen !== null,
  });
}
