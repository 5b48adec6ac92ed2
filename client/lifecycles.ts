import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';
import { undoRowSchema, type UndoRow } from '../domain/undo.js';
import { WORKFLOW_TYPES } from '../workflows/messages.js';
import { fromTemporal } from './failure.js';
import { z } from 'zod';

/** A run as Temporal's visibility shows it; what a lifecycle has not said of itself is null. */
export interface LifecycleRow {
  readonly workflowId: string;
  readonly runId: string;
  readonly model: string | null;
  /** Null where the run has ended, or carries no search attributes. */
  readonly stage: string | null;
  readonly waitingFor: readonly string[];
  readonly verdict: string | null;
  readonly version: number | null;
  /** Null where it has not completed. */
  readonly outcome: string | null;
  /** What was undone, where it failed or was cancelled; the outcome of any other says it. */
  readonly ledger: readonly UndoRow[];
  readonly end: 'open' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed-out';
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

/** A poller that has not asked for this long is gone: a worker asks anew at least once a minute. */
export const POLLER_SILENCE_MS = 70_000;
/** Runs that are looked at for the names of models. */
const LOOKED_AT = 200;

/** Finds lifecycles, and whether anybody works on them. Every method throws `TemporalUnreachable` (retryable) among others. */
export class Lifecycles {
  readonly #client: Client;
  readonly #taskQueue: string;

  /** @param given - `taskQueue` is the prefix of the workers' queues; default `switchyard`. */
  constructor(given: { client: Client; taskQueue?: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue ?? 'switchyard';
  }

  /** The newest runs of all models or of one, open ones first. */
  async newest(given: {
    limit: number;
    model?: string;
    open?: boolean;
  }): Promise<readonly LifecycleRow[]> {
    const { limit, model, open } = given;
    const conditions = [
      `WorkflowType = "${WORKFLOW_TYPES.lifecycle}"`,
      `TaskQueue = "${this.#taskQueue}"`,
      ...(open === true ? ['ExecutionStatus = "Running"'] : []),
    ];
    if (model === undefined) return this.#list(conditions, limit);
    if (!nameSchema.safeParse(model).success) return [];
    const attribute = `ModelName = "${model}"`;
    const found = await this.#list([...conditions, attribute], limit).catch(unlessUnregistered);
    if (found.length > 0) return found;
    // runs without search attributes: by the id that `start` gives
    const others = await this.#list(conditions, LOOKED_AT);
    return others.filter((row) => row.model === model).slice(0, limit);
  }

  /** One run, the newest of a workflow id; null where there is none. */
  async find(workflowId: string): Promise<LifecycleRow | null> {
    try {
      return rowOf(await this.#client.workflow.getHandle(workflowId).describe());
    } catch (error) {
      const failure = fromTemporal(error);
      if (failure instanceof PortError && failure.type === 'InvalidRequest') return null;
      throw failure;
    }
  }

  /** The models of recent runs. */
  async models(): Promise<readonly string[]> {
    const rows = await this.newest({ limit: LOOKED_AT });
    return [...new Set(rows.flatMap(({ model }) => model ?? []))].sort();
  }

  /** How many worker processes have asked for workflow tasks lately. */
  async workers(): Promise<number> {
    const { namespace } = this.#client.options;
    try {
      const { pollers } = await this.#client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: this.#taskQueue },
      });
      const now = Date.now();
      return pollers.filter(({ lastAccessTime }) => {
        const askedMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
        return now - askedMs < POLLER_SILENCE_MS;
      }).length;
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  async #list(conditions: readonly string[], limit: number): Promise<readonly LifecycleRow[]> {
    const query = conditions.join(' AND ');
    const rows: LifecycleRow[] = [];
    try {
      for await (const info of this.#client.workflow.list({ query, pageSize: limit })) {
        rows.push(rowOf(info));
        if (rows.length === limit) break;
      }
    } catch (error) {
      throw fromTemporal(error);
    }
    return rows;
  }
}

const ENDS: Readonly<Record<string, LifecycleRow['end']>> = {
  RUNNING: 'open',
  PAUSED: 'open',
  COMPLETED: 'completed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
};

function rowOf(info: Omit<WorkflowExecutionInfo, 'raw'>): LifecycleRow {
  const { workflowId, runId, startTime } = info;
  const attributes = info.typedSearchAttributes.getAll();
  const words = (name: string): readonly string[] =>
    attributes
      .flatMap(({ key, value }) => (key.name === name ? [value].flat() : []))
      .map(String)
      .filter((word) => word !== '');
  const [version] = [Number(info.memo?.['version'])].filter((each) => Number.isInteger(each));
  const outcome = info.memo?.['outcome'];
  const end = ENDS[info.status.name] ?? 'failed';
  return {
    ...{ workflowId, runId, end, startedAt: startTime, endedAt: info.closeTime ?? null },
    model: words('ModelName')[0] ?? modelOfId(workflowId),
    stage: end === 'open' ? (words('Stage')[0] ?? null) : null,
    waitingFor: end === 'open' ? words('WaitingFor') : [],
    verdict: words('Verdict')[0] ?? null,
    version: version ?? null,
    outcome: typeof outcome === 'string' ? outcome : null,
    ledger: z.array(undoRowSchema).catch([]).parse(info.memo?.['ledger']),
  };
}

/** `lifecycle/<model>/…` is the id that `start` gives. */
function modelOfId(workflowId: string): string | null {
  return /^lifecycle\/([a-z0-9-]+)\//.exec(workflowId)?.[1] ?? null;
}

/** A cluster where nobody registered the search attributes answers a query on them so. */
function unlessUnregistered(error: unknown): readonly LifecycleRow[] {
  const isUnregistered = error instanceof Error && /ModelName/.test(error.message);
  if (isUnregistered) return [];
  throw error;
}
