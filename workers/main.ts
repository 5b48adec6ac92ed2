import { NativeConnection, Runtime, DefaultLogger } from '@temporalio/worker';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { pino } from 'pino';
import { probeConditionalWrites } from '../adapters/object-store/probe-conditional-writes.js';
import { S3ObjectStore } from '../adapters/object-store/s3-object-store.js';
import { connectClient } from '../client/connect.js';
import { isPortError } from '../domain/failures.js';
import { readWorkflowBundle } from './bundle.js';
import { readWorkerEnvironment } from './environment.js';
import { loadProject } from './project.js';
import { wireActivities } from './wire.js';
import { createWorkers } from './worker.js';

const log = pino({ name: 'worker' }, pino.destination({ dest: 2, sync: true }));

/** Two racing writers show a store that ignores conditions; more cost a start on SeaweedFS up to a second each. */
const PROBE_WRITERS = 2;

/** Runs one worker process until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const environment = readWorkerEnvironment(process.env);
  const project = await loadProject(environment.config);
  const store = new S3ObjectStore(environment);
  const [connected] = await Promise.all([
    connectClient(),
    probeConditionalWrites(store, { writers: PROBE_WRITERS }),
  ]);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) =>
      (level === 'ERROR' ? log.error : log.warn).call(log, { ...meta }, message),
    ),
  });
  const connection = await NativeConnection.connect(loadClientConnectConfig().connectionOptions);
  const { taskQueue, workDir } = environment;
  const workers = await createWorkers({
    connection,
    namespace: connected.client.options.namespace,
    taskQueue,
    workflowBundle: await readWorkflowBundle(),
    activities: wireActivities({
      project,
      store,
      client: connected.client,
      taskQueue,
      workDir,
      log,
    }),
  });
  log.info(
    { taskQueue, address: connected.address, models: Object.keys(project.models) },
    'polling',
  );
  await workers.run();
  await connected.close();
  await connection.close();
}

try {
  await main();
  process.exit(0); // all is closed; a socket that is not must not keep a stopped worker
} catch (error) {
  if (!isPortError(error)) throw error;
  log.fatal({ type: error.type, ...error.details }, error.message);
  process.exit(1); // whatever is still open, such as a connection that goes on trying
}
