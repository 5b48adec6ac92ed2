import { setTimeout as pause } from 'node:timers/promises';
import { signDecision, type SigningKey } from '../../client/signing/signing-key.js';
import type { Switchyard } from '../../client/switchyard.js';
import type { DecisionInput } from '../../domain/decision.js';
import type {
  LifecycleOutcome,
  LifecycleRequest,
  LifecycleStatus,
} from '../../domain/lifecycle.js';
import type { Progress } from './progress.js';

const POLL_MS = 100;

/** A lifecycle that was carried to its end. */
export interface Carried {
  readonly title: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly outcome: LifecycleOutcome;
  readonly seconds: number;
}

/** Who answers for a role, and by which way: the update, or the signal. */
export interface Approver {
  readonly role: string;
  readonly by: string;
  readonly reason: string;
  readonly way: 'update' | 'signal';
  /** What it is signed with, where decisions are signed. */
  readonly key?: SigningKey;
}

/** Starts a lifecycle, lets the approvers decide when their role is asked, and waits for its end. */
export async function carry(
  switchyard: Switchyard,
  given: {
    title: string;
    request: LifecycleRequest;
    approvers: readonly Approver[];
    progress: Progress;
  },
): Promise<Carried> {
  const start = Date.now();
  const { title, progress } = given;
  progress.say(`${title}: started`);
  const { workflowId, runId } = await switchyard.start(given.request);
  const over = new AbortController();
  const ending = switchyard.outcome(workflowId).finally(() => over.abort());
  const watching = watch(switchyard, workflowId, given, over.signal);
  const outcome = await ending;
  await watching;
  const seconds = (Date.now() - start) / 1_000;
  progress.say(`${title}: ${outcome.outcome} after ${seconds.toFixed(1)} s`);
  return { title, workflowId, runId, outcome, seconds };
}

/** Follows the status until the lifecycle is over: says each new stage, and answers for whoever is asked. */
async function watch(
  switchyard: Switchyard,
  workflowId: string,
  given: { title: string; approvers: readonly Approver[]; progress: Progress },
  over: AbortSignal,
): Promise<void> {
  let stage = '';
  while (!over.aborted) {
    const status = await switchyard.status(workflowId);
    if (status.stage !== stage) given.progress.say(`${given.title}: ${status.stage}`);
    stage = status.stage;
    for (const role of status.waitingFor) {
      const approver = given.approvers.find((each) => each.role === role);
      if (approver === undefined || status.evidence === null) continue;
      await decide(switchyard, workflowId, approver, status);
      given.progress.say(`${given.title}: ${approver.by} approves for ${role} (${approver.way})`);
    }
    await pause(POLL_MS, undefined, { signal: over }).catch(() => undefined); // over: no need to wait on
  }
}

async function decide(
  switchyard: Switchyard,
  workflowId: string,
  approver: Approver,
  { toSign, evidence }: LifecycleStatus,
): Promise<void> {
  const { role, by, reason, key } = approver;
  const answer = { role, reason, decision: 'approved' } as const;
  const decision: DecisionInput =
    toSign !== null && key !== undefined
      ? await signDecision(key, toSign, answer)
      : { ...answer, by, evidence: evidence ?? '' };
  if (approver.way === 'update') await switchyard.decide(workflowId, decision);
  else await switchyard.signalDecision(workflowId, decision);
}
