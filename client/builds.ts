import { isGrpcServiceError, type Client } from '@temporalio/client';
import { PortError } from '../domain/failures.js';
import { fromTemporal } from './failure.js';
import { POLLER_SILENCE_MS } from './lifecycles.js';
import { moveLongLived, type Move } from './moves.js';

/** What Temporal says of a build: only the current one gets new runs, a draining one still has open runs of its own. */
export type BuildStatus = 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';

/** An open workflow, as it is found. */
export interface OpenRun {
  readonly workflowId: string;
  readonly startedAt: Date;
}

/** A build of the workers' code, and who still needs it. */
export interface Build {
  readonly build: string;
  readonly status: BuildStatus;
  /** Open workflows that end on it, unless they continue as new on a newer one. */
  readonly open: number;
  /** The one of them that began first. */
  readonly oldest: OpenRun | null;
  /** Worker processes of it that have asked for workflow tasks lately. */
  readonly workers: number;
  /** Whether its workers can be stopped; where not, why not. */
  readonly needed: string | null;
}

/** gRPC's NOT_FOUND and FAILED_PRECONDITION. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

/** Temporal's numbers; one that is created has not been asked for work yet. */
const STATUSES: readonly BuildStatus[] = [
  ...(['inactive', 'inactive', 'current', 'ramping', 'draining', 'drained', 'inactive'] as const),
];

/** The builds of one installation's workers. Every method throws `TemporalUnreachable` (retryable) among others. */
export class Builds {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly deploymentName: string;

  /** @param given - `taskQueue` is the prefix of the workers' queues; `deploymentName` is the same where left out. */
  constructor(given: { client: Client; taskQueue: string; deploymentName?: string }) {
    this.#client = given.client;
    this.#taskQueue = given.taskQueue;
    this.deploymentName = given.deploymentName ?? given.taskQueue;
  }

  /** The build that new runs go to; null where none is released, or no versioned worker ever polled. */
  async current(): Promise<string | null> {
    const deployment = await this.#describe();
    return deployment?.routingConfig?.currentDeploymentVersion?.buildId ?? null;
  }

  /** Every build that Temporal knows, the newest first; empty where no versioned worker ever polled. */
  async list(): Promise<readonly Build[]> {
    const deployment = await this.#describe();
    const pollers = await this.#pollers();
    const found: { readonly createdMs: number; readonly build: Build }[] = [];
    for (const summary of deployment?.versionSummaries ?? []) {
      const build = summary.deploymentVersion?.buildId;
      if (build === undefined || build === null) continue;
      const standing = {
        ...{ build, status: STATUSES[summary.status ?? 0] ?? 'inactive' },
        ...(await this.#pinnedTo(build)),
        workers: pollers.filter((each) => each === build).length,
      };
      const createdMs = Number(summary.createTime?.seconds ?? 0) * 1_000;
      found.push({ createdMs, build: { ...standing, needed: whyNeeded(standing) } });
    }
    return found.sort((one, other) => other.createdMs - one.createdMs).map(({ build }) => build);
  }

  /**
   * New runs go to this build from now on; resolves to the one that was current before.
   * @throws PortError `SetUpMissing` where no worker of it polls, or it lacks a queue that the current one polls.
   */
  async activate(buildId: string): Promise<string | null> {
    const before = await this.current();
    const { namespace } = this.#client.options;
    const { deploymentName } = this;
    const identity = 'switchyard release';
    const request = { namespace, deploymentName, buildId, identity };
    try {
      await this.#client.workflowService.setWorkerDeploymentCurrentVersion(request);
    } catch (error) {
      throw await this.#refusal(buildId, error);
    }
    return before;
  }

  /** Makes every open long-lived workflow continue as new on this build, which must be the current one. Tells what became of each. */
  moveOnto(build: string): Promise<readonly Move[]> {
    return moveLongLived(this.#client, { taskQueue: this.#taskQueue, build });
  }

  async #refusal(buildId: string, error: unknown): Promise<unknown> {
    if (!isGrpcServiceError(error)) return error;
    const code: number = error.code;
    const details = { deployment: this.deploymentName, build: buildId };
    if (code === NOT_FOUND || /poller/i.test(error.details)) {
      const known = (await this.#describe())?.versionSummaries ?? [];
      const builds = known.flatMap(({ deploymentVersion }) => deploymentVersion?.buildId ?? []);
      const missing =
        builds.length === 0
          ? `no versioned worker has ever polled for the deployment "${this.deploymentName}"`
          : `no worker of the build "${buildId}" polls for the deployment "${this.deploymentName}", which has ${builds.join(', ')}`;
      const message = `${missing}: start a worker with SWITCHYARD_BUILD=${buildId}, give it a moment, and type the same again`;
      return new PortError('SetUpMissing', message, { details, cause: error });
    }
    if (code === FAILED_PRECONDITION && /missing active task queues/.test(error.details)) {
      const message = `the build "${buildId}" does not poll every task queue that the current one polls: look whether all its workers are up, with the same SWITCHYARD_TASK_QUEUE, and type the same again (${error.details})`;
      return new PortError('SetUpMissing', message, { details, cause: error });
    }
    return fromTemporal(error);
  }

  /** What Temporal knows of the deployment; null where it knows none. */
  async #describe() {
    const { namespace } = this.#client.options;
    const { deploymentName } = this;
    try {
      const request = { namespace, deploymentName };
      const answer = await this.#client.workflowService.describeWorkerDeployment(request);
      return answer.workerDeploymentInfo ?? null;
    } catch (error) {
      const code: number = isGrpcServiceError(error) ? error.code : Number.NaN;
      if (code === NOT_FOUND) return null;
      throw fromTemporal(error);
    }
  }

  /** The build of each worker that asked for workflow tasks lately. */
  async #pollers(): Promise<readonly string[]> {
    const { namespace } = this.#client.options;
    const taskQueue = { name: this.#taskQueue };
    try {
      const request = { namespace, taskQueue };
      const { pollers } = await this.#client.workflowService.describeTaskQueue(request);
      const now = Date.now();
      return pollers.flatMap(({ deploymentOptions, lastAccessTime }) => {
        const isAsking = now - Number(lastAccessTime?.seconds ?? 0) * 1_000 < POLLER_SILENCE_MS;
        if (!isAsking || deploymentOptions?.deploymentName !== this.deploymentName) return [];
        return deploymentOptions.buildId ?? [];
      });
    } catch (error) {
      throw fromTemporal(error);
    }
  }

  async #pinnedTo(build: string): Promise<{ open: number; oldest: OpenRun | null }> {
    const version = `TemporalWorkerDeploymentVersion = "${this.deploymentName}:${build}"`;
    const query = `${version} AND ExecutionStatus = "Running"`;
    let [open, oldest]: [number, OpenRun | null] = [0, null];
    try {
      for await (const { workflowId, startTime: startedAt } of this.#client.workflow.list({
        query,
      })) {
        open += 1;
        if (oldest === null || startedAt < oldest.startedAt) oldest = { workflowId, startedAt };
      }
    } catch (error) {
      throw fromTemporal(error);
    }
    return { open, oldest };
  }
}

/** Temporal calls a build drained some minutes after its last run has ended, when no run can have begun on it unseen. */
function whyNeeded({ status, open }: Pick<Build, 'status' | 'open'>): string | null {
  if (status === 'current' || status === 'ramping') return 'new runs go to it';
  if (open > 0) return `${open} open ${open === 1 ? 'workflow ends' : 'workflows end'} on it`;
  if (status === 'draining') return 'Temporal has not confirmed yet that nothing is open on it';
  return null;
}
