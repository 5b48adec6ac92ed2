import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Switchyard } from '../../client/switchyard.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { startEndpoint } from '../../serving/serve.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { publishVersions } from '../bench/lifecycle/publish-versions.js';
import { storeOf } from '../lifecycle/processes.js';

/** Environment variables by situation, and what the commands can name there. */
export interface CliWorld extends AsyncDisposable {
  /** A folder without a development state; commands are typed in it. */
  readonly folder: string;
  /** Has two versions, and one open run where nobody works and one where somebody does. */
  readonly model: string;
  readonly nowhere: Readonly<Record<string, string>>;
  readonly silent: Readonly<Record<string, string>>;
  readonly withoutWorker: Readonly<Record<string, string>>;
  readonly whole: Readonly<Record<string, string>>;
  /** JSON lines with one text. */
  readonly rows: string;
  /** JSON lines with the label of one answer. */
  readonly labels: string;
}

/** Starts what the commands are tried against. */
export async function openCliWorld(): Promise<CliWorld> {
  const parts: (() => PromiseLike<unknown>)[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-cli-'));
  parts.push(() => rm(folder, { recursive: true, force: true }));
  const model = `known-${randomUUID().slice(0, 8)}`;
  const silent = await silentServer();
  parts.push(silent.stop);
  const { environment, registry } = await theServers();
  await publishVersions(registry, model, 2);
  const rig = await startRig('cli', (given) =>
    fakeActivities(given, { overrides: { resolveSpec: onlyKnows(model, given) } }),
  );
  parts.push(() => rig[Symbol.asyncDispose]());
  const nobody = `nobody-${randomUUID().slice(0, 8)}`;
  for (const taskQueue of [rig.taskQueue, nobody]) {
    await new Switchyard({ client: rig.client, taskQueue }).start({ model });
  }
  const endpoint = await startEndpoint({
    ...{ registry, models: [model], replica: 'cli-1', runtime: new ChildModelRuntime() },
    cacheDirectory: join(folder, 'cache'),
  });
  parts.push(() => endpoint.close());
  const [rows, labels] = [join(folder, 'rows.jsonl'), join(folder, 'labels.csv')];
  await writeFile(rows, '{"text": "refund", "label": "billing"}\n');
  await writeFile(labels, 'requestId,label\nnobody-asked,billing\n');
  const urls = { ...environment, SWITCHYARD_ENDPOINT_URL: endpoint.url };
  return {
    ...{ folder, model, rows, labels },
    nowhere: placeAt(await freePort()),
    silent: placeAt(silent.port),
    withoutWorker: { ...urls, SWITCHYARD_TASK_QUEUE: nobody },
    whole: { ...urls, SWITCHYARD_TASK_QUEUE: rig.taskQueue },
    [Symbol.asyncDispose]: async () => {
      for (const stop of parts.reverse()) await stop();
    },
  };
}

async function theServers() {
  const servers = await testServers();
  const { temporal, s3 } = servers;
  return {
    registry: new ObjectRegistry(storeOf(servers)),
    environment: {
      TEMPORAL_ADDRESS: temporal.address,
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SWITCHYARD_BUCKET: s3.bucket,
    },
  };
}

/** As a worker does whose configuration has one model. */
function onlyKnows(model: string, given: Parameters<typeof fakeActivities>[0]) {
  const { resolveSpec } = fakeActivities(given);
  return (input: Parameters<typeof resolveSpec>[0]) =>
    input.request.model === model
      ? resolveSpec(input)
      : Promise.reject(
          ApplicationFailure.nonRetryable(`no model "${input.request.model}"`, 'UnknownModel'),
        );
}

/** Temporal, store and endpoint, all at one port of this machine. */
function placeAt(port: number): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    ...{ AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing' },
    SWITCHYARD_BUCKET: 'switchyard',
    SWITCHYARD_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  };
}

/** Accepts, and never answers. */
async function silentServer(): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the silent server has no port');
  return {
    port: address.port,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
