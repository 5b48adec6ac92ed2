import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { isPortError } from '../domain/failures.js';
import type { LiveChange, LiveChangeResult } from '../domain/live-state.js';
import type { LivePointer } from '../domain/ports/live-pointer.js';
import {
  change,
  liveWorkflowId,
  WORKFLOW_TYPES,
  type LiveModelInput,
} from '../workflows/messages.js';
import { fromTemporal } from './failure.js';

/** Recovery of a run whose worker died inside a workflow task takes this long, so a fallback never waits 10 s for it. */
export const WORKFLOW_TASK_TIMEOUT = '2 seconds';

/** Starts a model's `liveModel` together with an update, or reaches the one that runs. */
export function startLive(model: string, taskQueue: string) {
  return new WithStartWorkflowOperation(WORKFLOW_TYPES.live, {
    workflowId: liveWorkflowId(model),
    taskQueue,
    args: [{ model } satisfies LiveModelInput],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: `what serves of ${model}, and the way back`,
    staticDetails: `The live pointer of **${model}**, as long-lived as the model. Its updates \`fallback\`, \`freeze\` and \`thaw\` are for people, \`change\` is for lifecycles.`,
  });
}

/** The port through which an activity reaches `liveModel`. */
export class TemporalLivePointer implements LivePointer {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
  }

  async ask(model: string, wish: LiveChange, requestId: string): Promise<LiveChangeResult> {
    return askAnew(requestId, (updateId) => this.#update(model, wish, updateId));
  }

  async #update(model: string, wish: LiveChange, updateId: string): Promise<LiveChangeResult> {
    try {
      return await this.#client.workflow.executeUpdateWithStart(change, {
        startWorkflowOperation: startLive(model, this.#taskQueue),
        ...{ updateId, args: [wish] },
      });
    } catch (error) {
      throw fromTemporal(error);
    }
  }
}

/** Asks a second time, under another id, where the failure may be that of an earlier attempt: the server repeats it as long as the run lasts. */
export async function askAnew<Answer>(
  requestId: string,
  ask: (updateId: string) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask(requestId);
  } catch (error) {
    if (!mayWorkLater(error)) throw error;
    return await ask(`${requestId}~${randomUUID().slice(0, 8)}`);
  }
}

/** An update that has failed for a reason that may be over, as opposed to a server that does not answer. */
function mayWorkLater(error: unknown): boolean {
  return isPortError(error) && error.kind === 'retryable' && error.type !== 'TemporalUnreachable';
}
