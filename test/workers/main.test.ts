import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { z } from 'zod';
import { freePort } from '../../scripts/servers/free-ports.js';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';
import { environmentOnTestServers, MAIN } from './worker-process.js';

const CONFIG = fileURLToPath(
  new URL('../lifecycle/fixtures/switchyard.config.ts', import.meta.url),
);
const PATIENCE_MS = 15_000;

const lineSchema = z.object({ level: z.number(), type: z.string(), msg: z.string() });

/** How a worker that cannot work ends. */
interface End {
  readonly code: number | null;
  readonly ms: number;
  readonly type: string;
  readonly sentence: string;
}

/** Runs a worker on the test servers, except for what is given, until it ends. */
async function endOfWorker(environment: Record<string, string>): Promise<End> {
  const startedAt = Date.now();
  const worker = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...(await environmentOnTestServers(CONFIG)), ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 2 * PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const [log] = await Promise.all([text(worker.stderr), once(worker, 'exit')]);
  const { exitCode: code } = worker;
  const ms = Date.now() - startedAt;
  const [line, ...others] = log.trimEnd().split('\n');
  assert.deepEqual(others, [], 'more than one line');
  const { type, msg } = lineSchema.parse(JSON.parse(line ?? ''));
  return { code, ms, type, sentence: msg };
}

/** A store that accepts every write, whatever its conditions. */
async function startCarelessStore(): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { etag: '"same"' }).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function assertEnds(end: End, type: string, sentence: RegExp): void {
  assert.deepEqual([end.code, end.type], [1, type], end.sentence);
  assert.match(end.sentence, sentence);
  assert.ok(end.ms < PATIENCE_MS, `${end.ms} ms`);
}

describe('workers/main.ts', () => {
  it('ends with one sentence where no Temporal server answers', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const end = await endOfWorker({ TEMPORAL_ADDRESS: address });
    assertEnds(end, 'TemporalUnreachable', new RegExp(`no Temporal server answers at ${address};`));
  });

  it('ends with one sentence where no store answers', async () => {
    const end = await endOfWorker({ S3_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
    assertEnds(end, 'StoreUnreachable', /store/);
  });

  it('ends with one sentence where there is no such bucket', async () => {
    const end = await endOfWorker({ SWITCHYARD_BUCKET: 'nobody-made-it' });
    assertEnds(end, 'StoreRefused', /nobody-made-it/);
  });

  it('refuses a store that ignores conditions', async () => {
    await using store = await startCarelessStore();
    const end = await endOfWorker({ S3_ENDPOINT: store.url });
    assertEnds(
      end,
      'StoreIgnoresConditions',
      /2 of 2 writers at once succeeded with If-None-Match/,
    );
  });

  it('ends with one sentence where its configuration is missing', async () => {
    const end = await endOfWorker({ SWITCHYARD_CONFIG: '/no/such/switchyard.config.ts' });
    assertEnds(end, 'SetUpMissing', /\/no\/such\/switchyard\.config\.ts does not load/);
  });

  it('says which variables are missing', async () => {
    const end = await endOfWorker({ SWITCHYARD_BUCKET: '' });
    assertEnds(end, 'SetUpMissing', /SWITCHYARD_BUCKET/);
  });

  it('ends where a search attribute of its namespace has another type', async () => {
    const { temporal } = await testServers();
    const namespace = `worker-${randomUUID().slice(0, 8)}`;
    const connection = await Connection.connect({ address: temporal.address });
    try {
      await connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs('1 day'),
      });
      const list = () => connection.operatorService.listSearchAttributes({ namespace });
      await until('the namespace is there', () => list().catch(() => undefined));
      const wrong: Record<string, number> = { Verdict: 3 }; // Int
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wrong });
      const end = await endOfWorker({ TEMPORAL_NAMESPACE: namespace });
      assertEnds(
        end,
        'SetUpMissing',
        /^the search attribute Verdict .* is not of the type Keyword: /,
      );
    } finally {
      await connection.close();
    }
  });
});
