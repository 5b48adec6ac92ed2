import { z } from 'zod';
import { digestOfJson } from '../domain/digest.js';
import { PortError } from '../domain/failures.js';
import {
  lifecycleRequestSchema,
  type LifecycleRequest,
  type ResolvedSpec,
} from '../domain/lifecycle.js';
import { nearestName } from '../domain/nearest-name.js';
import { parseModelSpec, type ModelSpec } from '../domain/spec.js';
import { defineActivity } from './define-activity.js';

/** The worker's models by name. */
export type Models = Readonly<Record<string, ModelSpec>>;

/** Resolves names of a request against the worker's own configuration. */
export function createResolveActivities({ models }: { models: Models }) {
  return {
    /** The complete specification of a request's model, with its overrides, as plain JSON. Throws `UnknownModel`, `InvalidSpec`. */
    resolveSpec: defineActivity(
      z.strictObject({ request: lifecycleRequestSchema }),
      ({ request }) => Promise.resolve(resolveSpec(models, request)),
    ),
  };
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
