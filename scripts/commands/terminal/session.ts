import { Builds } from '../../../client/builds.js';
import { connectClient } from '../../../client/connect.js';
import { Lifecycles } from '../../../client/lifecycles.js';
import { Monitors } from '../../../client/monitors.js';
import { Schedules } from '../../../client/schedules.js';
import { Switchyard } from '../../../client/switchyard.js';
import { PortError } from '../../../domain/failures.js';
import { findPlace, pageOf, type Place } from './place.js';
import type { Terminal } from './terminal.js';

/** An open connection to Temporal, and where its pages are. */
export interface Session {
  readonly switchyard: Switchyard;
  readonly lifecycles: Lifecycles;
  readonly monitors: Monitors;
  readonly schedules: Schedules;
  readonly builds: Builds;
  readonly place: Place;
  /** The page of one workflow, or of all lifecycles (`null`); null where no web UI is known. */
  page(workflowId: string | null): string | null;
  /** @throws PortError `SetUpMissing` where no worker asks for work, so that nothing would be answered. */
  requireWorker(): Promise<void>;
}

/** Longer than any answer of a worker that is there takes. */
const PATIENCE_MS = 20_000;

/** Opens a session for a command's work, and closes it after. */
export async function inSession<Value>(
  terminal: Terminal,
  work: (session: Session) => Promise<Value>,
): Promise<Value> {
  const place = await findPlace();
  const connected = await terminal.during(
    `connecting to Temporal${place.temporal === null ? '' : ` at ${place.temporal.address}`}`,
    connectClient({ ...place.temporal, isImpatient: true }),
  );
  const { client } = connected;
  const { taskQueue } = place;
  const lifecycles = new Lifecycles({ client, taskQueue });
  const { namespace } = client.options; // a profile of temporal.toml may name it
  try {
    return await work({
      ...{ place, lifecycles, switchyard: new Switchyard({ client, taskQueue }) },
      monitors: new Monitors({ client, taskQueue }),
      schedules: new Schedules({ client, taskQueue }),
      builds: new Builds({ client, taskQueue, deploymentName: place.deployment }),
      page: (workflowId) => pageOf({ uiUrl: place.uiUrl, namespace }, workflowId),
      requireWorker: async () => {
        if ((await lifecycles.workers()) > 0) return;
        throw new PortError(
          'SetUpMissing',
          `no worker polls the task queue "${taskQueue}" of ${connected.address}: start one (npx switchyard dev runs one) and try again`,
        );
      },
    });
  } finally {
    await connected.close();
  }
}

/**
 * Waits for an answer that only a worker can give, and says what it waits for.
 * @throws PortError `TemporalUnreachable` after 20 s: a worker that died a moment ago still counts as there.
 */
export async function answered<Value>(
  terminal: Terminal,
  what: string,
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const why = `${what}: no worker answered within ${PATIENCE_MS / 1_000} s; look whether one runs, and ask for the status before you try again`;
      reject(new PortError('TemporalUnreachable', why));
    }, PATIENCE_MS);
  });
  try {
    return await terminal.during(what, Promise.race([work, silence]));
  } finally {
    clearTimeout(timer);
  }
}
