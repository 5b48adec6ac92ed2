import { followUpKey, type FollowUp } from '../follow-up.js';
import { problemName, type Problem } from './problem.js';

/** What to look at first, by kind; more is in the runbook. */
const WHAT_TO_DO: Readonly<Record<Problem['kind'], string>> = {
  'half-deploy':
    'Decide what is to serve: `npx switchyard status` shows what does, `npx switchyard fallback` goes back.',
  'orphaned-staging': '`npx switchyard sweep` shows what lies there, and deletes it by its plan.',
  'unfinished-version': '`npx switchyard sweep` shows what lies there, and deletes it by its plan.',
  'live-model-behind':
    '`npx switchyard adopt` makes the workflow read live.json; its page in the web UI says why it does not answer.',
  'replica-behind':
    "Look into the replica's log; `npx switchyard fallback` where the version itself does not open.",
  'live-incomplete':
    '`npx switchyard verify` lists every object that is missing or changed; `npx switchyard fallback` goes to the previous version.',
  'live-unproven':
    '`npx switchyard verify` names the documents; what nobody approved must not serve: `npx switchyard fallback`.',
  'live-went-back':
    'Find out who restored or removed it. Workers and endpoints refuse what is older than they saw: restart them once it is as it must be.',
  unreadable:
    '`npx switchyard verify` names every object that was changed; restore it from a copy.',
};

/** The follow-up that a reported problem opens, the same one at every look; null where it is of no model. */
export function followUpOf(problem: Problem, note: string): FollowUp | null {
  const { kind, model, sentence, owner, subject } = problem;
  if (model === null) return null;
  return {
    ...{ model, owner, cause: 'reconciler', inputs: [] },
    key: followUpKey.reconcile(problemName(problem)),
    title: `${kind}: ${sentence}`.slice(0, 300),
    text: [sentence, note, WHAT_TO_DO[kind]]
      .filter((line) => line !== '')
      .join('\n\n')
      .slice(0, 4_000),
    subject: { workflowId: null, ...subject },
  };
}
