/** The worker's process: environment in, log lines on stderr. */
import { createLog } from '../adapters/process/process-log.js';
import { isPortError } from '../domain/failures.js';
import { readWorkerEnvironment } from './environment.js';
import { runWorker } from './run-worker.js';

let log = createLog('worker');
try {
  const environment = readWorkerEnvironment(process.env);
  log = createLog('worker', environment.logLevel);
  await runWorker(environment, log);
  process.exit(0); // all is closed; a socket that is not must not keep a stopped worker
} catch (error) {
  if (!isPortError(error)) throw error;
  log.fatal({ type: error.type, ...error.details }, error.message);
  process.exit(1); // whatever is still open, such as a connection that goes on trying
}
