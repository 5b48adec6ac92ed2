/** The endpoint's process: environment in, one JSON line `{"url":…}` on stdout once it listens, log lines on stderr. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ChildModelRuntime } from '../adapters/model-runtime/child-model-runtime.js';
import { S3ObjectStore } from '../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../adapters/registry/object-registry.js';
import { isPortError } from '../domain/failures.js';
import { readEndpointEnvironment } from './environment.js';
import type { EndpointEnvironment } from './environment.js';
import { startEndpoint } from './serve.js';

const log = pino({ name: 'endpoint' }, pino.destination({ dest: 2, sync: true }));

/** Serves until SIGTERM or SIGINT, then answers what is under way. */
async function main(): Promise<void> {
  const environment = readEndpointEnvironment(process.env);
  const cache = await openCache(environment);
  const serving = await startEndpoint({
    ...environment,
    registry: new ObjectRegistry(new S3ObjectStore(environment)),
    runtime: new ChildModelRuntime(),
    cacheDirectory: cache.directory,
    log,
  });
  process.stdout.write(`${JSON.stringify({ url: serving.url, replica: serving.replica })}\n`);
  log.info({ url: serving.url, replica: serving.replica, models: environment.models }, 'serving');
  const signal = await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  log.info({ signal }, 'draining');
  await serving.close();
  await cache.close();
}

/** The configured folder, one a replica, which the next start finds again; else one that goes with this process. */
async function openCache({ cacheDirectory, replica }: EndpointEnvironment) {
  if (cacheDirectory !== undefined) {
    return { directory: join(cacheDirectory, replica), close: () => Promise.resolve() };
  }
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-endpoint-'));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}

try {
  await main();
} catch (error) {
  if (!isPortError(error)) throw error;
  log.fatal({ type: error.type, ...error.details }, error.message);
  process.exitCode = 1;
}
