import type { Finding } from '../../domain/gate.js';
import type { Candidate } from '../../domain/lifecycle.js';
import type { ModelSpec } from '../../domain/spec.js';
import { onQueue, waiting } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Retrained } from './retrain.js';
import { registerStaging } from './staging.js';

export type Converted =
  | { readonly kind: 'version'; readonly candidate: Candidate }
  | { readonly kind: 'parity-missed'; readonly finding: Finding };

/** ONNX whose answers equal the source framework's: from here on the candidate is a version. */
export async function convert(
  lifecycle: Lifecycle,
  spec: ModelSpec,
  { snapshots, trained }: Retrained,
): Promise<Converted> {
  lifecycle.enter('convert');
  const { run } = lifecycle;
  registerStaging(lifecycle);
  const converted = await onQueue(
    'train',
    spec.train.deadline,
    `convert ${spec.model} to ONNX, compare answers`,
  ).convertToOnnx({
    spec,
    snapshots,
    trained,
    run,
  });
  if (converted.kind === 'parity-missed') return converted;
  // no undo: a version is immutable and its number is never given again, so one that does not go live stays, as a record of what
  // was tried; what a half-written one left is finished by the same candidate or deleted by the reconciler
  const candidate = await waiting(
    '10 minutes',
    `publish a version of ${spec.model}`,
  ).publishVersion({
    spec,
    snapshots,
    trained,
    run,
    converted: converted.staged,
  });
  lifecycle.carry({ candidate });
  return { kind: 'version', candidate };
}
