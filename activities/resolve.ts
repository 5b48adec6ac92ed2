import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { digestOfJson } from '../domain/digest.js';
import { PortError } from '../domain/failures.js';
import {
  lifecycleRequestSchema,
  type LifecycleRequest,
  type ResolvedSpec,
} from '../domain/lifecycle.js';
import { nearestName } from '../domain/nearest-name.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { keysOf, type Trust } from '../domain/signing/trust.js';
import { signedRequest, verifyStart } from '../domain/signing/verify-start.js';
import { parseModelSpec, type ModelSpec } from '../domain/spec.js';
import { defineActivity } from './define-activity.js';

/** The worker's models by name. */
export type Models = Readonly<Record<string, ModelSpec>>;

export interface ResolvePorts {
  readonly models: Models;
  readonly trust: TrustSource;
}

/** Resolves names of a request against the worker's own configuration. */
export function createResolveActivities({ models, trust }: ResolvePorts) {
  return {
    /**
     * The complete specification of a request's model, with its overrides, as plain JSON, and who started it. Throws `UnknownModel`,
     * `InvalidSpec`, or `InvalidRequest` where its signature does not hold.
     */
    resolveSpec: defineActivity(
      z.strictObject({ request: lifecycleRequestSchema }),
      async ({ request }): Promise<ResolvedSpec> => ({
        ...resolveSpec(models, request),
        starter: starterOf(request, await trust.read()),
      }),
    ),
  };
}

/**
 * Who started it, by a signature that holds; null where it has none, or nothing is signed here. It may be looked at late, such as once a
 * worker is there: it names its workflow, and a run of that id begins with the very same request.
 */
function starterOf(request: LifecycleRequest, trust: Trust | null): string | null {
  const signed = signedRequest(request);
  if (signed === null || trust === null) return null;
  const { workflowExecution, currentAttemptScheduledTimestampMs } = Context.current().info;
  const result = verifyStart(signed, {
    ...{ environment: trust.environment, keys: keysOf(trust), mayBeLate: true },
    ...{ wid: workflowExecution?.workflowId ?? '' },
    acceptedMs: currentAttemptScheduledTimestampMs,
  });
  if ('person' in result) return result.person;
  throw new PortError(
    'InvalidRequest',
    `the start of "${request.model}" is not signed as it says: ${result.sentence}`,
  );
}

/** @throws PortError `UnknownModel`, naming the nearest known one, or `InvalidSpec`. */
export function resolveSpec(models: Models, request: LifecycleRequest): ResolvedSpec {
  const known = findModel(models, request.model);
  const spec = parseModelSpec({
    ...known,
    train: {
      ...known.train,
      parameters: { ...known.train.parameters, ...request.parameters },
      trainRows: request.trainRows ?? known.train.trainRows,
      heldOutRows: request.heldOutRows ?? known.train.heldOutRows,
      seed: request.seed ?? known.train.seed,
    },
  });
  return { spec, digest: digestOfJson(spec) };
}

/** @throws PortError `UnknownModel`. */
export function findModel(models: Models, model: string): ModelSpec {
  const known = Object.hasOwn(models, model) ? models[model] : undefined;
  if (known) return known;
  const names = Object.keys(models);
  const nearest = nearestName(model, names);
  throw new PortError(
    'UnknownModel',
    `no model "${model}" in switchyard.config.ts${nearest === null ? '.' : `, did you mean "${nearest}"?`} It has: ${names.join(', ') || 'none'}`,
    { details: { model } },
  );
}
