import { setTimeout as pauseFor } from 'node:timers/promises';
import { WithStartWorkflowOperation, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { monitorPlanOf } from '../domain/monitor/plan.js';
import {
  monitorOrderSchema,
  type MonitorOrder,
  type MonitorState,
} from '../domain/monitor/state.js';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';
import type { ModelSpec } from '../domain/spec.js';
import type { WindowRow } from '../domain/monitor/window.js';
import {
  checkNow,
  MONITOR_TYPE,
  monitorEndSchema,
  monitorWorkflowId,
  pause,
  refresh,
  resume,
  state,
  type MonitorInput,
  type MonitorStanding,
} from '../workflows/monitor-messages.js';
import { fromTemporal } from './failure.js';
import { WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';

/** Models' monitors. Every method throws a `PortError` in one sentence. */
export class Monitors {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
  }

  /** Starts a model's monitor, or lets the one that runs read its specification again. It needs a worker that polls. */
  start(model: string): Promise<MonitorStanding> {
    const name = checkedName(model);
    return this.#translated(name, () =>
      this.#client.workflow.executeUpdateWithStart(refresh, {
        startWorkflowOperation: new WithStartWorkflowOperation(MONITOR_TYPE, {
          workflowId: monitorWorkflowId(name),
          taskQueue: this.#taskQueue,
          args: [{ model: name } satisfies MonitorInput],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
          staticSummary: `what serves of ${name}, window by window`,
        }),
        args: [{}],
      }),
    );
  }

  /** Why a monitor has ended by itself, where it does so within this time; null: it runs on. */
  async endWithin(model: string, waitMs: number): Promise<string | null> {
    const running = this.#handle(model).result();
    running.catch(() => undefined); // whoever stops waiting hears no more of it
    const stop = new AbortController();
    const late = pauseFor(waitMs, null, { signal: stop.signal });
    late.catch(() => undefined);
    const end: unknown = await this.#translated(model, () => Promise.race([running, late]));
    stop.abort();
    return end === null ? null : monitorEndSchema.parse(end).ended;
  }

  /** Starts the monitors of all models that ask for one. */
  async startAll(models: Readonly<Record<string, ModelSpec>>): Promise<readonly string[]> {
    const watched = Object.values(models).filter((spec) => monitorPlanOf(spec) !== null);
    for (const { model } of watched) await this.start(model);
    return watched.map(({ model }) => model);
  }

  pause(model: string, order: MonitorOrder): Promise<MonitorStanding> {
    return this.#order(pause, model, order);
  }

  resume(model: string, order: MonitorOrder): Promise<MonitorStanding> {
    return this.#order(resume, model, order);
  }

  /** The last window's length up to now, neither written nor acted on. */
  checkNow(model: string): Promise<WindowRow> {
    return this.#translated(model, () =>
      this.#handle(model).executeUpdate(checkNow, { args: [{}] }),
    );
  }

  state(model: string): Promise<MonitorState> {
    return this.#translated(model, () => this.#handle(model).query(state));
  }

  #order(update: typeof pause, model: string, order: MonitorOrder): Promise<MonitorStanding> {
    const parsed = monitorOrderSchema.safeParse(order);
    if (!parsed.success) {
      throw new PortError(
        'InvalidRequest',
        `an order needs by and reason, not ${JSON.stringify(order)}`,
      );
    }
    return this.#translated(model, () =>
      this.#handle(model).executeUpdate(update, { args: [parsed.data] }),
    );
  }

  #handle(model: string) {
    return this.#client.workflow.getHandle(monitorWorkflowId(checkedName(model)));
  }

  async #translated<Result>(model: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw fromTemporal(error);
      throw new PortError(
        'InvalidRequest',
        `"${model}" has no monitor that runs: give its specification monitor or retrain.onNewData, and start a worker or type npx switchyard monitor start ${model}`,
        { cause: error },
      );
    }
  }
}

function checkedName(model: string): string {
  const parsed = nameSchema.safeParse(model);
  if (parsed.success) return parsed.data;
  throw new PortError('InvalidName', `"${model}" is no model's name`);
}
