import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ModelRuntime } from '../domain/ports/model-runtime.js';
import type { Registry } from '../domain/ports/registry.js';
import { NO_TRUST, type TrustSource } from '../domain/ports/trust.js';
import { createEndpoint } from './endpoint.js';
import { offer, withdraw, type OfferedModel } from './offered-models.js';
import { SILENT } from './log.js';
import type { Log } from './log.js';
import { ReplicaReporter } from './replica-reporter.js';
import { ServingMetrics } from './serving-metrics.js';
import { openTokens } from './tokens.js';

/** What the data plane needs of the registry. */
export type ServingRegistry = Pick<
  Registry,
  | 'evidence'
  | 'liveBefore'
  | 'liveIfChanged'
  | 'versionByDigest'
  | 'fetchVersion'
  | 'reportReplica'
  | 'removeReplica'
  | 'appendPredictions'
>;

export interface StartEndpointOptions {
  readonly registry: ServingRegistry;
  readonly runtime: ModelRuntime;
  /** Names of the models to serve. */
  readonly models: readonly string[];
  /** This process's name among the replicas; no other may have it. */
  readonly replica: string;
  /** Where versions are kept on disk; one folder a process. */
  readonly cacheDirectory: string;
  /** 0: a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Of one version's process. */
  readonly memoryLimitBytes?: number;
  readonly loadDeadlineMs?: number;
  readonly inferTimeoutMs?: number;
  readonly pollMs?: number;
  readonly reportEveryMs?: number;
  readonly bodyLimitBytes?: number;
  /** Requests that wait for one version at most; default 1,000. One customer alone may take four fifths of it. */
  readonly maxWaiting?: number;
  /** Bytes of inputs that wait for one version at most, and of large bodies that are on their way; default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** A request is refused that would wait for longer; default 10 s. */
  readonly maxWaitMs?: number;
  /** A request whose rows have not begun by then is not run; default 30 s. */
  readonly requestTimeoutMs?: number;
  /** How long `close` waits for clients that do not finish their request or do not read their answer. */
  readonly drainMs?: number;
  /** How long `close` answers on while it is not ready any more, so that load balancers notice; default 0. */
  readonly drainWaitMs?: number;
  /** Writes the inputs into the prediction log instead of their sha256. */
  readonly logsInputs?: boolean;
  /** A file of bearer tokens; where left out, whoever reaches the endpoint may ask. */
  readonly tokensFile?: string | undefined;
  /** By whom a version must be approved before it is opened; where left out, decisions are not signed. */
  readonly trust?: TrustSource;
  /** How often the trust file is asked about what serves; default 10 s. */
  readonly trustEveryMs?: number;
  readonly log?: Log;
}

const ENDPOINT_DEFAULTS = {
  port: 0,
  host: '127.0.0.1',
  memoryLimitBytes: 1024 * 1024 * 1024,
  loadDeadlineMs: 60_000,
  inferTimeoutMs: 10_000,
  reopenPatienceMs: 2_000,
  pollMs: 250,
  reportEveryMs: 2_000,
  bodyLimitBytes: 1024 * 1024,
  maxWaiting: 1_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  maxWaitMs: 10_000,
  requestTimeoutMs: 30_000,
  drainMs: 10_000,
  drainWaitMs: 0,
  logsInputs: false,
  trust: NO_TRUST,
  trustEveryMs: 10_000,
  log: SILENT,
} as const;

/** A listening endpoint. */
export interface RunningEndpoint {
  readonly url: string;
  readonly replica: string;
  /** Takes the replica off the list, answers what is under way, then ends every process. */
  close(): Promise<void>;
}

/** Serves models over HTTP. Resolves when it listens and every live version is open or has failed to open. */
export async function startEndpoint(given: StartEndpointOptions): Promise<RunningEndpoint> {
  const options = { ...ENDPOINT_DEFAULTS, ...given };
  const { replica, log, tokensFile } = options;
  const tokens = tokensFile === undefined ? null : await openTokens(tokensFile, log);
  const models = new Map<string, OfferedModel>();
  for (const model of new Set(options.models)) models.set(model, offer(model, options));
  const catchUp = () => Promise.all([...models.values()].map(({ resident }) => resident.catchUp()));
  await catchUp();
  const metrics = new ServingMetrics(models);
  let isServing = false;
  const app = createEndpoint({
    ...{ ...options, models, metrics, tokens },
    serverVersion: options.runtime.version,
    isServing: () => isServing,
  });
  let reporters: ReplicaReporter[] = [];
  const close = async (): Promise<void> => {
    isServing = false;
    askToLeave(app);
    await Promise.all(reporters.map((reporter) => reporter.stop()));
    if (options.drainWaitMs > 0) await pause(options.drainWaitMs);
    await closeServer(app, options.drainMs);
    await tokens?.stop();
    await Promise.all([...models.values()].map(withdraw));
  };
  try {
    const url = await app.listen({ port: options.port, host: options.host });
    // reported only now: whoever counts replicas may send them requests
    reporters = [...models.values()].map(
      ({ resident }) =>
        new ReplicaReporter({ ...options, resident, everyMs: options.reportEveryMs }),
    );
    await Promise.all(reporters.map((reporter) => reporter.report()));
    // a deploy that ended before this one was listed did not wait for it
    await catchUp();
    isServing = true;
    return { url, replica, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every answer from now on closes its connection: a balancer of connections moves only new ones to another endpoint. */
function askToLeave({ server }: FastifyInstance): void {
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('connection', 'close');
  });
}

/** Answers what is under way. Connections that become idle meanwhile are closed: their clients keep them open for minutes. */
async function closeServer(app: FastifyInstance, drainMs: number): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), 20);
  const patience = setTimeout(() => app.server.closeAllConnections(), drainMs);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(patience);
  }
}
