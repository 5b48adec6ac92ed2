import type { LifecycleStatus } from '../../domain/lifecycle.js';
import { readKeyFile } from '../../client/signing/key-file.js';
import { requireAbout, requireEvidence, signDecision } from '../../client/signing/signing-key.js';
import { decisionSchema, type Decision } from '../../domain/decision.js';
import { PortError } from '../../domain/failures.js';
import { nearestName } from '../../domain/nearest-name.js';
import { shortDigest } from '../../domain/names.js';
import type { Answer } from './terminal/answer.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { findLifecycle } from './terminal/find-lifecycle.js';
import { follow, waitsForSomebody } from './terminal/follow.js';
import { lifecycleAnswer } from './terminal/lifecycle-answer.js';
import { thisPerson } from './terminal/person.js';
import { answered, inSession, type Session } from './terminal/session.js';
import type { Terminal } from './terminal/terminal.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

const OPTIONS = {
  role: {
    type: 'string',
    value: 'ROLE',
    about: 'who is asked; may be left out while it is one role',
  },
  reason: { type: 'string', value: 'TEXT', about: 'why; required' },
  by: { type: 'string', value: 'WHO', about: 'who decides; git’s user.email where left out' },
  evidence: {
    type: 'string',
    value: 'DIGEST',
    about: 'the evidence that was read, or its first 12 digits; the current one where left out',
  },
  key: {
    type: 'string',
    value: 'FILE',
    about: 'the private key to sign with; SWITCHYARD_KEY where left out',
  },
  wait: { type: 'boolean', about: 'wait until it has ended, or somebody else is asked' },
} as const;

const decision = (
  name: string,
  given: 'approved' | 'rejected' | 'needs-more-data',
  summary: string,
) =>
  defineCommand({
    ...{ name, summary, options: OPTIONS },
    takes: '<lifecycle>',
    more: ['<lifecycle> is a workflow id, or a model of which one run is open.'],
    run: (asked) => decide(asked, name, given),
  });

/** `switchyard approve <lifecycle>`: a role's yes. */
export const runApprove = decision('approve', 'approved', 'a role’s yes to a candidate');
/** `switchyard reject <lifecycle>`: a role's no, which ends the candidate. */
export const runReject = decision('reject', 'rejected', 'a role’s no, which ends the candidate');
/** `switchyard needs-more-data <lifecycle>`: neither; the candidate is tested again on newer rows. */
export const runNeedsMoreData = decision(
  'needs-more-data',
  'needs-more-data',
  'neither: the candidate is tested again on newer rows',
);

/** `switchyard sign <lifecycle>`: the same, printed for whoever pastes it into the web UI. */
export const runSign = defineCommand({
  ...{ name: 'sign', takes: '<lifecycle>' },
  summary: 'prints a signed decision, to paste into the update decide of the web UI',
  more: [
    '<lifecycle> is a workflow id, or a model of which one run is open. It is accepted for an hour.',
  ],
  options: {
    ...{ role: OPTIONS.role, reason: OPTIONS.reason, evidence: OPTIONS.evidence, key: OPTIONS.key },
    decision: {
      type: 'string',
      value: 'WHAT',
      about: 'approved (where left out), rejected or needs-more-data',
    },
  },
  run: async ({ values, words: [word = ''], terminal }) => {
    const given = decisionSchema.shape.decision.safeParse(values.decision ?? 'approved');
    if (!given.success) {
      throw new UsageError('sign --decision takes approved, rejected or needs-more-data');
    }
    const reason = reasonOf('sign', word, values.reason);
    return inSession(terminal, async (session) => {
      const { workflowId } = await findLifecycle(session, word, { ended: false });
      const status = await statusOf(session, terminal, workflowId);
      const answer = { ...answerOf(workflowId, status, values), decision: given.data, reason };
      const decision = await signedBy(session, { workflowId, status, key: values.key }, answer);
      return {
        lines: [JSON.stringify(decision)],
        facts: { ...decision },
        webUi: session.page(workflowId),
        next: [],
      };
    });
  },
});

