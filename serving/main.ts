/** The endpoint's process: environment in, one JSON line `{"url":…}` on stdout once it listens, log lines on stderr. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { ChildModelRuntime } from '../adapters/model-runtime/child-model-runtime.js';
import { S3ObjectStore } from '../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../adapters/registry/object-registry.js';
import { requiredTrust } from '../adapters/trust/trust-file.js';
import { createLog } from '../adapters/process/process-log.js';
import { listenForStop } from '../adapters/process/stop-signals.js';
import { isPortError } from '../domain/failures.js';
import { readEndpointEnvironment } from './environment.js';
import type { EndpointEnvironment } from './environment.js';
import { startEndpoint } from './serve.js';

/** Serves until SIGTERM or SIGINT, then answers what is under way. */
async function main(environment: EndpointEnvironment, log: Logger): Promise<void> {
  const stop = listenForStop();
  const cache = await openCache(environment);
  try {
    const serving = await startEndpoint({
      ...environment,
      registry: new ObjectRegistry(new S3ObjectStore(environment)),
      runtime: new ChildModelRuntime({ busyPollMs: environment.busyPollMs }),
      cacheDirectory: cache.directory,
      trust: await requiredTrust(environment.trustFile),
      log,
    });
    const { url, replica } = serving;
    process.stdout.write(`${JSON.stringify({ url, replica })}\n`);
    log.info({ url, replica, models: environment.models }, 'serving');
    const signal = await stop.first;
    log.info({ signal }, 'draining');
    await serving.close();
  } finally {
    await cache.close();
  }
  log.info({}, 'stopped');
}

/** The configured folder, one a replica, which the next start finds again; else one that goes with this process. */
async function openCache({ cacheDirectory, replica }: EndpointEnvironment) {
  if (cacheDirectory !== undefined) {
    return { directory: join(cacheDirectory, replica), close: () => Promise.resolve() };
  }
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-endpoint-'));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}

let log = createLog('endpoint');
try {
  const environment = readEndpointEnvironment(process.env);
  log = createLog('endpoint', environment.logLevel);
  await main(environment, log);
  process.exit(0); // all is closed; a socket that is not must not keep a stopped endpoint
} catch (error) {
  if (!isPortError(error)) throw error;
  log.fatal({ type: error.type, ...error.details }, error.message);
  process.exit(1);
}
