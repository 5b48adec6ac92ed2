import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { shortDigest } from '../domain/names.js';
import { countIn, type Meter } from '../domain/worker-metrics.js';

/** What an activity's input may say of its subject; everything else stays out of the log. */
const subjectSchema = z.object({
  model: z.string().optional().catch(undefined),
  spec: z.object({ model: z.string() }).optional().catch(undefined),
  candidate: z.object({ version: z.number(), digest: z.string() }).optional().catch(undefined),
  digest: z.string().optional().catch(undefined),
});

/**
 * Logs the end of every activity with model, version and digest, gives the same fields to whatever is logged inside of it, and
 * counts failed attempts by type. Lifecycle, run, activity and attempt are the SDK's own fields.
 */
export function watchActivities(meter: Meter): ActivityInterceptorsFactory {
  return ({ info, log }) => {
    let subject: Readonly<Record<string, unknown>> = {};
    return {
      inbound: {
        execute: async (input, next) => {
          subject = subjectOf(input.args[0]);
          const startedMs = performance.now();
          try {
            const result = await next(input);
            log.info('done', { elapsedMs: Math.round(performance.now() - startedMs) });
            return result;
          } catch (error) {
            const type = failureType(error);
            countIn(meter, 'switchyard_activity_failures', { activity: info.activityType, type });
            throw error; // the SDK logs it
          }
        },
      },
      outbound: { getLogAttributes: (given, next) => next({ ...given, ...subject }) },
    };
  };
}

function subjectOf(input: unknown): Readonly<Record<string, unknown>> {
  const parsed = subjectSchema.safeParse(input);
  if (!parsed.success) return {};
  const { model, spec, candidate, digest } = parsed.data;
  const about = candidate?.digest ?? digest;
  return {
    ...((model ?? spec) !== undefined && { model: model ?? spec?.model }),
    ...(candidate && { version: candidate.version }),
    ...(about !== undefined && { digest: shortDigest(about) }),
  };
}

function failureType(error: unknown): string {
  if (error instanceof CancelledFailure) return 'cancelled';
  if (error instanceof ApplicationFailure) return error.type ?? 'Error';
  return error instanceof Error ? error.name : 'Error';
}
