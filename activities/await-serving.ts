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

/** How a wait for a target ended. */
export interface ServingEnd {
  /** `superseded`: `live.json` names another version by now, so that this one will not be served. */
  readonly kind: 'serves' | 'superseded';
  /** The target's sentence, or what is live instead. */
  readonly note: string;
}

/**
 * Resolves when the target serves the digest, or as soon as `live.json` names another one in a newer generation.
 * @throws PortError `UnknownTarget`; `ReplicasNotReady` at the deadline.
 */
export async function awaitServing(
  ports: ServingPorts,
  awaited: AwaitedServing,
  signal: AbortSignal,
): Promise<ServingEnd> {
  const target = targetOf(ports, awaited);
  const pollMs = awaited.target === ENDPOINT ? ENDPOINT_POLL_MS : TARGET_POLL_MS;
  const { model, digest, generation, deadline } = awaited;
  const until = Date.now() + durationMs(deadline);
  const newerLive = newerLiveOf(ports.registry, awaited);
  for (;;) {
    const newer = await newerLive();
    if (newer !== null) return { kind: 'superseded', note: newer };
    const { serves, note } = await target.serving({ model, digest, generation });
    if (serves) return { kind: 'serves', note };
    const leftMs = until - Date.now();
    if (leftMs <= 0) {
      throw new PortError('ReplicasNotReady', `after ${deadline}, ${note}`, {
        details: { model, digest, target: awaited.target },
      });
    }
    await delay(Math.min(pollMs, leftMs), undefined, { signal });
  }
}

/** Looks whether another version was made live since, by a fallback or another promotion; null where none was. */
function newerLiveOf(
  registry: Registry,
  { model, digest, generation }: AwaitedServing,
): () => Promise<string | null> {
  let etag: string | null = null;
  return async () => {
    const reading = await registry.liveIfChanged(model, etag);
    if (reading === 'unchanged' || reading === null) return null;
    etag = reading.etag;
    const { live, generation: now } = reading.state;
    if (live === digest || now <= generation) return null;
    const shown = live === null ? 'nothing' : shortDigest(live);
    return `${shown} was made live, in generation ${now}, before ${shortDigest(digest)} of generation ${generation} was served everywhere`;
  };
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
