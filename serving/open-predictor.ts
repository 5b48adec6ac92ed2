import { randomUUID } from 'node:crypto';
import { ChildModelRuntime } from '../adapters/model-runtime/child-model-runtime.js';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';
import type { ModelRuntime } from '../domain/ports/model-runtime.js';
import { NO_TRUST, type TrustSource } from '../domain/ports/trust.js';
import { SILENT, type Log } from './log.js';
import { offer, withdraw } from './offered-models.js';
import { OfferedPredictor, type Predictor } from './predictor.js';
import type { ServingRegistry } from './serve.js';

export interface OpenPredictorOptions {
  readonly registry: Omit<ServingRegistry, 'reportReplica' | 'removeReplica'>;
  /** Where versions are kept on disk: what is there serves also while the store is away. One folder a process. */
  readonly cacheDirectory: string;
  /** By whom a version must be approved before it is opened; where left out, decisions are not signed. */
  readonly trust?: TrustSource;
  /** default: onnxruntime-node in a child process, on one thread. */
  readonly runtime?: ModelRuntime;
  /** Cap of one version's process; default 1 GiB. */
  readonly memoryLimitBytes?: number;
  readonly loadDeadlineMs?: number;
  /** Of one batch; default 10 s. */
  readonly inferTimeoutMs?: number;
  /** How often `live.json` is looked at; default 250. */
  readonly pollMs?: number;
  readonly trustEveryMs?: number;
  /** Writes the inputs into the prediction log instead of their sha256, so that `switchyard reproduce` needs nothing else. */
  readonly logsInputs?: boolean;
  /** Names this process in the prediction log: 1 to 63 of a-z, 0-9 and "-". A random one where left out. */
  readonly name?: string;
  readonly log?: Log;
}

const DEFAULTS = {
  trust: NO_TRUST,
  memoryLimitBytes: 1024 * 1024 * 1024,
  loadDeadlineMs: 60_000,
  inferTimeoutMs: 10_000,
  pollMs: 250,
  trustEveryMs: 10_000,
  logsInputs: false,
  log: SILENT,
} as const;

/** Its own program is the only one that asks: how much may wait is what that program lets wait. */
const NO_BOUNDS = {
  maxWaiting: Number.POSITIVE_INFINITY,
  maxWaitingBytes: Number.POSITIVE_INFINITY,
  maxWaitMs: Number.POSITIVE_INFINITY,
  /** Nobody else can be asked meanwhile. */
  reopenPatienceMs: 60_000,
} as const;

/**
 * Opens what is live of a model, in a program of your own. It is verified as an endpoint verifies it, follows `live.json` (a fallback
 * takes no load: the version before stays open), and runs in a process of its own, so that neither your event loop nor your memory is
 * the model's. Resolves when the live version is open or has failed to open; `serving` says which.
 *
 * @throws PortError `InvalidName` of a name that is none.
 *
 * @example
 * await using predictor = await openPredictor('ads', { registry, cacheDirectory: '.models' });
 * for await (const { label, error, requestId } of predictor.stream(documents)) { … }
 */
export async function openPredictor(
  model: string,
  options: OpenPredictorOptions,
): Promise<Predictor> {
  const replica = nameOf(options.name ?? `predictor-${randomUUID()}`);
  const runtime = options.runtime ?? new ChildModelRuntime();
  const offered = offer(model, { ...DEFAULTS, ...NO_BOUNDS, ...options, replica, runtime });
  await offered.resident.catchUp();
  return new OfferedPredictor(offered, () => withdraw(offered));
}

/** It becomes part of the names of files. */
function nameOf(given: string): string {
  const { success, error } = nameSchema.safeParse(given);
  if (success) return given;
  const why = error.issues.map(({ message }) => message).join('; ');
  throw new PortError(
    'InvalidName',
    `a predictor cannot be named ${JSON.stringify(given)}: ${why}`,
  );
}
