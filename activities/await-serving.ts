import { setTimeout as delay } from 'node:timers/promises';
import { durationMs } from '../domain/duration.js';
import { PortError } from '../domain/failures.js';
import { shortDigest } from '../domain/names.js';
import type { Registry, ReplicaReport } from '../domain/ports/registry.js';
import type { Target } from '../domain/ports/target.js';

/** The target that every project has: replicas that report to the registry what they serve. */
const ENDPOINT = 'endpoint';

const ENDPOINT_POLL_MS = 100;
const TARGET_POLL_MS = 1_000;

export interface ServingPorts {
  readonly registry: Registry;
  /** The project's own targets by name. */
  readonly targets: Readonly<Record<string, Target>>;
}

export interface AwaitedServing {
  readonly model: string;
  readonly digest: string;
  readonly generation: number;
  readonly target: string;
  /** How many replicas must live; the endpoint's business only. */
  readonly minReplicas: number;
  readonly deadline: string;
}

/**
 * Resolves to the target's note when it serves the digest.
 * @throws PortError `UnknownTarget`; `ReplicasNotReady` at the deadline.
 */
export async function awaitServing(
  ports: ServingPorts,
  awaited: AwaitedServing,
  signal: AbortSignal,
): Promise<{ note: string }> {
  const target = targetOf(ports, awaited);
  const pollMs = awaited.target === ENDPOINT ? ENDPOINT_POLL_MS : TARGET_POLL_MS;
  const { model, digest, generation, deadline } = awaited;
  const until = Date.now() + durationMs(deadline);
  for (;;) {
    const { serves, note } = await target.serving({ model, digest, generation });
    if (serves) return { note };
    const leftMs = until - Date.now();
    if (leftMs <= 0) {
      throw new PortError('ReplicasNotReady', `after ${deadline}, ${note}`, {
        details: { model, digest, target: awaited.target },
      });
    }
    await delay(Math.min(pollMs, leftMs), undefined, { signal });
  }
}

function targetOf({ registry, targets }: ServingPorts, awaited: AwaitedServing): Target {
  const { target: name, model, minReplicas } = awaited;
  if (name === ENDPOINT) return endpoint(registry, minReplicas);
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  if (target === undefined) {
    throw new PortError(
      'UnknownTarget',
      `model "${model}" deploys to the target "${name}", which this worker's configuration does not have; it has ${[ENDPOINT, ...Object.keys(targets)].join(', ')}`,
      { details: { model, target: name } },
    );
  }
  return named(name, target);
}

/** Serves when enough replicas live and all of them serve the digest. */
function endpoint(registry: Registry, minReplicas: number): Target {
  return {
    serving: async ({ model, digest }) => {
      const replicas = await registry.liveReplicas(model);
      const others = replicas.filter((replica) => replica.digest !== digest);
      const ready = replicas.length - others.length;
      const count = `${ready} of ${replicas.length} replicas of "${model}" serve ${shortDigest(digest)}`;
      const serves = others.length === 0 && ready >= minReplicas;
      const why = others.map(instead).join('; ') || 'start an endpoint';
      return { serves, note: serves ? count : `${count} and at least ${minReplicas} must: ${why}` };
    },
  };
}

function instead({ replica, digest, problem }: ReplicaReport): string {
  const serves = digest === null ? 'nothing' : shortDigest(digest);
  return `${replica} serves ${serves}${problem === null ? '' : ` (${problem})`}`;
}

function named(name: string, target: Target): Target {
  return {
    serving: async (given) => {
      const { serves, note } = await target.serving(given);
      const { model, digest } = given;
      const does = serves ? 'serves' : 'does not serve';
      const sentence = `target "${name}" ${does} ${shortDigest(digest)} of "${model}": ${note}`;
      return { serves, note: sentence.slice(0, 2_000) };
    },
  };
}
