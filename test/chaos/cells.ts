import type { CourseName } from './courses.js';

/** One activity, broken at one place in one way, in the course of one model. */
export interface Cell {
  readonly name: string;
  readonly course: CourseName;
  readonly activity: string;
  readonly at: 'before' | 'mid' | 'after';
  readonly does: 'kill' | 'throw' | 'hang';
  /** What the call is about, besides the model: texts of its workflow id or its input. */
  readonly about: readonly string[];
}

/** Where an activity is broken, and whether it has effects through a port. */
interface Place {
  readonly course: CourseName;
  readonly hasEffects: boolean;
  /** Named in the cell where one activity has several places. */
  readonly as?: string;
  readonly about?: readonly string[];
}

/**
 * Every activity's places. An activity that is not here has no cell, and `cellsOf` throws.
 * Undos (`undoPromotion`, and `writeLive` and `sweepStaging` as its parts) are broken inside of an undo.
 */
const PLACES: Readonly<Record<string, readonly Place[]>> = {
  resolveSpec: [{ course: 'live', hasEffects: false }],
  writeJournal: [{ course: 'live', hasEffects: true }],
  takeSnapshots: [{ course: 'live', hasEffects: true }],
  takeHeldOut: [{ course: 'gathered', hasEffects: false }],
  trainModel: [{ course: 'live', hasEffects: true }],
  convertToOnnx: [{ course: 'live', hasEffects: true }],
  publishVersion: [{ course: 'live', hasEffects: true }],
  measureSystem: [{ course: 'live', hasEffects: true }],
  measureQuality: [{ course: 'live', hasEffects: true }],
  assembleEvidence: [{ course: 'live', hasEffects: true }],
  notify: [{ course: 'live', hasEffects: true }],
  promoteVersion: [{ course: 'live', hasEffects: true }],
  awaitServing: [{ course: 'live', hasEffects: false }],
  writeLive: [
    { course: 'live', hasEffects: true, as: 'of a promotion', about: ['"promote"'] },
    { course: 'undone', hasEffects: true, as: 'in undo', about: ['undo-promotion'] },
    { course: 'fallen-back', hasEffects: true, as: 'of a fallback', about: ['"fallback"'] },
  ],
  sweepStaging: [
    { course: 'live', hasEffects: true, as: 'at the end' },
    { course: 'undone', hasEffects: true, as: 'in undo', about: ['/2 '] },
  ],
  undoPromotion: [{ course: 'undone', hasEffects: true, as: 'in undo' }],
  openFollowUp: [{ course: 'fallen-back', hasEffects: true }],
  verifyClose: [{ course: 'fallen-back', hasEffects: false }],
  planMonitor: [{ course: 'watched', hasEffects: false }],
  judgeWindow: [{ course: 'watched', hasEffects: true }],
  joinLabels: [{ course: 'watched', hasEffects: true }],
  leaveVersion: [{ course: 'watched', hasEffects: true }],
  lookForNewData: [{ course: 'renewed', hasEffects: false }],
  startRetraining: [{ course: 'renewed', hasEffects: true }],
  lookForProblems: [{ course: 'reconciled', hasEffects: false }],
  sweepOrphans: [{ course: 'reconciled', hasEffects: true }],
  adoptLive: [{ course: 'adopted', hasEffects: true }],
};

/**
 * Which cells differ. An activity without effects leaves the same wherever it breaks, so it is broken once in each way. One with
 * effects is killed before, in the middle and after; an error is thrown where there is something behind it to repeat (mid, after);
 * it hangs in the middle: a hang elsewhere ends by the same timeout, over what the kill at that place leaves.
 */
const WITH_EFFECTS = [
  { at: 'before', does: 'kill' },
  { at: 'mid', does: 'kill' },
  { at: 'mid', does: 'throw' },
  { at: 'mid', does: 'hang' },
  { at: 'after', does: 'kill' },
  { at: 'after', does: 'throw' },
] as const;
const WITHOUT_EFFECTS = [
  { at: 'before', does: 'kill' },
  { at: 'after', does: 'throw' },
  { at: 'before', does: 'hang' },
] as const;
/** An activity that is broken in every way elsewhere: at another place it leaves other things once it had an effect. */
const ELSEWHERE = [
  { at: 'mid', does: 'kill' },
  { at: 'mid', does: 'throw' },
  { at: 'after', does: 'kill' },
] as const;

/** Every cell of every activity. @throws where an activity has no place, or a place no activity. */
export function cellsOf(activities: readonly string[]): readonly Cell[] {
  const missing = activities.filter((activity) => !Object.hasOwn(PLACES, activity));
  const unknown = Object.keys(PLACES).filter((activity) => !activities.includes(activity));
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `test/chaos/cells.ts says nowhere to break ${missing.join(', ') || 'nothing'}, and knows ${unknown.join(', ') || 'nothing'} that is no activity`,
    );
  }
  return activities.flatMap((activity) =>
    (PLACES[activity] ?? []).flatMap(({ course, hasEffects, as, about = [] }, index) =>
      waysOf(hasEffects, index).map(({ at, does }) => ({
        name: `${activity}${as === undefined ? '' : ` ${as}`}: ${does} ${at}`,
        ...{ course, activity, at, does, about },
      })),
    ),
  );
}

function waysOf(hasEffects: boolean, place: number) {
  if (!hasEffects) return WITHOUT_EFFECTS;
  return place === 0 ? WITH_EFFECTS : ELSEWHERE;
}

/** As the worker of a cell's model is told. */
export function failpointOf({ activity, at, does, about }: Cell, model: string): string {
  return `${[activity, model, ...about].join('@')}:${at}:${does}`;
}
