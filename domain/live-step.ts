import { withDirect, type DirectGiven } from './direct-order.js';
import {
  previousOf,
  SERVED_REMEMBERED,
  type LiveChange,
  type LiveChangeResult,
  type LiveState,
  type ServedVersion,
} from './live-state.js';

/** The next state to write, or only an answer where nothing changes. */
export interface LiveStep {
  readonly kind: LiveChangeResult['kind'];
  readonly next: LiveState | null;
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
  const { by = null, reason = null, signature } = saidOf(change) ?? {};
  const write = (kind: LiveStep['kind'], fields: Partial<LiveState>): LiveStep => ({
    kind,
    next: {
      schemaVersion: 1,
      model: given.model,
      live: state?.live ?? null,
      withdrawn: state?.withdrawn ?? [],
      served: state?.served ?? [],
      frozen: state?.frozen ?? null,
      direct: state?.direct ?? [],
      fellBack: state?.fellBack ?? null,
      journalsUntil: state?.journalsUntil ?? null,
      ...{ journals: [], audit: null, seal: null }, // the writer's, who has the bytes of the state before
      made: { kind, by, reason, ...(signature !== undefined && { signature }) },
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
      return fallBack(state, change, given.now, write);
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
    case 'adopt':
      return { kind: 'adopted', next: null };
    default:
      return change satisfies never;
  }
}

/** Who orders a change, and why; null where nobody does but a lifecycle. */
function saidOf(change: LiveChange): DirectGiven | null {
  switch (change.kind) {
    case 'fallback':
      return change.direct ?? change.said ?? null;
    case 'freeze':
    case 'thaw':
      return change;
    case 'promote':
    case 'undo-promotion':
    case 'adopt':
      return null;
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

function fallBack(
  state: LiveState | null,
  { leaving, direct }: Extract<LiveChange, { kind: 'fallback' }>,
  at: string,
  write: Write,
): LiveStep {
  if (state?.live !== leaving) return { kind: 'already-done', next: null };
  const previous = previousOf(state);
  if (previous === null) return { kind: 'no-previous', next: null };
  return write('fallen-back', {
    live: previous.digest,
    withdrawn: [...state.withdrawn, leaving],
    fellBack: { left: leaving, at },
    // put there by this fallback: the undo of a lifecycle that once promoted it shall not take it away again
    served: [
      { ...previous, promotion: null },
      ...state.served.filter(({ digest }) => digest !== previous.digest),
    ],
    ...(direct && {
      direct: withDirect(state.direct, {
        ...{ ...direct, at, leaving, generation: state.generation + 1, signature: null },
      }),
    }),
  });
}

/**
 * Restores only what this very promotion left: another version that is live, the same one by another promotion, and a fallback
 * stand. Where something newer stands, the undone promotion is forgotten, so that neither a fallback nor the undo of the newer one goes
 * back to what nobody confirmed. A version that was withdrawn since is not put back.
 */
function undoPromotion(
  state: LiveState | null,
  change: Extract<LiveChange, { kind: 'undo-promotion' }>,
  write: Write,
): LiveStep {
  const { promoted, before } = change;
  const { live = null, served = [], withdrawn = [] } = state ?? {};
  const isOurs = ({ digest, promotion }: ServedVersion) =>
    digest === promoted && isTryOf(promotion, change.promotion);
  const others = served.filter((each) => !isOurs(each));
  if (others.length === served.length || withdrawn.includes(promoted)) {
    const isClean = live === before || (live !== promoted && others.length === served.length);
    const kind = isClean ? 'already-clean' : 'conflicted';
    return change.unanswered === true ? write(kind, {}) : { kind, next: null };
  }
  const now = served.find(({ digest }) => digest === live);
  if (now === undefined || !isOurs(now)) return write('forgotten', { served: others });
  if (before !== null && withdrawn.includes(before)) return { kind: 'conflicted', next: null };
  // what was before, which is the newest that is left; where its own promotion was undone since, what was before that
  const back = others.find(({ digest }) => !withdrawn.includes(digest));
  return write('restored', { live: back?.digest ?? null, served: others });
}

/** Whether a write id is that of a promotion, or of a later try of it. */
function isTryOf(writeId: string | null, promotion: string): boolean {
  return writeId === promotion || writeId?.startsWith(`${promotion}/`) === true;
}
