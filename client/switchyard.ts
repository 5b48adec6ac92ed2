import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { decisionSchema, type Decision, type DecisionInput } from '../domain/decision.js';
import { PortError } from '../domain/failures.js';
import {
  lifecycleOutcomeSchema,
  lifecycleRequestSchema,
  type LifecycleOutcome,
  type LifecycleRequest,
  type LifecycleStatus,
} from '../domain/lifecycle.js';
import {
  closeOrderSchema,
  type Closed,
  type CloseOrder,
  type FollowUpState,
} from '../domain/follow-up.js';
import type { LiveChangeResult } from '../domain/live-state.js';
import { startDetails } from '../domain/lifecycle-details.js';
import type { KnownLive } from '../domain/live-carried.js';
import { nameSchema } from '../domain/names.js';
import type { Ordered } from '../domain/signing/order.js';
import { describeIssues } from '../domain/describe-issues.js';
import {
  acceptUndoSchema,
  retryUndoSchema,
  type AcceptUndo,
  type RetryUndo,
  type UndoRow,
} from '../domain/undo.js';
import {
  acceptUndo,
  adopt,
  approve,
  decide,
  fallback,
  fallbackOrderSchema,
  freeze,
  freezeOrderSchema,
  live,
  liveWorkflowId,
  retryUndo,
  status,
  thaw,
  WORKFLOW_TYPES,
  type FallbackOrder,
  type FreezeOrder,
} from '../workflows/messages.js';
import { fromTemporal } from './failure.js';
import { TemporalFollowUps, type FollowUpRow, type WhichFollowUps } from './follow-ups.js';
import {
  requireAbout,
  signDecision,
  signOrder,
  signStart,
  type SigningKey,
} from './signing/signing-key.js';
import { startLive, WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';
import type { z } from 'zod';

/** A lifecycle that was started. */
export interface StartedLifecycle {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * Starts lifecycles, decides, asks, falls back, freezes and thaws, finds and closes follow-ups. Every method throws a `PortError` in one sentence: `InvalidRequest` (terminal)
 * or `TemporalUnreachable` (retryable) among others.
 * @example
 * const { client } = await connectClient();
 * const switchyard = new Switchyard({ client });
 * const { workflowId } = await switchyard.start({ model: 'tickets' });
 */
export class Switchyard {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #followUps: TemporalFollowUps;
  readonly #key: SigningKey | undefined;

  /**
   * @param given - `taskQueue` is the prefix of the workers' queues; default `switchyard`. `key` signs starts, orders of its person,
   * and decisions where those are signed.
   */
  constructor(given: { client: Client; taskQueue?: string; key?: SigningKey | undefined }) {
    this.#client = given.client;
    this.#key = given.key;
    this.#taskQueue = given.taskQueue ?? 'switchyard';
    this.#followUps = new TemporalFollowUps({ client: this.#client, taskQueue: this.#taskQueue });
  }

  /** Starts a candidate on its way; a given workflow id makes a repeated start find the same run. */
  async start(
    request: LifecycleRequest,
    given: { workflowId?: string } = {},
  ): Promise<StartedLifecycle> {
    const asked = parse('request', lifecycleRequestSchema, request);
    const workflowId = given.workflowId ?? `lifecycle/${asked.model}/${randomUUID().slice(0, 8)}`;
    const key = asked.signature === undefined ? this.#key : undefined;
    const checked = key === undefined ? asked : await signStart(key, workflowId, asked);
    return translated(async () => {
      const handle = await this.#client.workflow.start(WORKFLOW_TYPES.lifecycle, {
        workflowId,
        taskQueue: this.#taskQueue,
        args: [checked],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `${checked.model}: a candidate's way to live`,
        staticDetails: startDetails(checked),
      });
      return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
    });
  }

  /** Where a lifecycle is, what it measured, who is waited for, and the evidence digest that a decision must name. */
  status(workflowId: string): Promise<LifecycleStatus> {
    return translated(async () => {
      const asked = await this.#client.workflow.getHandle(workflowId).query(status);
      return { ...NOT_SIGNED, ...asked };
    });
  }

  /** Waits for a lifecycle's end. Throws its failure where a technical error ended it. */
  outcome(workflowId: string): Promise<LifecycleOutcome> {
    return translated(async () =>
      lifecycleOutcomeSchema.parse(await this.#client.workflow.getHandle(workflowId).result()),
    );
  }

  /**
   * Answers a hand-off, signed by the key where decisions are signed. Refused with the reason where it is late, stale, or nobody asked
   * this role.
   */
  decide(workflowId: string, decision: DecisionInput): Promise<{ waitingFor: readonly string[] }> {
    const checked = parse('decision', decisionSchema, decision);
    return translated(async () => {
      const signed = await this.#signed(workflowId, checked);
      return this.#client.workflow.getHandle(workflowId).executeUpdate(decide, { args: [signed] });
    });
  }

  /** The same answer as a signal: it returns at once, and a refusal shows in the status only. */
  async signalDecision(workflowId: string, decision: DecisionInput): Promise<void> {
    const checked = await this.#signed(workflowId, parse('decision', decisionSchema, decision));
    await translated(() => this.#client.workflow.getHandle(workflowId).signal(approve, checked));
  }

  /** Ends a lifecycle; what it did is undone. */
  async cancel(workflowId: string): Promise<void> {
    await translated(() => this.#client.workflow.getHandle(workflowId).cancel());
  }

  /** Has undos that failed tried again, one or all of them, and waits for their end. Refused where none waits for a person. */
  async retryUndo(workflowId: string, order: RetryUndo): Promise<{ ledger: readonly UndoRow[] }> {
    const checked = parse('order', retryUndoSchema, order);
    return translated(() =>
      this.#client.workflow.getHandle(workflowId).executeUpdate(retryUndo, { args: [checked] }),
    );
  }

  /** Closes an undo that failed as it is. Refused where that step did not fail. */
  async acceptUndo(workflowId: string, order: AcceptUndo): Promise<{ ledger: readonly UndoRow[] }> {
    const checked = parse('order', acceptUndoSchema, order);
    return translated(() =>
      this.#client.workflow.getHandle(workflowId).executeUpdate(acceptUndo, { args: [checked] }),
    );
  }

  /** The emergency way back to the previous version. Two orders that leave the same digest equal one. */
  fallback(
    model: string,
    order: FallbackOrder,
    given: { requestId?: string } = {},
  ): Promise<LiveChangeResult> {
    const name = parse('model', nameSchema, model);
    const checked = parse('fallback order', fallbackOrderSchema, order);
    const { leaving: target, by, reason } = checked;
    return translated(async () => {
      const ordered = { order: 'fallback', target, role: null, by, reason } as const;
      const signature = checked.signature ?? (await this.#signatureOf(ordered));
      return this.#client.workflow.executeUpdateWithStart(fallback, {
        startWorkflowOperation: startLive(name, this.#taskQueue),
        updateId: given.requestId ?? `fallback/${randomUUID()}`,
        args: [{ ...checked, ...(signature !== undefined && { signature }) }],
      });
    });
  }

  /**
   * Stops promotions of a model; a fallback still works. A lifecycle that was approved meanwhile waits for the thaw. Answers
   * `frozen`, or `already-done`.
   */
  freeze(
    model: string,
    order: FreezeOrder,
    given: { requestId?: string } = {},
  ): Promise<LiveChangeResult> {
    return this.#orderFreeze(freeze, model, order, given.requestId ?? `freeze/${randomUUID()}`);
  }

  /** Lets promotions through again; lifecycles that wait for it are told. Answers `thawed`, or `already-done`. */
  thaw(
    model: string,
    order: FreezeOrder,
    given: { requestId?: string } = {},
  ): Promise<LiveChangeResult> {
    return this.#orderFreeze(thaw, model, order, given.requestId ?? `thaw/${randomUUID()}`);
  }

  /**
   * What failures left to which role, the newest first: of one model or all, the open ones or all. At most `limit`, 100 where it is
   * left out.
   */
  followUps(which: WhichFollowUps & { limit?: number } = {}): Promise<readonly FollowUpRow[]> {
    const { model } = which;
    if (model !== undefined) parse('model', nameSchema, model);
    return this.#followUps.list({ limit: 100, ...which });
  }

  /** How many of a model are open. */
  countFollowUps(model: string): Promise<number> {
    return this.#followUps.count(parse('model', nameSchema, model));
  }

  /** What happened, for whom it is, and whether it is closed. */
  followUp(workflowId: string): Promise<FollowUpState> {
    return this.#followUps.state(workflowId);
  }

  /** Closes a follow-up, as the role that owns it. Refused for any other role, and where it was closed before. */
  async closeFollowUp(workflowId: string, order: CloseOrder): Promise<Closed> {
    const checked = parse('order', closeOrderSchema, order);
    const { role, by, reason } = checked;
    const ordered = { order: 'close', target: workflowId, role, by, reason } as const;
    const signature = checked.signature ?? (await this.#signatureOf(ordered));
    return this.#followUps.close(workflowId, {
      ...checked,
      ...(signature !== undefined && { signature }),
    });
  }

  /** Has a model's `liveModel` read `live.json`, and take in what was written there past it. It is started where it does not run. */
  adopt(model: string): Promise<LiveChangeResult> {
    const name = parse('model', nameSchema, model);
    return translated(() =>
      this.#client.workflow.executeUpdateWithStart(adopt, {
        startWorkflowOperation: startLive(name, this.#taskQueue),
        args: [{}],
      }),
    );
  }

  /** Of an order, where there is a key of whoever gives it. */
  async #signatureOf(ordered: Omit<Ordered, 'signature'>): Promise<string | undefined> {
    const key = this.#key;
    return key?.person === ordered.by ? signOrder(key, ordered) : undefined;
  }

  /** By the key, where there is one and the lifecycle asks for it. */
  async #signed(workflowId: string, decision: Decision): Promise<Decision> {
    if (this.#key === undefined || decision.signature !== null) return decision;
    const { toSign, evidence } = await this.status(workflowId);
    // on other evidence it is sent as it is, and refused as stale
    if (toSign === null || evidence !== decision.evidence) return decision;
    requireAbout(toSign, workflowId, evidence);
    if (decision.by !== this.#key.person) {
      throw new PortError(
        'InvalidRequest',
        `the decision is by ${decision.by}, the key is ${this.#key.person}'s: nobody signs for another`,
      );
    }
    return signDecision(this.#key, toSign, decision);
  }

  #orderFreeze(
    update: typeof freeze,
    model: string,
    order: FreezeOrder,
    updateId: string,
  ): Promise<LiveChangeResult> {
    const name = parse('model', nameSchema, model);
    const checked = parse(`${update.name} order`, freezeOrderSchema, order);
    return translated(() =>
      this.#client.workflow.executeUpdateWithStart(update, {
        startWorkflowOperation: startLive(name, this.#taskQueue),
        updateId,
        args: [checked],
      }),
    );
  }

  /** What `liveModel` last answered, and what `live.json` held then; null before its first change. */
  live(model: string): Promise<KnownLive | null> {
    const workflowId = liveWorkflowId(parse('model', nameSchema, model));
    return translated(() => this.#client.workflow.getHandle(workflowId).query(live));
  }
}

/** What a lifecycle of a build says that is older than signatures. */
const NOT_SIGNED = { toSign: null };

function parse<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = describeIssues(schema, parsed.error).join('; ');
  throw new PortError('InvalidRequest', `wrong ${what}: ${problems}`);
}

async function translated<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw fromTemporal(error);
  }
}
