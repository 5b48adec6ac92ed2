import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleSummary,
} from '@temporalio/client';
import { durationMs } from '../domain/duration.js';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';
import type { ModelSpec } from '../domain/spec.js';
import { WORKFLOW_TYPES } from '../workflows/messages.js';
import { fromTemporal } from './failure.js';
import { WORKFLOW_TASK_TIMEOUT } from './live-pointer.js';

const PREFIX = 'retrain/';

/** What marks a schedule as one that workers of a task queue made: only those are changed or deleted by them. */
const MARK = 'switchyard';

const OVERLAP = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const satisfies Record<ModelSpec['retrain']['overlap'], ScheduleOverlapPolicy>;

/** A model's schedule as people see it. */
export interface ListedSchedule {
  readonly model: string;
  readonly scheduleId: string;
  readonly paused: boolean;
  readonly note: string | null;
  /** ISO instants; null: none. */
  readonly next: string | null;
  readonly last: { readonly at: string; readonly workflowId: string } | null;
}

/** What became of a model's schedule; `foreign`: somebody else made one of that name, and it was left alone. */
export type ScheduleChange = 'created' | 'updated' | 'deleted' | 'foreign';

/** Temporal Schedules that start lifecycles: `retrain/<model>`. Methods throw a `PortError` in one sentence. */
export class Schedules {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor(given: { client: Client; taskQueue: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
  }

  /**
   * Makes the schedules what the specifications say: creates, updates, and deletes those of ours that nothing asks for any more.
   * Several workers may do it at the same time. Whether one is paused is people's to say, and stays.
   */
  async apply(
    models: Readonly<Record<string, ModelSpec>>,
  ): Promise<ReadonlyMap<string, ScheduleChange>> {
    const changes = new Map<string, ScheduleChange>();
    for (const [model, { retrain }] of Object.entries(models)) {
      if (retrain.every === undefined && retrain.cron === undefined) continue;
      changes.set(model, await translated(() => this.#put(model, retrain)));
    }
    for (const { model } of await this.list()) {
      if (changes.has(model)) continue;
      if (await translated(() => this.#delete(model))) changes.set(model, 'deleted');
    }
    return changes;
  }

  /** Schedules that workers of this task queue made. */
  list(): Promise<readonly ListedSchedule[]> {
    return translated(async () => {
      const found: ListedSchedule[] = [];
      for await (const summary of this.#client.schedule.list()) {
        if (!this.#isOurs(summary.memo)) continue;
        found.push(listed(summary));
      }
      return found.sort((one, other) => (one.model < other.model ? -1 : 1));
    });
  }

  /** Starts nothing until `resume`, worker starts included. */
  async pause(model: string, note: string): Promise<void> {
    await this.#named(model, (handle) => handle.pause(note));
  }

  async resume(model: string, note: string): Promise<void> {
    await this.#named(model, (handle) => handle.unpause(note));
  }

  /** Starts a lifecycle now, as the schedule would; its overlap rule counts. */
  async trigger(model: string): Promise<void> {
    await this.#named(model, async (handle) => {
      const { policies } = await handle.describe();
      await handle.trigger(policies.overlap); // the SDK's own default is to allow all
    });
  }

  async #put(model: string, retrain: ModelSpec['retrain']): Promise<ScheduleChange> {
    const scheduleId = scheduleIdOf(model);
    const options = this.#optionsOf(model, retrain);
    try {
      const memo = { [MARK]: this.#taskQueue };
      await this.#client.schedule.create({ ...options, scheduleId, memo });
      return 'created';
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
    const handle = this.#client.schedule.getHandle(scheduleId);
    if (!this.#isOurs((await handle.describe()).memo)) return 'foreign';
    await handle.update(({ state }) => ({ ...options, state }));
    return 'updated';
  }

  async #delete(model: string): Promise<boolean> {
    const handle = this.#client.schedule.getHandle(scheduleIdOf(model));
    try {
      // a listing may be old
      if (!this.#isOurs((await handle.describe()).memo)) return false;
      await handle.delete();
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    }
  }

  #optionsOf(model: string, { every, cron, overlap, catchUp }: ModelSpec['retrain']) {
    return {
      spec:
        every === undefined
          ? { cronExpressions: cron === undefined ? [] : [cron] }
          : { intervals: [{ every: durationMs(every) }] },
      action: {
        type: 'startWorkflow' as const,
        workflowType: WORKFLOW_TYPES.lifecycle,
        workflowId: `lifecycle/${model}/scheduled`,
        taskQueue: this.#taskQueue,
        args: [{ model, reason: 'schedule', startedBy: 'schedule' }],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        staticSummary: `${model}: a candidate's way to live, started by its schedule`,
      },
      policies: { overlap: OVERLAP[overlap], catchupWindow: durationMs(catchUp) },
    };
  }

  #isOurs(memo: Record<string, unknown> | undefined): boolean {
    return memo?.[MARK] === this.#taskQueue;
  }

  async #named(
    model: string,
    act: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<void>,
  ): Promise<void> {
    const name = nameSchema.safeParse(model);
    try {
      if (name.success) await act(this.#client.schedule.getHandle(scheduleIdOf(model)));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw fromTemporal(error);
      throw noSchedule(model);
    }
    if (!name.success) throw noSchedule(model);
  }
}

function noSchedule(model: string): PortError {
  return new PortError(
    'InvalidRequest',
    `"${model}" has no schedule: give its specification retrain.every or retrain.cron and start a worker; npx switchyard schedule list shows those that there are`,
    { details: { model } },
  );
}

function scheduleIdOf(model: string): string {
  return `${PREFIX}${model}`;
}

function listed({ scheduleId, state, info }: ScheduleSummary): ListedSchedule {
  const last = info.recentActions.at(-1);
  return {
    model: scheduleId.slice(PREFIX.length),
    scheduleId,
    paused: state.paused,
    note: state.note ?? null,
    next: info.nextActionTimes[0]?.toISOString() ?? null,
    last:
      last === undefined
        ? null
        : { at: last.takenAt.toISOString(), workflowId: last.action.workflow.workflowId },
  };
}

async function translated<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw fromTemporal(error);
  }
}
