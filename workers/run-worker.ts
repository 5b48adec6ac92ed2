import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { probeConditionalWrites } from '../adapters/object-store/probe-conditional-writes.js';
import { S3ObjectStore } from '../adapters/object-store/s3-object-store.js';
import { requiredTrust } from '../adapters/trust/trust-file.js';
import { listenForStop } from '../adapters/process/stop-signals.js';
import { connectClient, type ConnectedClient } from '../client/connect.js';
import { registerSearchAttributes } from '../client/search-attributes.js';
import { startTracing } from '../client/tracing.js';
import type { ObjectStore } from '../domain/ports/object-store.js';
import type { TrustSource } from '../domain/ports/trust.js';
import type { Meter } from '../domain/worker-metrics.js';
import type { WorkerEnvironment } from './environment.js';
import { Failpoints } from './failpoints.js';
import { startOperationsServer } from './operations-server.js';
import { bringWorkflowBundle, workflowsEntry } from './own-workflows.js';
import { loadProject } from './project.js';
import { whatIsMissing } from './readiness.js';
import { untilReleased } from './released.js';
import { installRuntime } from './runtime.js';
import { traceWorker } from './tracing.js';
import { watchActivities } from './watched-activities.js';
import { giveStandingOrders } from './standing-orders.js';
import { wireActivities } from './wire.js';
import { requiredSealer } from './witness.js';
import { createWorkers, type WorkerBuild, type Workers } from './worker.js';

/** Two racing writers show a store that ignores conditions; more cost a start on SeaweedFS up to a second each. */
const PROBE_WRITERS = 2;

/**
 * Runs one worker process until SIGTERM or SIGINT; it takes these signals, and installs the SDK's runtime.
 * @throws PortError whose sentence says what is missing, wrong or unreachable.
 */
export async function runWorker(environment: WorkerEnvironment, log: Logger): Promise<void> {
  const stop = listenForStop();
  const tracing = await startTracing('switchyard-worker');
  const project = await loadProject(environment.config);
  const store = new S3ObjectStore(environment);
  const [connected] = await Promise.all([
    connectClient(),
    probeConditionalWrites(store, { writers: PROBE_WRITERS }),
  ]);
  const measures = environment.metricsPort !== undefined;
  const { metricsUrl } = await installRuntime({ log, measures });
  const meter = Runtime.instance().metricMeter;
  const connection = await NativeConnection.connect(loadClientConnectConfig().connectionOptions);
  const { taskQueue, shutdownGraceMs, build } = environment;
  const { client } = connected;
  const traced = tracing && (await traceWorker(tracing, await workflowsEntry(project)));
  await registerSearchAttributes(client);
  const trust = await requiredTrust(environment.trustFile);
  const wired = await wire(environment, { project, store, client, log, meter, trust });
  const workers = await createWorkers({
    ...{ connection, taskQueue, shutdownGraceMs, build },
    namespace: client.options.namespace,
    workflowBundle: traced?.workflowBundle ?? (await bringWorkflowBundle(project, log)),
    ...(traced && { sinks: traced.sinks }),
    activities: wired.activities,
    activityInterceptors: [...(traced ? [traced.activityInterceptor] : []), ...wired.interceptors],
  });
  const operations = await serveOperations(
    environment,
    metricsUrl,
    { workers, store, connected },
    log,
  );
  const { address } = connected;
  log.info({ taskQueue, address, models: Object.keys(project.models), ...build }, 'polling');
  const stopping = new AbortController();
  void stop.first.then((signal) => {
    log.info({ signal, shutdownGraceMs }, 'stopping: no new work is taken');
    stopping.abort();
    workers.shutdown();
  });
  const running = workers.run();
  const { models, reconcile } = project;
  void ordersOnceReleased({ client, taskQueue, models, reconcile, log }, build, stopping);
  await running;
  await operations?.close();
  await connected.close();
  await connection.close();
  log.info({}, 'stopped');
}

/** A build that is not released gives no orders: they would go by its specifications, before its code is at work. */
async function ordersOnceReleased(
  orders: Parameters<typeof giveStandingOrders>[0] & { readonly log: Logger },
  build: WorkerBuild | undefined,
  { signal }: AbortController,
): Promise<void> {
  if (await untilReleased({ ...orders, build, signal })) await giveStandingOrders(orders);
}

/** Activities on their ports, and what is around each. */
async function wire(
  environment: WorkerEnvironment,
  ports: Omit<
    Parameters<typeof wireActivities>[0],
    'taskQueue' | 'workDir' | 'failpoints' | 'sealer'
  > & { meter: Meter; trust: TrustSource },
) {
  const { failpoints: given, taskQueue, workDir } = environment;
  const sealer = await requiredSealer(environment, ports.trust);
  const failpoints = new Failpoints(given);
  const activities = wireActivities({ ...ports, taskQueue, workDir, failpoints, sealer });
  failpoints.checkNames(Object.keys(activities));
  const innermost = given.length === 0 ? [] : [failpoints.interceptor];
  return { activities, interceptors: [watchActivities(ports.meter), ...innermost] };
}

/** Metrics and health, where a port is given. */
async function serveOperations(
  environment: WorkerEnvironment,
  metricsUrl: string | null,
  {
    workers,
    store,
    connected,
  }: { workers: Workers; store: ObjectStore; connected: ConnectedClient },
  log: Logger,
) {
  const { metricsPort, metricsHost } = environment;
  if (metricsPort === undefined || metricsUrl === null) return null;
  const notReady = () =>
    whatIsMissing([
      { what: 'polling', check: () => throwing(workers.notPolling()) },
      {
        what: `Temporal at ${connected.address}`,
        check: () => connected.client.workflowService.getSystemInfo({}),
      },
      { what: 'the bucket', check: () => store.get('probes/ready') },
    ]);
  const build = environment.build?.buildId ?? null;
  const given = { host: metricsHost, port: metricsPort, metricsUrl, notReady, build };
  const server = await startOperationsServer(given);
  log.info({ url: server.url }, 'metrics and health');
  return server;
}

function throwing(problem: string | null): Promise<void> {
  return problem === null ? Promise.resolve() : Promise.reject(new Error(problem));
}
