import { followUpKey, type FollowUp } from './follow-up.js';
import type { Finding } from './gate.js';
import type { LifecycleOutcome, SnapshotRef } from './lifecycle.js';
import { isOpenUndo, type UndoRow } from './undo.js';

const LONGEST_TITLE = 300;
const LONGEST_TEXT = 4_000;
const INPUTS_SHOWN = 20;

/** The run that leaves work to a team. */
export interface LeavingRun {
  readonly model: string;
  readonly workflowId: string;
  /** Its first run's id. */
  readonly run: string;
  readonly version: number | null;
  readonly digest: string | null;
  /** The rows that it was judged by; null: it was not. */
  readonly heldOut: SnapshotRef | null;
}

/** What a candidate that its gates rejected leaves: one follow-up for each owner of its findings, with the inputs that show them. */
export function followUpsOfRejection(
  from: LeavingRun,
  outcome: Extract<LifecycleOutcome, { outcome: 'rejected' }>,
): readonly FollowUp[] {
  const owners = [...new Set(outcome.findings.map(({ owner }) => owner))];
  return owners.map((owner) => {
    const findings = outcome.findings.filter((each) => each.owner === owner);
    const subject = from.version === null ? 'a candidate' : `version ${from.version}`;
    const metrics = findings.map(({ gate }) => gate.metric).join(', ');
    return {
      model: from.model,
      key: keyOfRejection(from, owner),
      owner,
      cause: 'gates-failed',
      title: cut(`${subject} of ${from.model} was rejected: ${metrics}`, LONGEST_TITLE),
      text: cut(textOfRejection(from, findings), LONGEST_TEXT),
      // what runs too slowly or needs too much memory may have a wrong answer too, and never had to be right
      subject: {
        ...subjectOf(from),
        ...(owner === 'data-science' && from.heldOut && { heldOut: from.heldOut }),
      },
      inputs: findings.flatMap(({ inputs }) => inputs).slice(0, INPUTS_SHOWN),
    };
  });
}

/** Where convert rejected it there is no version to name it by. */
function keyOfRejection({ version, run }: LeavingRun, owner: string): string {
  return version === null
    ? `convert-${run.slice(0, 8)}-${owner}`
    : followUpKey.gates(version, owner);
}

function textOfRejection(from: LeavingRun, findings: readonly Finding[]): string {
  return [
    ...findings.map(({ reason }) => reason),
    from.version === null
      ? `Look: npx switchyard status ${from.workflowId}`
      : `Look: npx switchyard show ${from.model} ${from.version}`,
  ].join('\n');
}

/** What a run whose undos failed leaves to engineering; null where none failed. */
export function followUpOfUndos(from: LeavingRun, rows: readonly UndoRow[]): FollowUp | null {
  const open = rows.filter(isOpenUndo);
  if (open.length === 0) return null;
  const steps = open.map(({ step }) => step).join(', ');
  return {
    model: from.model,
    key: followUpKey.undo(from.run),
    owner: 'engineering',
    cause: 'undo-failed',
    title: cut(`a lifecycle of ${from.model} could not undo: ${steps}`, LONGEST_TITLE),
    text: cut(
      [
        ...open.map(({ step, note }) => `The undo of "${step}" failed: ${note}`),
        'The lifecycle waits until each is tried again with success, or accepted as it is.',
        `Type: npx switchyard undo ${from.workflowId} --retry`,
        `Or: npx switchyard undo ${from.workflowId} --accept --step '${open[0]?.step ?? ''}' --reason 'why'`,
      ].join('\n'),
      LONGEST_TEXT,
    ),
    subject: subjectOf(from),
    inputs: [],
  };
}

const subjectOf = ({ workflowId, version, digest }: LeavingRun): FollowUp['subject'] => ({
  ...{ workflowId, version, digest },
  generation: null,
});

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
