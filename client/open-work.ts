import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { OpenWork, StagedRun } from '../domain/sweep.js';
import { FOLLOW_UP_TYPE } from '../workflows/follow-up-messages.js';
import { WORKFLOW_TYPES } from '../workflows/messages.js';
import { MONITOR_TYPE } from '../workflows/monitor-messages.js';
import { RECONCILE_TYPE } from '../workflows/reconcile-messages.js';
import { fromTemporal } from './failure.js';

/** What Temporal knows of a run that staged something. */
type RunState = Pick<StagedRun, 'model' | 'state'>;

/** Run ids in one query. */
const RUNS_AT_ONCE = 50;

/**
 * What open workflows rest on: asked of their histories, so that it holds for workflows that users wrote too, and without a
 * worker. Throws `TemporalUnreachable` (retryable).
 */
export class OpenWorkflows {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Every digest that an open workflow's history names, and when the oldest began. Those that only name digests do not count. */
  async work(): Promise<OpenWork> {
    const digests = new Set<string>();
    let since: Date | null = null;
    try {
      for await (const info of this.#client.workflow.list({ query: OPEN })) {
        if (NEEDING_NOTHING.includes(info.type)) continue;
        if (since === null || info.startTime < since) since = info.startTime;
        const handle = this.#client.workflow.getHandle(info.workflowId, info.runId);
        for (const digest of digestsIn(await handle.fetchHistory())) digests.add(digest);
      }
    } catch (error) {
      throw fromTemporal(error);
    }
    return { digests, since };
  }

  /** The state of each run by the id under which it staged: the first of its chain, also after a reset. */
  async runs(staged: readonly string[]): Promise<ReadonlyMap<string, RunState>> {
    const states = new Map<string, RunState>();
    try {
      for (let from = 0; from < staged.length; from += RUNS_AT_ONCE) {
        const ids = staged.slice(from, from + RUNS_AT_ONCE).map((run) => `"${run}"`);
        const query = `RunId IN (${ids.join(', ')})`;
        for await (const info of this.#client.workflow.list({ query })) {
          states.set(info.runId, stateOf(info));
        }
      }
      for await (const info of this.#client.workflow.list({ query: OPEN })) {
        const first = info.raw.firstRunId;
        if (first !== undefined && first !== null && first !== '') states.set(first, stateOf(info));
      }
    } catch (error) {
      throw fromTemporal(error);
    }
    return states;
  }
}

/**
 * They name digests and need none of the bytes. Counted, nothing newer than a model's first day would ever go, for some of them are
 * always open, nor anything that the reconciler itself has just named.
 */
const NEEDING_NOTHING: readonly string[] = [
  ...[WORKFLOW_TYPES.live, MONITOR_TYPE],
  ...[FOLLOW_UP_TYPE, RECONCILE_TYPE],
];

const OPEN = 'ExecutionStatus = "Running"';

function stateOf(info: WorkflowExecutionInfo): RunState {
  const model = info.typedSearchAttributes.getAll().find(({ key }) => key.name === 'ModelName');
  const named = /^lifecycle\/([a-z0-9-]+)\//.exec(info.workflowId)?.[1] ?? null;
  return {
    model: typeof model?.value === 'string' ? model.value : named,
    state: info.status.name === 'RUNNING' ? 'open' : 'ended',
  };
}

/** Every digest in the payloads of a history: they are JSON. */
function digestsIn(value: unknown): readonly string[] {
  if (value instanceof Uint8Array) {
    return (
      Buffer.from(value)
        .toString('latin1')
        .match(/\b[0-9a-f]{64}\b/g) ?? []
    );
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(digestsIn);
}
