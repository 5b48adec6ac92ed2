import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from '@temporalio/worker';
import { z } from 'zod';
import { workflowsEntry } from '../../workers/own-workflows.js';
import { traceWorker } from '../../workers/tracing.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { approveBoth, openProcessLine } from '../lifecycle/processes.js';
import { testServers } from '../../testing/servers.js';
import { startWorkerProcess } from './worker-process.js';

const START = fileURLToPath(new URL('fixtures/start-lifecycle.ts', import.meta.url));

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
});
type Span = z.infer<typeof spanSchema>;

const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) }),
  ),
});

/** A collector that takes OTLP over HTTP in JSON, as the exporter sends it. */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { resourceSpans } = exportSchema.parse(body);
      for (const { scopeSpans } of resourceSpans)
        spans.push(...scopeSpans.flatMap((each) => each.spans));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    spans,
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('traces', () => {
  it('join a start, its workflow, its activities and the change of the pointer in one trace', async () => {
    const { temporal } = await testServers();
    await using collector = await startCollector();
    await using line = await openProcessLine('traced');
    await using folder = await temporaryFolder();
    const OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
    await using worker = await startWorkerProcess({
      SWITCHYARD_TASK_QUEUE: line.model,
      SWITCHYARD_WORK_DIR: folder.path,
      OTEL_EXPORTER_OTLP_ENDPOINT,
    });
    await line.startEndpoint();
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', START], {
      env: {
        PATH: process.env['PATH'],
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: temporal.namespace,
        MODEL: line.model,
        OTEL_EXPORTER_OTLP_ENDPOINT,
      },
    });
    const workflowId = stdout.trim();
    await approveBoth(line.switchyard, workflowId);
    assert.equal((await line.switchyard.outcome(workflowId)).outcome, 'live');
    worker.signal('SIGTERM'); // what waits is sent
    assert.deepEqual(await worker.ended, { code: 0, signal: null });

    const spanOf = (name: string) => {
      const found = collector.spans.find((span) => span.name === name);
      assert.ok(found, `${name} is none of ${collector.spans.map((span) => span.name).join(', ')}`);
      return found;
    };
    const start = spanOf('StartWorkflow:modelLifecycle');
    const run = spanOf('RunWorkflow:modelLifecycle');
    assert.deepEqual([run.traceId, run.parentSpanId], [start.traceId, start.spanId]);
    const parents = new Map(collector.spans.map((span) => [span.spanId, span.parentSpanId]));
    for (const activity of ['trainModel', 'assembleEvidence', 'promoteVersion']) {
      const span = spanOf(`RunActivity:${activity}`);
      assert.equal(span.traceId, start.traceId, activity);
      assert.equal(parents.get(span.parentSpanId ?? ''), run.spanId, activity);
    }
    assert.equal(spanOf('RunActivity:writeLive').traceId, start.traceId);
    // at the end of its scope the line replays the history on the bundle without tracing
  }).timeout(90_000);

  it('leave histories of workers without them replayable', async () => {
    const { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } =
      await import('@opentelemetry/sdk-trace-base');
    const { Resource } = await import('@opentelemetry/resources');
    const spanProcessor = new BatchSpanProcessor(new InMemorySpanExporter());
    const tracer = new BasicTracerProvider().getTracer('test');
    const clientInterceptor = {};
    const flush = () => Promise.resolve();
    const resource = new Resource({});
    const tracing = { tracer, spanProcessor, resource, clientInterceptor, flush };
    const traced = await traceWorker(tracing, await workflowsEntry({ root: '.' }));
    const { workflowBundle, sinks } = traced;
    for (const name of ['went-live', 'live-model', 'undone-after-failed-deploy']) {
      const file = new URL(`../replay/histories/${name}.json`, import.meta.url);
      const history: unknown = JSON.parse(await readFile(file, 'utf8'));
      await Worker.runReplayHistory({ workflowBundle, sinks }, history, name);
    }
  }).timeout(60_000);
});
