import {
  Worker,
  type ActivityInterceptorsFactory,
  type InjectedSinks,
  type NativeConnection,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

/** How many activities each queue's worker runs at once: training and tests use whole cores. */
const LIMITS = { bookkeeping: 50, train: 1, test: 1 } as const;

/** Cached workflows of a process; a parked lifecycle needs no cache, its replay is cheap. */
const MAX_CACHED_WORKFLOWS = 200;

export interface WorkerGiven {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Prefix of the queues. */
  readonly taskQueue: string;
  readonly activities: Activities;
  readonly workflowBundle: WorkflowBundleOption;
  /** Around every activity, the outermost first. */
  readonly activityInterceptors?: readonly ActivityInterceptorsFactory[];
  /** What workflow code of the bundle's interceptors sends to, such as spans. */
  readonly sinks?: InjectedSinks<Sinks>;
  /** How long running activities may go on once the shutdown has begun; default 10 seconds. */
  readonly shutdownGraceMs?: number;
  /** How many workflows are kept in memory; default 200. */
  readonly maxCachedWorkflows?: number;
  /** Left out: they are unversioned. */
  readonly build?: WorkerBuild | undefined;
}

/** The code that workers run: a run ends on the build it began on, unless it continues as new on a newer one. */
export interface WorkerBuild {
  /** The builds of one installation: a new one takes over from the last. */
  readonly deploymentName: string;
  readonly buildId: string;
}

const HEARTBEAT_EVERY = '500 milliseconds';

const SHUTDOWN_GRACE_MS = 10_000;
/** After the grace, activities are cancelled and have this long to clean up; a trainer is killed after 2 s. */
const SHUTDOWN_CLEAN_UP_MS = 10_000;

/** The workers of one process, one a queue, so that two trainings never starve a fallback. */
export interface Workers {
  /** Settles when all have shut down; rejects where one fails. */
  run(): Promise<void>;
  /** Begins the shutdown: running activities get the grace time. */
  shutdown(): void;
  /** Null while every worker polls, else a sentence. */
  notPolling(): string | null;
}

/** Creates the workers of `<queue>`, `<queue>-train` and `<queue>-test`. */
export async function createWorkers(given: WorkerGiven): Promise<Workers> {
  const { connection, namespace, taskQueue, activities } = given;
  const graceMs = given.shutdownGraceMs ?? SHUTDOWN_GRACE_MS;
  const shared = {
    ...{ connection, namespace, activities },
    // A beat reaches the server at once: the SDK holds them back for 0.8 of the timeout, which leaves a busy process 0.4 s.
    maxHeartbeatThrottleInterval: HEARTBEAT_EVERY,
    shutdownGraceTime: graceMs,
    shutdownForceTime: graceMs + SHUTDOWN_CLEAN_UP_MS,
    interceptors: { activity: [...(given.activityInterceptors ?? [])] },
    ...deploymentOptions(given.build),
  };
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue,
      workflowBundle: given.workflowBundle,
      maxConcurrentActivityTaskExecutions: LIMITS.bookkeeping,
      maxCachedWorkflows: given.maxCachedWorkflows ?? MAX_CACHED_WORKFLOWS,
      ...(given.sinks && { sinks: given.sinks }),
      stickyQueueScheduleToStartTimeout: '1 second', // what a killed worker's runs wait for
    }),
    Worker.create({
      ...shared,
      taskQueue: `${taskQueue}-train`,
      maxConcurrentActivityTaskExecutions: LIMITS.train,
    }),
    Worker.create({
      ...shared,
      taskQueue: `${taskQueue}-test`,
      maxConcurrentActivityTaskExecutions: LIMITS.test,
    }),
  ]);
  return {
    run: async () => {
      await Promise.all(workers.map((worker) => worker.run()));
    },
    shutdown: () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
    notPolling: () => {
      const states = workers.map((worker) => worker.getState());
      const other = states.find((state) => state !== 'RUNNING');
      return other === undefined ? null : `the worker is ${other.toLowerCase()}`;
    },
  };
}

/** On every queue alike: a build that lacks a queue which the current one polls cannot be released. */
function deploymentOptions(build: WorkerBuild | undefined) {
  if (build === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: build,
      useWorkerVersioning: true as const,
      defaultVersioningBehavior: 'PINNED' as const,
    },
  };
}
