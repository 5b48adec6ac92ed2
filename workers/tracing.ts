import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import { sourceFile } from '../adapters/package/package-root.js';
import type { Tracing } from '../client/tracing.js';
import { makeWorkflowBundle, withMap } from './bundle.js';
import type { WorkflowsEntry } from './own-workflows.js';

/** What a worker needs so that workflows and activities are spans of the trace that started them. */
export interface WorkerTracing {
  readonly activityInterceptor: ActivityInterceptorsFactory;
  readonly sinks: InjectedSinks<Sinks>;
  readonly workflowBundle: { readonly code: string };
}

/**
 * Workflow code that reports spans is a bundle of its own, made at the start (it takes a second or two): the one that is shipped
 * stays small. It gives the same commands, so histories of either replay on the other.
 */
export async function traceWorker(
  { tracer, spanProcessor, resource }: Tracing,
  entry: WorkflowsEntry,
): Promise<WorkerTracing> {
  const temporal = await import('@temporalio/interceptors-opentelemetry');
  const made = await makeWorkflowBundle({ ...entry, interceptorModules: [TRACED] });
  return {
    activityInterceptor: (context) => ({
      inbound: new temporal.OpenTelemetryActivityInboundInterceptor(context, { tracer }),
      outbound: new temporal.OpenTelemetryActivityOutboundInterceptor(context),
    }),
    sinks: { exporter: temporal.makeWorkflowExporter(spanProcessor, resource) },
    workflowBundle: withMap(made),
  };
}

const TRACED = sourceFile('workflows/traced');
