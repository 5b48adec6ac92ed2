import { setTimeout as pause } from 'node:timers/promises';
import type { Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkflowClientInterceptor } from '@temporalio/client';

/** Spans of this process on their way to a collector. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly spanProcessor: SpanProcessor;
  readonly resource: Resource;
  /** Starts a span at every call to a workflow, and tells the workflow of it. */
  readonly clientInterceptor: WorkflowClientInterceptor;
  /** Sends what waits; gives up after 3 s, so that a collector that is away keeps no process from ending. */
  flush(): Promise<void>;
}

const FLUSH_MS = 3_000;

let started: Promise<Tracing | null> | undefined;

/**
 * Starts OpenTelemetry once a process, where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) names a collector that takes
 * OTLP over HTTP; without it nothing is loaded. Its further variables are OpenTelemetry's own.
 * @param service - the process's name where `OTEL_SERVICE_NAME` gives none.
 */
export function startTracing(service: string): Promise<Tracing | null> {
  const { env } = process;
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (endpoint === undefined || endpoint === '') return Promise.resolve(null);
  started ??= load(env['OTEL_SERVICE_NAME'] ?? service);
  return started;
}

async function load(service: string): Promise<Tracing> {
  const [{ OTLPTraceExporter }, trace, { Resource }, temporal, { AsyncContext }] =
    await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      import('@temporalio/interceptors-opentelemetry'),
      import('./async-context.js'),
    ]);
  const resource = new Resource({ ...Resource.default().attributes, 'service.name': service });
  const spanProcessor = new trace.BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new trace.BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register({ contextManager: new AsyncContext() });
  const tracer = provider.getTracer('switchyard');
  return {
    ...{ tracer, spanProcessor, resource },
    clientInterceptor: new temporal.OpenTelemetryWorkflowClientInterceptor({ tracer }),
    flush: async () => {
      const patience = new AbortController();
      const late = pause(FLUSH_MS, undefined, { signal: patience.signal }).catch(() => undefined);
      const sent = provider.forceFlush().catch(() => undefined); // a collector's trouble is not ours
      await Promise.race([sent, late]);
      patience.abort();
    },
  };
}
