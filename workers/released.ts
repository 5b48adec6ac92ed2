import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { Builds } from '../client/builds.js';
import type { WorkerBuild } from './worker.js';

/** How often a worker of a build that is not released looks whether it is. */
const LOOK_MS = 2_000;

/**
 * Waits until a worker's build is the one that new runs go to; says once in the log that it is not, and when it is. True at once
 * where it has no build; false where the signal came first. It never rejects: what cannot be asked is said once, and asked again.
 */
export async function untilReleased(given: {
  readonly client: Client;
  readonly taskQueue: string;
  readonly build: WorkerBuild | undefined;
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}): Promise<boolean> {
  const { client, taskQueue, build, signal, log } = given;
  if (build === undefined) return true;
  const { buildId, deploymentName } = build;
  const builds = new Builds({ client, taskQueue, deploymentName });
  let [hasSaid, hasFailed] = [false, false];
  const ask = async () => {
    try {
      return await builds.current();
    } catch (error) {
      if (!hasFailed)
        log.warn(
          { ...build, err: error },
          'whether this build is released cannot be asked; it is asked again until it can',
        );
      hasFailed = true;
      return undefined;
    }
  };
  while (!signal.aborted) {
    const current = await ask();
    if (current === buildId) {
      if (hasSaid) log.info({ ...build }, `build "${buildId}" is released: it gets new runs`);
      return true;
    }
    if (current !== undefined && !hasSaid) {
      hasSaid = true;
      log.warn({ ...build, current }, waitingFor(buildId, current));
    }
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

function waitingFor(buildId: string, current: string | null): string {
  const because =
    current === null
      ? 'no build is released yet, so new runs wait'
      : `new runs go to build "${current}"`;
  return `build "${buildId}" gets no new runs until npx switchyard release ${buildId} is typed: ${because}`;
}
