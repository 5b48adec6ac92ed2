import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { startServerProcess, untilReady } from '../../../scripts/servers/child-process.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import { ROOT } from '../../../scripts/stack.js';
import { readWorkflowBundle } from '../../../workers/bundle.js';
import { loadProject } from '../../../workers/project.js';
import { wireActivities } from '../../../workers/wire.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { testServers, type TestServers } from '../../../testing/servers.js';
import type { Say } from '../benchmark.js';
import { publishVersions, type Published } from './publish-versions.js';
import { openLink, startWorkers } from './workers.js';

/** A model with published versions, the real workers in this process, and an endpoint in its own. */
export interface Line extends AsyncDisposable {
  readonly model: string;
  readonly taskQueue: string;
  readonly client: Client;
  readonly versions: readonly Published[];
  readonly endpointUrl: string;
  /** S3 calls of the worker's own store so far. */
  calls(): number;
  /** Resolves when it answers. */
  startEndpoint(): Promise<void>;
}

/** Publishes so many versions and starts the workers. */
export async function openLine(count: number, say: Say): Promise<Line> {
  const parts: AsyncDisposable[] = [];
  const keep = <Part extends AsyncDisposable>(part: Part): Part => {
    parts.unshift(part);
    return part;
  };
  const stop = async () => {
    for (const part of parts.splice(0)) await part[Symbol.asyncDispose]();
  };
  try {
    const folder = keep(await temporaryFolder());
    const servers = await testServers();
    const model = `fallback-${randomUUID().slice(0, 8)}`;
    const versions = await publishVersions(registryOf(servers), model, count);
    say(`${count} versions published`);
    let calls = 0;
    const store = storeOf(servers, () => (calls += 1));
    const link = keep(await openLink());
    const { client } = link;
    const activities = wireActivities({
      ...{ client, store, taskQueue: model, workDir: folder.path },
      project: await loadProject(join(ROOT, 'switchyard.config.ts')),
      log: pino({ level: 'silent' }),
    });
    const workflowBundle = await readWorkflowBundle();
    keep(await startWorkers(link, { taskQueue: model, activities, workflowBundle }));
    const port = await freePort();
    return {
      ...{ model, taskQueue: model, client, versions },
      endpointUrl: `http://127.0.0.1:${port}`,
      calls: () => calls,
      startEndpoint: async () => void keep(await startEndpoint(servers, model, port)),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function storeOf({ s3 }: TestServers, onCall: () => void): S3ObjectStore {
  const { accessKeyId, secretAccessKey } = s3;
  return new S3ObjectStore({ ...s3, credentials: { accessKeyId, secretAccessKey }, onCall });
}

function registryOf(servers: TestServers): ObjectRegistry {
  return new ObjectRegistry(storeOf(servers, () => undefined));
}

async function startEndpoint({ s3 }: TestServers, model: string, port: number) {
  const endpoint = await startServerProcess({
    name: 'the endpoint',
    binary: process.execPath,
    args: ['--import', 'tsx', join(ROOT, 'serving/main.ts')],
    env: {
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SWITCHYARD_BUCKET: s3.bucket,
      SWITCHYARD_MODELS: model,
      SWITCHYARD_ENDPOINT_PORT: String(port),
      SWITCHYARD_REPLICA: 'endpoint-1',
    },
  });
  await untilReady('the endpoint', endpoint, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/health/live`);
    return answer.ok ? 'ready' : 'not-yet';
  });
  return endpoint;
}
