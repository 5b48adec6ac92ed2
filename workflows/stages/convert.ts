import type { Finding } from '../../domain/gate.js';
import type { Candidate } from '../../domain/lifecycle.js';
import type { ModelSpec } from '../../domain/spec.js';
import { onQueue, waiting } from '../activity-options.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Retrained } from './retrain.js';

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