async function decide(
  { values, words: [word = ''], terminal }: Asked<typeof OPTIONS>,
  name: string,
  given: 'approved' | 'rejected' | 'needs-more-data',
): Promise<Answer> {
  const reason = reasonOf(name, word, values.reason);
  return inSession(terminal, async (session) => {
    const { workflowId, model } = await findLifecycle(session, word, { ended: false });
    const status = await statusOf(session, terminal, workflowId);
    const { role, evidence } = answerOf(workflowId, status, values);
    const answer = { role, evidence, decision: given, reason };
    const decision =
      status.toSign === null
        ? { ...answer, by: values.by ?? (await thisPerson()) }
        : await signedBy(session, { workflowId, status, key: values.key }, answer);
    const { by } = decision;
    const deciding = session.switchyard.decide(workflowId, decision);
    const { waitingFor } = await answered(terminal, `deciding ${workflowId}`, deciding);
    if (values.wait) {
      const row = await follow(session, terminal, workflowId, { until: waitsForSomebody });
      return lifecycleAnswer(session, terminal, row);
    }
    const then =
      waitingFor.length > 0 ? `now ${waitingFor.join(' and ')} is asked` : 'nobody else is asked';
    return {
      lines: [`${workflowId}: ${given} by ${by} (${role}); ${then}`],
      facts: { workflowId, model, role, by, reason, evidence, decision: given, waitingFor },
      webUi: session.page(workflowId),
      next:
        waitingFor.length > 0
          ? waitingFor.map((each) =>
              typed('approve', workflowId, '--role', each, '--reason', 'your reason'),
            )
          : [typed('status', workflowId)],
    };
  });
}

function reasonOf(name: string, word: string, reason: string | undefined): string {
  if (reason !== undefined && reason.trim() !== '') return reason;
  throw new UsageError(`${name} needs a reason: ${typed(name, word, '--reason', 'your reason')}`);
}

async function statusOf(
  session: Session,
  terminal: Terminal,
  workflowId: string,
): Promise<LifecycleStatus> {
  await session.requireWorker();
  const asking = session.switchyard.status(workflowId);
  return answered(terminal, `asking ${workflowId}`, asking);
}

function answerOf(
  workflowId: string,
  status: LifecycleStatus,
  values: { readonly role: string | undefined; readonly evidence: string | undefined },
): { role: string; evidence: string } {
  return {
    role: roleOf(workflowId, status, values.role),
    evidence: evidenceOf(workflowId, status, values.evidence),
  };
}

interface Signing {
  readonly workflowId: string;
  readonly status: LifecycleStatus;
  readonly key: string | undefined;
}

/**
 * Signs what the evidence itself says, as the bucket has it: a lifecycle's own word for it is not enough.
 * @throws PortError `InvalidRequest` where decisions are not signed, there is no key, or lifecycle and evidence differ.
 */
async function signedBy(
  { place }: Session,
  { workflowId, status: { toSign }, key: named }: Signing,
  answer: Pick<Decision, 'role' | 'decision' | 'reason' | 'evidence'>,
): Promise<Decision> {
  const file = named ?? place.keyFile;
  if (toSign === null) {
    throw new PortError('InvalidRequest', `${workflowId}: its decisions are not signed`);
  }
  if (file === null) {
    throw new PortError(
      'InvalidRequest',
      `${workflowId}: decisions are signed in "${toSign.environment}": name your key with --key or SWITCHYARD_KEY; ${typed('keys', 'new', 'my.key.json', '--environment', toSign.environment)} makes one`,
    );
  }
  requireAbout(toSign, workflowId, answer.evidence);
  const { registry } = openBucket(place);
  const { model, manifest, evidence } = toSign;
  requireEvidence(toSign, await registry.evidence(model, manifest, evidence));
  return signDecision(await readKeyFile(file), toSign, answer);
}

function roleOf(workflowId: string, status: LifecycleStatus, given: string | undefined): string {
  const { waitingFor, stage } = status;
  if (given !== undefined) {
    const nearest = waitingFor.includes(given) ? null : nearestName(given, waitingFor);
    if (nearest === null) return given; // the lifecycle itself knows what may come early
    throw new PortError(
      'InvalidRequest',
      `${workflowId} does not ask the role "${given}"; did you mean "${nearest}"?`,
    );
  }
  const [only, ...others] = waitingFor;
  if (only !== undefined && others.length === 0) return only;
  const why =
    only === undefined
      ? `nobody is asked yet (stage ${stage}): type ${typed('status', workflowId)}`
      : `${waitingFor.join(' and ')} are asked: name one with --role`;
  throw new PortError('InvalidRequest', `${workflowId}: ${why}`);
}

function evidenceOf(
  workflowId: string,
  { evidence }: LifecycleStatus,
  given: string | undefined,
): string {
  if (evidence === null) {
    throw new PortError(
      'InvalidRequest',
      `${workflowId}: there is no evidence yet to decide on: type ${typed('status', workflowId)}`,
    );
  }
  if (given === undefined || (given.length >= 12 && evidence.startsWith(given))) return evidence;
  throw new PortError(
    'InvalidRequest',
    `${workflowId}: evidence ${shortDigest(evidence)} is on the table, not ${shortDigest(given)}: type ${typed('status', workflowId)}, read it and decide again`,
  );
}
