/**
 * Spans of workflow code, as an interceptor module of the bundle that is made where a collector is named. OpenTelemetry's own
 * interceptors put a few turns of the event loop around handlers, and the commands come in another order: a history made with
 * them does not replay without. These hand on the very promises they get, so that replay never sees whether they are there.
 */
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { OpenTelemetrySinks, SerializableSpan } from '@temporalio/interceptors-opentelemetry';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import {
  AsyncLocalStorage,
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type WorkflowInterceptorsFactory,
} from '@temporalio/workflow';
import { z } from 'zod';
import { digestOfJson } from '../domain/digest.js';

/** Where OpenTelemetry's interceptors of client and activities look for it. */
const HEADER = '_tracer-data';
const carrierSchema = z.looseObject({
  traceparent: z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
});

/** A span that has begun. */
interface Open {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startedMs: number;
}
type Place = Pick<Open, 'traceId' | 'spanId'>;

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { begin, during } = createSpans();
  const current = new AsyncLocalStorage<Open>();
  const { workflowType } = workflowInfo();
  return {
    inbound: [
      {
        execute: (input, next) => {
          const span = begin(`RunWorkflow:${workflowType}`, placeIn(input.headers));
          return during(
            span,
            current.run(span, () => next(input)),
          );
        },
        handleUpdate: (input, next) => {
          const span = begin(`HandleUpdate:${input.name}`, placeIn(input.headers));
          return during(
            span,
            current.run(span, () => next(input)),
          );
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => {
          const span = begin(`StartActivity:${input.activityType}`, current.getStore());
          const headers = { ...input.headers, [HEADER]: headerOf(span) };
          return during(span, next({ ...input, headers }));
        },
      },
    ],
  };
};

/** The spans of one run. Their ids are made of the run's: the sandbox's random numbers stay for the workflow. */
function createSpans() {
  const { exporter } = proxySinks<OpenTelemetrySinks>();
  const { runId } = workflowInfo();
  let spans = 0;
  return {
    begin: (name: string, parent: Place | undefined): Open => {
      spans += 1;
      return {
        ...{ name, parentSpanId: parent?.spanId, startedMs: Date.now() },
        traceId: parent?.traceId ?? digestOfJson({ trace: runId }).slice(0, 32),
        spanId: digestOfJson({ span: runId, spans }).slice(0, 16),
      };
    },
    /** Ends a span with a promise, and hands on this very promise. */
    during: <Result>(span: Open, running: Promise<Result>): Promise<Result> => {
      const end = (error?: unknown) => exporter.export([ended(span, error)]);
      running.then(
        () => end(),
        (error: unknown) => end(error instanceof ContinueAsNew ? undefined : error),
      );
      return running;
    },
  };
}

function placeIn(headers: Headers): Place | undefined {
  const payload = headers[HEADER];
  if (payload === undefined) return undefined;
  const carrier = carrierSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
  const [, traceId, spanId] = carrier.success ? carrier.data.traceparent.split('-') : [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

function headerOf({ traceId, spanId }: Place) {
  return defaultPayloadConverter.toPayload({ traceparent: `00-${traceId}-${spanId}-01` });
}

function ended(span: Open, error: unknown): SerializableSpan {
  const { name, traceId, spanId, parentSpanId, startedMs } = span;
  const endedMs = Date.now();
  const message = error instanceof Error ? error.message : undefined;
  return {
    ...{ name, kind: SpanKind.INTERNAL, ended: true, attributes: { run_id: workflowInfo().runId } },
    spanContext: { traceId, spanId, traceFlags: TraceFlags.SAMPLED },
    ...(parentSpanId !== undefined && { parentSpanId }),
    startTime: hrTime(startedMs),
    endTime: hrTime(endedMs),
    duration: hrTime(endedMs - startedMs),
    status:
      error === undefined
        ? { code: SpanStatusCode.OK }
        : { code: SpanStatusCode.ERROR, ...(message && { message }) },
    ...{ links: [], events: [], instrumentationLibrary: { name: 'switchyard' } },
    ...{ droppedAttributesCount: 0, droppedLinksCount: 0, droppedEventsCount: 0 },
  };
}

function hrTime(ms: number): [seconds: number, nanoseconds: number] {
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
}
