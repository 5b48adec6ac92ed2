import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionStatusName,
} from '@temporalio/client';
import { z } from 'zod';
import { isPortError } from '../domain/failures.js';
import type { RunWatch } from '../domain/ports/reconciling.js';
import type { KnownGeneration, PromoterState } from '../domain/reconcile/known.js';
import type { OpenWork } from '../domain/sweep.js';
import { adopt, live, liveWorkflowId } from '../workflows/messages.js';
import { fromTemporal } from './failure.js';
import { startLive } from './live-pointer.js';
import { OpenWorkflows } from './open-work.js';

/** A worker answers within a second or two, also right after another one was killed. */
const ANSWER_MS = 8_000;
/** Runs of one workflow id that are looked through for the newest of a chain. */
const RUNS_LOOKED_AT = 100;

/** What the reconciler asks Temporal: whole runs by their ids, never what somebody says of them. */
export class TemporalRuns implements RunWatch {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #open: OpenWorkflows;

  /** @param given - `taskQueue` is the prefix of the workers' queues: a `liveModel` that is started polls there. */
  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
    this.#open = new OpenWorkflows(given.client);
  }

  async promoter(run: string): Promise<PromoterState> {
    try {
      const workflowId = await this.#workflowOf(run);
      if (workflowId === null) return 'unknown';
      const newest = await this.#runOf(workflowId);
      if (newest === null) return 'unknown';
      if (newest.chain === run) return await this.#stateOf(newest);
      // its id was used again: by then the chain has ended, one way or the other
      return await this.#endOf(workflowId, run);
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  async knownGeneration(model: string): Promise<KnownGeneration> {
    const handle = this.#client.workflow.getHandle(liveWorkflowId(model));
    try {
      const known = await this.#client.withDeadline(Date.now() + ANSWER_MS, async () => {
        const { status } = await handle.describe();
        return status.name === 'RUNNING' ? handle.query(live) : 'not-running';
      });
      if (known === 'not-running') return known;
      return known?.generation ?? 0;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'not-running';
      if (isSilence(error)) return 'no-answer';
      throw fromTemporal(error);
    }
  }

  async adopt(model: string): Promise<void> {
    try {
      await this.#client.workflow.executeUpdateWithStart(adopt, {
        startWorkflowOperation: startLive(model, this.#taskQueue),
        args: [{}],
      });
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  work(): Promise<OpenWork> {
    return this.#open.work();
  }

  runs(staged: readonly string[]): ReturnType<RunWatch['runs']> {
    return this.#open.runs(staged);
  }

  /** The workflow id of a run, by the visibility store: it may be a moment late, and is asked again a minute later. */
  async #workflowOf(run: string): Promise<string | null> {
    const query = `RunId = "${run}"`;
    for await (const info of this.#client.workflow.list({ query })) return info.workflowId;
    return null;
  }

  /** A workflow's newest run, or a given one, by the history store. */
  async #runOf(workflowId: string, runId?: string): Promise<Run | null> {
    try {
      const found = await this.#client.workflow.getHandle(workflowId, runId).describe();
      const first = found.raw.workflowExecutionInfo?.firstRunId ?? '';
      const chain = first === '' ? found.runId : first;
      return { workflowId, runId: found.runId, chain, status: found.status.name };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** How the newest run of a chain ended whose workflow id has a newer chain by now. */
  async #endOf(workflowId: string, run: string): Promise<PromoterState> {
    const query = `WorkflowId = "${workflowId}"`;
    let looked = 0;
    for await (const { runId } of this.#client.workflow.list({ query })) {
      looked += 1; // the newest come first
      if (looked > RUNS_LOOKED_AT) return 'unknown';
      const found = await this.#runOf(workflowId, runId);
      if (found?.chain === run) return this.#stateOf(found);
    }
    return 'unknown';
  }

  /**
   * A run that ended by itself has undone its own. One that began by a reset may have ended before it came to the promotion that the
   * run before it had made: then nobody undoes that, as if it had been cut off, unless that run had gone live.
   */
  async #stateOf(run: Run): Promise<PromoterState> {
    const state = stateOf(run.status);
    if (run.runId === run.chain || state === 'open' || state === 'unknown') return state;
    if (state === 'ended' && (await this.#cameToPromote(run))) return 'ended';
    return (await this.#wentLiveBefore(run)) ? 'ended' : 'cut-off';
  }

  /** Whether another run of the same chain went live. */
  async #wentLiveBefore({ workflowId, runId, chain }: Run): Promise<boolean> {
    const query = `WorkflowId = "${workflowId}" AND ExecutionStatus = "Completed"`;
    for await (const { runId: other } of this.#client.workflow.list({ query })) {
      if (other === runId) continue;
      const found = await this.#runOf(workflowId, other);
      if (found?.chain !== chain) continue;
      const left: unknown = await this.#client.workflow.getHandle(workflowId, other).result();
      const parsed = leftSchema.safeParse(left);
      if (parsed.success && parsed.data.outcome === 'live') return true;
    }
    return false;
  }

  /** Whether a run that ended went live, or its ledger says what became of its promotion. */
  async #cameToPromote({ workflowId, runId }: Run): Promise<boolean> {
    const handle = this.#client.workflow.getHandle(workflowId, runId);
    const left: unknown = await handle.result().catch(async (error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
      return (await handle.describe()).memo; // a cancelled end carries nothing else
    });
    const parsed = leftSchema.safeParse(left);
    if (!parsed.success) return false;
    const { outcome, ledger } = parsed.data;
    return outcome === 'live' || ledger.some(({ step }) => step.startsWith('promotion'));
  }
}

interface Run {
  readonly workflowId: string;
  readonly runId: string;
  /** The first run of its chain. */
  readonly chain: string;
  readonly status: WorkflowExecutionStatusName;
}

/** Of an outcome, or of the memo of a run that failed or was cancelled. */
const leftSchema = z.looseObject({
  outcome: z.string().optional(),
  ledger: z.array(z.looseObject({ step: z.string() })).default([]),
});

function stateOf(status: WorkflowExecutionStatusName): PromoterState {
  switch (status) {
    case 'RUNNING':
    case 'PAUSED':
    case 'CONTINUED_AS_NEW':
      return 'open';
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'cut-off';
    case 'COMPLETED':
    case 'FAILED':
    case 'CANCELLED':
      return 'ended';
    default:
      return 'unknown';
  }
}

// gRPC's DEADLINE_EXCEEDED, FAILED_PRECONDITION (its workflow task fails)
const SILENCE_CODES: readonly number[] = [4, 9];

/** The workflow is there, but its code does not answer. */
function isSilence(error: unknown): boolean {
  if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError) return true;
  if (isPortError(error)) return false;
  return isGrpcServiceError(error) && SILENCE_CODES.includes(error.code);
}
