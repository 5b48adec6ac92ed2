import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { readEndpointEnvironment } from '../../serving/environment.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { testServers } from '../../testing/servers.js';
import { loggedRows } from '../support/log-files.js';
import { textModel, writeModel } from '../support/small-models.js';
import { manifestOf } from './memory-registry.js';
import { aRequest, fieldsOf, until } from './serving-rig.js';

const MAIN = fileURLToPath(new URL('../../serving/main.ts', import.meta.url));

function start(environment: Record<string, string>) {
  return spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('serving/main.ts', () => {
  it('serves what a bucket says, and drains at SIGTERM', async () => {
    await using given = await publishedModel('served');
    const { model, store, registry, digest, environment } = given;
    const served = start({ ...environment, SWITCHYARD_PREDICTION_LOG: 'inputs' });
    const ended = once(served, 'exit');
    try {
      const [line] = await linesOf(served.stdout, 1);
      const { url } = fieldsOf(JSON.parse(line ?? ''));
      assert.deepEqual(await registry.liveReplicas(model), [
        { replica: 'replica-1', digest, generation: 1, problem: null },
      ]);
      const answer = await fetch(`${String(url)}/v2/models/${model}/infer`, {
        method: 'POST',
        body: JSON.stringify(aRequest('refund')),
      });
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), new RegExp(digest));
    } finally {
      served.kill('SIGTERM');
    }
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(await registry.liveReplicas(model), []);
    const logged = await loggedRows(store, model);
    assert.deepEqual(
      logged.map((row) => [row['input_text'], row['label'], row['artifact']]),
      [['refund', 'billing', 'model.onnx']],
    );
  });

  it('is not ready from SIGTERM on, answers all the same for a while, and ends at once at a second one', async () => {
    await using given = await publishedModel('drained');
    const served = start({ ...given.environment, SWITCHYARD_DRAIN_WAIT: '1 minute' });
    const ended = once(served, 'exit');
    const [line] = await linesOf(served.stdout, 1);
    const url = String(fieldsOf(JSON.parse(line ?? ''))['url']);
    const ready = async () => (await fetch(`${url}/v2/health/ready`)).status;
    assert.equal(await ready(), 200);
    served.kill('SIGTERM');
    await until(async () => (await ready()) === 503);
    const answer = await fetch(`${url}/v2/models/${given.model}/infer`, {
      method: 'POST',
      body: JSON.stringify(aRequest('refund')),
    });
    assert.equal(answer.status, 200);
    await until(async () => (await given.registry.liveReplicas(given.model)).length === 0);
    served.kill('SIGTERM');
    assert.deepEqual(await ended, [143, null]);
  });

  it('tells those that keep their connections to leave, so that none has its request refused at the end', async () => {
    await using given = await publishedModel('left');
    const served = start({ ...given.environment, SWITCHYARD_DRAIN_WAIT: '500 ms' });
    const ended = once(served, 'exit');
    const [line] = await linesOf(served.stdout, 1);
    const url = `${String(fieldsOf(JSON.parse(line ?? ''))['url'])}/v2/models/${given.model}/infer`;
    const asking = Promise.all(Array.from({ length: 8 }, () => askUntilTold(url)));
    await until(async () => (await given.registry.liveReplicas(given.model)).length === 1);
    served.kill('SIGTERM');
    const answers = (await asking).flat();
    assert.deepEqual([...new Set(answers)], [200]);
    assert.deepEqual(await ended, [0, null]);
  });

  it('says which variables are missing', async () => {
    const served = start({ SWITCHYARD_MODELS: 'Not A Name' });
    let told = '';
    served.stderr.on('data', (text: Buffer) => (told += text.toString()));
    assert.deepEqual(await once(served, 'exit'), [1, null]);
    await until(() => told.includes('\n'));
    assert.match(told, /SWITCHYARD_BUCKET: .*SWITCHYARD_MODELS/);
  });

  it('takes a folder that outlives it only under a name that does, too', () => {
    const given = {
      ...{ SWITCHYARD_BUCKET: 'bucket', SWITCHYARD_MODELS: 'tickets' },
      SWITCHYARD_CACHE_DIR: '/var/cache',
    };
    assert.throws(() => readEndpointEnvironment(given), {
      type: 'SetUpMissing',
      message: /SWITCHYARD_CACHE_DIR .*SWITCHYARD_REPLICA/,
    });
    const named = readEndpointEnvironment({ ...given, SWITCHYARD_REPLICA: 'one' });
    assert.equal(named.cacheDirectory, '/var/cache');
  });

  it('leaves no folder behind where it does not start', async () => {
    await using folder = await temporaryFolder();
    const failing = start({
      ...{ SWITCHYARD_BUCKET: 'bucket', SWITCHYARD_MODELS: 'tickets', TMPDIR: folder.path },
      SWITCHYARD_TOKENS_FILE: join(folder.path, 'none.json'),
    });
    assert.deepEqual(await once(failing, 'exit'), [1, null]);
    const left = await readdir(folder.path);
    assert.deepEqual(
      left.filter((name) => name.startsWith('switchyard-endpoint-')),
      [],
    );
  });
});

/** Asks on one connection without a pause until an answer says that it closes; resolves to the answers' statuses. */
async function askUntilTold(url: string): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses: number[] = [];
  try {
    for (;;) {
      const sent = request(url, { method: 'POST', agent }).end(JSON.stringify(aRequest('refund')));
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.once('response', resolve).once('error', reject);
      });
      await text(answer);
      statuses.push(answer.statusCode ?? 0);
      if (answer.headers.connection === 'close') return statuses;
    }
  } finally {
    agent.destroy();
  }
}

/** A live version in the test bucket, and the environment of an endpoint that serves it. */
async function publishedModel(name: string) {
  const { s3 } = await testServers();
  const { accessKeyId, secretAccessKey } = s3;
  const store = new S3ObjectStore({ ...s3, credentials: { accessKeyId, secretAccessKey } });
  const registry = new ObjectRegistry(store);
  const model = `${name}-${process.pid}`;
  const folder = await temporaryFolder();
  await writeModel(textModel(), folder.path);
  const { digest, version } = await registry.publish(
    manifestOf(model, textModel(), 0),
    folder.path,
  );
  const candidate = {
    ...{ digest, version, artifact: 'model.onnx' },
    evidence: 'e'.repeat(64),
    decisions: [],
  };
  await registry.changeLive(model, { kind: 'promote', baseline: null, candidate }, 'write-1');
  const environment = {
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SWITCHYARD_BUCKET: s3.bucket,
    SWITCHYARD_MODELS: model,
    SWITCHYARD_REPLICA: 'replica-1',
  };
  return {
    ...{ model, store, registry, digest, environment },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function linesOf(stream: NodeJS.ReadableStream, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  return lines;
}
