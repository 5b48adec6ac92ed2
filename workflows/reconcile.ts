import { ActivityFailure, log, workflowInfo } from '@temporalio/workflow';
import { shortDigest } from '../domain/names.js';
import { reconcileDetails } from '../domain/reconcile/details.js';
import type { Suspect } from '../domain/reconcile/known.js';
import {
  reconcileInputSchema,
  reconcileOutcomeSchema,
  type ReconciledRow,
  type ReconcileInput,
  type ReconcileOutcome,
} from '../domain/reconcile/outcome.js';
import type { Problem, Remedy } from '../domain/reconcile/problem.js';
import { followUpOf } from '../domain/reconcile/report.js';
import { undoing, waiting } from './activity-options.js';
import { showDetails } from './details.js';
import { parseEntry } from './door.js';
import { count } from './measure.js';
import { openFollowUp } from './open-follow-up.js';
import { findBy } from './search-attributes.js';

/**
 * Finds what is half done, mends what can be mended, and tells people of the rest: one run a tick of the schedule. A run that was
 * terminated executes no code, so somebody else must notice. Two of these at the same time do no harm: every repair is a
 * compare-and-set or a deletion that may be repeated, and a follow-up is opened once.
 */
export async function reconcile(input: ReconcileInput): Promise<ReconcileOutcome> {
  const { model } = parseEntry('reconcile input', reconcileInputSchema, input);
  const about = model ?? 'every model';
  const found = await waiting('5 minutes', `what is half done of ${about}`).lookForProblems({
    ...(model !== undefined && { model }),
    suspects: [...lastSuspects()],
  });
  const { problems, looked, more, suspects } = found;
  findBy({
    ...(model !== undefined && { ModelName: model }),
    ...{ Stage: 'reconcile', Verdict: problems.length === 0 ? 'passed' : 'failed' },
  });
  const rows: ReconciledRow[] = [];
  const show = () => {
    const left = problems.length - rows.length;
    showDetails(() => reconcileDetails(about, { looked, rows, more, left }));
  };
  show();
  const sweep = sweepOnce(model);
  for (const problem of problems) {
    rows.push(await takeUp(problem, sweep));
    show();
  }
  count('switchyard_reconciler_looks', { found: problems.length === 0 ? 'no' : 'yes' });
  return { looked, more, suspects, rows };
}

/** Whom the tick before this one saw behind: a schedule hands its last result on. */
function lastSuspects(): readonly Suspect[] {
  const last = reconcileOutcomeSchema.safeParse(workflowInfo().lastResult);
  return last.success ? last.data.suspects : [];
}

type Mended = Pick<ReconciledRow, 'end' | 'note'>;

/** Mends a problem, or tells its owner. */
async function takeUp(problem: Problem, sweep: () => Promise<Swept>): Promise<ReconciledRow> {
  const { kind, model, sentence } = problem;
  const { end, note } = await mended(problem, sweep);
  const followUp = end === 'reported' || end === 'failed' ? followUpOf(problem, note) : null;
  if (followUp !== null) await openFollowUp(followUp);
  count('switchyard_reconciled', { model: model ?? 'none', kind, end });
  log.warn(`${kind}: ${end}`, { model, sentence, note });
  return { kind, model, sentence, end, note: note.slice(0, 500) };
}

async function mended(problem: Problem, sweep: () => Promise<Swept>): Promise<Mended> {
  const { model, remedy, what } = problem;
  try {
    if (remedy.do === 'sweep') {
      const { spared } = await sweep();
      if (!spared.includes(what)) return { end: 'repaired', note: 'deleted' };
      return { end: 'already-clean', note: 'somebody needs it by now; it stays' };
    }
    if (model === null || remedy.do === 'report') return { end: 'reported', note: '' };
    if (remedy.do === 'undo-promotion') return await undone(model, remedy);
    await undoing(`live/${model} reads live.json`).adoptLive({ model });
    return { end: 'repaired', note: `live/${model} has read live.json` };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { end: 'failed', note: error.cause?.message ?? error.message };
  }
}

/**
 * Through `liveModel`, by a request id that promotion and generation name: reconcilers that ask at the same time ask for one undo, and
 * a promotion that comes again is not answered as the one before.
 */
async function undone(
  model: string,
  { promoted, before, promotion, generation }: Extract<Remedy, { do: 'undo-promotion' }>,
): Promise<Mended> {
  const undo = undoing(`undo the promotion of ${shortDigest(promoted)}, which nobody finishes`);
  const requestId = `reconcile/${promotion}/g${generation}`;
  const given = { model, promoted, before, promotion, requestId };
  const { kind, live } = await undo.undoPromotion(given);
  const shown = live === null ? 'nothing' : shortDigest(live);
  if (kind === 'restored') return { end: 'repaired', note: `${shown} is live again` };
  if (kind === 'forgotten') {
    return { end: 'repaired', note: `${shown} is live and stays; no fallback goes back to it` };
  }
  if (kind === 'already-clean') return { end: 'already-clean', note: `${shown} is live` };
  return { end: 'reported', note: `it was not undone (${kind}): ${shown} is live and stays` };
}

interface Swept {
  readonly spared: readonly string[];
}

/** The sweep takes all that it may at once, so it is asked for once. */
function sweepOnce(model: string | undefined): () => Promise<Swept> {
  let swept: Promise<Swept> | null = null;
  return () => {
    swept ??= waiting('10 minutes', 'sweep what nobody works on').sweepOrphans({
      ...(model !== undefined && { model }),
    });
    return swept;
  };
}
