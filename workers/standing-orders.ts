import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { Monitors } from '../client/monitors.js';
import { putReconcileSchedule, type ReconcileSpec } from '../client/reconcile-schedule.js';
import { Schedules } from '../client/schedules.js';
import { isPortError } from '../domain/failures.js';
import type { ModelSpec } from '../domain/spec.js';

/**
 * Brings schedules, monitors and the reconciler to what the configuration says; call it when the workers poll, for a monitor
 * answers its start.
 * It never rejects: a worker works without them, and the next one's start tries again. What failed is in the log.
 */
export async function giveStandingOrders(given: {
  client: Client;
  taskQueue: string;
  models: Readonly<Record<string, ModelSpec>>;
  reconcile: ReconcileSpec;
  log: Pick<Logger, 'info' | 'error'>;
}): Promise<void> {
  const { models, log } = given;
  await attempted(log, 'schedules', async () => {
    const changes = Object.fromEntries(await new Schedules(given).apply(models));
    if (Object.keys(changes).length > 0) log.info({ schedules: changes }, 'schedules');
  });
  await attempted(log, 'reconciler', async () => {
    const change = await putReconcileSchedule(given, given.reconcile);
    log.info({ reconciler: change }, 'reconciler');
  });
  await attempted(log, 'monitors', async () => {
    const monitors = await new Monitors(given).startAll(models);
    if (monitors.length > 0) log.info({ monitors }, 'monitors');
  });
}

async function attempted(
  log: Pick<Logger, 'error'>,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const type = isPortError(error) ? error.type : 'Internal';
    const why = error instanceof Error ? error.message : String(error);
    log.error(
      { err: error, type },
      `the ${what} could not be made what the configuration says: ${why}`,
    );
  }
}
