import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { z } from 'zod';
import type { Closed, CloseOrder, FollowUp, FollowUpState } from '../domain/follow-up.js';
import type { FollowUps, OpenedFollowUp } from '../domain/ports/follow-ups.js';
import {
  close,
  FOLLOW_UP_TYPE,
  followUpWorkflowId,
  state,
  type FollowUpInput,
} from '../workflows/follow-up-messages.js';
import { fromTemporal } from './failure.js';
import { WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';

/** A follow-up as Temporal's visibility shows it. */
export interface FollowUpRow {
  readonly workflowId: string;
  readonly model: string;
  /** The role that closes it; null where somebody started it by hand. */
  readonly owner: string | null;
  readonly cause: string | null;
  readonly title: string | null;
  /** `ended`: somebody terminated it. */
  readonly end: 'open' | 'closed' | 'ended';
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
}

/** Which follow-ups are meant: of all models where none is named, and the open ones where `all` is not set. */
export interface WhichFollowUps {
  readonly model?: string;
  readonly all?: boolean;
}

/** Opens, finds and closes follow-ups. Every method throws a `PortError` in one sentence. */
export class TemporalFollowUps implements FollowUps {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
  }

  async open(followUp: FollowUp): Promise<OpenedFollowUp> {
    const { model, key, owner, cause, title } = followUp;
    const workflowId = followUpWorkflowId(model, key);
    try {
      await this.#client.workflow.start(FOLLOW_UP_TYPE, {
        workflowId,
        taskQueue: this.#taskQueue,
        args: [{ followUp } satisfies FollowUpInput],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'REJECT_DUPLICATE', // closed is closed
        memo: { owner, cause, title },
        staticSummary: `for ${owner}: ${title}`.slice(0, 200),
      });
      return { workflowId, opened: true };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) {
        return { workflowId, opened: false };
      }
      throw fromTemporal(error);
    }
  }

  /** The newest first, at most `limit`. */
  async list(which: WhichFollowUps & { limit: number }): Promise<readonly FollowUpRow[]> {
    const { limit } = which;
    const rows: FollowUpRow[] = [];
    try {
      const found = this.#client.workflow.list({ query: this.#query(which), pageSize: limit });
      for await (const info of found) {
        const isPassed = info.status.name === 'CONTINUED_AS_NEW';
        if (!isPassed) rows.push(rowOf(info));
        if (rows.length === limit) break;
      }
    } catch (error) {
      throw fromTemporal(error);
    }
    return rows;
  }

  /** How many are open. */
  async count(model: string): Promise<number> {
    try {
      return (await this.#client.workflow.count(this.#query({ model }))).count;
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  async state(workflowId: string): Promise<FollowUpState> {
    try {
      return await this.#client.workflow.getHandle(workflowId).query(state);
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  /** Throws `InvalidRequest` where another role owns it, or it is not open. */
  async close(workflowId: string, order: CloseOrder): Promise<Closed> {
    try {
      const handle = this.#client.workflow.getHandle(workflowId);
      return await handle.executeUpdate(close, { args: [order] });
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  #query({ model, all }: WhichFollowUps): string {
    return [
      `WorkflowType = "${FOLLOW_UP_TYPE}"`,
      `TaskQueue = "${this.#taskQueue}"`,
      // by the id, since a cluster may not know our attributes yet
      ...(model === undefined ? [] : [`WorkflowId STARTS_WITH "${followUpWorkflowId(model, '')}"`]),
      ...(all === true ? [] : ['ExecutionStatus = "Running"']),
    ].join(' AND ');
  }
}

const memoSchema = z.object({
  owner: z.string().nullable().default(null),
  cause: z.string().nullable().default(null),
  title: z.string().nullable().default(null),
  openedAt: z.iso.datetime().nullable().default(null),
  closedBy: z.string().nullable().default(null),
});

function rowOf(info: WorkflowExecutionInfo): FollowUpRow {
  const { workflowId, startTime, status, closeTime = null } = info;
  const { owner, cause, title, openedAt, closedBy } = memoSchema.parse(info.memo ?? {});
  const end = { RUNNING: 'open', COMPLETED: 'closed' } as const;
  return {
    ...{ workflowId, owner, cause, title, closedBy },
    model: workflowId.split('/')[1] ?? '',
    end: status.name === 'RUNNING' || status.name === 'COMPLETED' ? end[status.name] : 'ended',
    openedAt: openedAt === null ? startTime : new Date(openedAt),
    closedAt: closeTime,
  };
}
