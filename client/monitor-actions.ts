import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { LifecycleRequest } from '../domain/lifecycle.js';
import type { LiveChangeResult } from '../domain/live-state.js';
import type { MonitorActions, StartedByMonitor } from '../domain/ports/monitoring.js';
import type { FallbackOrder } from '../workflows/messages.js';
import { WORKFLOW_TYPES } from '../workflows/messages.js';
import { fromTemporal } from './failure.js';
import { askAnew, WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';
import { Switchyard } from './switchyard.js';

/** The port through which the monitor's activities fall back and retrain. */
export class TemporalMonitorActions implements MonitorActions {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #switchyard: Switchyard;

  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
    this.#switchyard = new Switchyard(given);
  }

  async fallBack(
    model: string,
    order: FallbackOrder,
    requestId: string,
  ): Promise<LiveChangeResult> {
    return askAnew(requestId, (id) => this.#switchyard.fallback(model, order, { requestId: id }));
  }

  /**
   * One workflow id a model: as long as the one before it is open, there is no second. The run carries the request's id, so that an
   * attempt whose first answer was lost finds what it started, also when that has ended since.
   */
  async startLifecycle(request: LifecycleRequest, requestId: string): Promise<StartedByMonitor> {
    const { model } = request;
    const workflowId = `lifecycle/${model}/monitor`;
    try {
      if (await this.#hasStarted(workflowId, requestId)) return { kind: 'started', workflowId };
      await this.#client.workflow.start(WORKFLOW_TYPES.lifecycle, {
        workflowId,
        taskQueue: this.#taskQueue,
        args: [request],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        memo: { requestId },
        staticSummary: `${model}: a candidate's way to live, started by its monitor`,
      });
      return { kind: 'started', workflowId };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) {
        return { kind: 'running', workflowId };
      }
      throw fromTemporal(error);
    }
  }

  /** Whether the newest run of a workflow id was started by this request. */
  async #hasStarted(workflowId: string, requestId: string): Promise<boolean> {
    try {
      const { memo } = await this.#client.workflow.getHandle(workflowId).describe();
      return memo?.['requestId'] === requestId;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}
