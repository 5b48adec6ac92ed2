import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { z } from 'zod';
import {
  manifestKey,
  parseVersionKey,
  stagingPrefix,
  versionFileKey,
  versionsPrefix,
} from '../../adapters/registry/keys.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Lifecycles, type LifecycleRow } from '../../client/lifecycles.js';
import {
  liveStateSchema,
  liveVersionOf,
  type LiveState,
  type ServedVersion,
} from '../../domain/live-state.js';
import { shortDigest } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import { classify } from '../../scripts/demo/endpoint-client.js';
import { isAlive } from '../../scripts/servers/is-alive.js';

/** What is looked at, once everything has come to rest. */
export interface InvariantsGiven {
  readonly store: ObjectStore;
  readonly client: Client;
  readonly models: readonly string[];
  /** Workflow ids of lifecycles whose start was acknowledged. */
  readonly started: readonly string[];
  /** Endpoints that still run, by url: each must answer with what `live.json` names. */
  readonly endpoints?: readonly string[];
  /** Processes that must be gone. */
  readonly pids?: readonly number[];
  /** A world's `mark`: no process may carry it any more. */
  readonly mark?: string;
  /** What an ended run staged may lie for this long; default 0. */
  readonly orphanMs?: number;
  /** Lifecycles that somebody terminated: they need no end of their own, and may leave what a reconciler finds. */
  readonly terminated?: readonly string[];
}

/** Everything that is not as it must be, a sentence each; empty: all is well. */
export async function violationsOf(given: InvariantsGiven): Promise<readonly string[]> {
  const rows = await startedRows(given);
  const registry = new ObjectRegistry(given.store);
  const ofModels = given.models.map(async (model) => [
    ...(await versionViolations(given.store, registry, model)),
    ...(await liveViolations(registry, model)),
    ...(await servingViolations(registry, model, given.endpoints ?? [])),
  ]);
  const found = await Promise.all([
    Promise.resolve(startViolations(given, rows)),
    ...ofModels,
    undoViolations(given, registry, rows),
    orphanViolations(given, rows),
    childViolations(given),
  ]);
  return found.flat();
}

type Started = ReadonlyMap<string, LifecycleRow | null>;

async function startedRows({ client, started }: InvariantsGiven): Promise<Started> {
  const lifecycles = new Lifecycles({ client });
  const rows = await inBatches(started, async (id) => [id, await lifecycles.find(id)] as const);
  return new Map(rows);
}

/** An acknowledged start reaches a terminal state, or waits where people see it. */
function startViolations({ terminated = [] }: InvariantsGiven, rows: Started): string[] {
  return [...rows].flatMap(([id, row]) => {
    if (row === null) return [`${id} was acknowledged, and Temporal does not know it`];
    const { end, stage, waitingFor } = row;
    if (end === 'terminated' || end === 'timed-out') {
      return terminated.includes(id) ? [] : [`${id} was ${end}; nobody ordered that`];
    }
    const waits = waitingFor.length > 0 || stage === 'gather';
    if (end !== 'open' || waits) return [];
    return [`${id} is open in stage ${stage ?? 'unknown'}, and says nobody to wait for`];
  });
}

/** One manifest a number, one number a manifest, no gaps, and every byte as the manifest says. */
export async function versionViolations(
  store: ObjectStore,
  registry: ObjectRegistry,
  model: string,
): Promise<readonly string[]> {
  const { objects } = await store.list(versionsPrefix(model));
  const places = objects.flatMap(({ key }) => parseVersionKey(model, key) ?? []);
  const numbers = [...new Set(places.map(({ version }) => version))].sort((a, b) => a - b);
  const gaps = numbers.flatMap((number, index) =>
    number === index + 1 ? [] : [`${model} has a version ${number} and no ${index + 1}`],
  );
  const finished = places.filter(({ isManifest }) => isManifest).map(({ version }) => version);
  const versions: RegisteredVersion[] = [];
  const broken: string[] = [];
  for (const number of finished) {
    try {
      const version = await registry.version(model, number);
      if (version !== null) versions.push(version);
    } catch (error) {
      broken.push(`${manifestKey(model, number)}: ${messageOf(error)}`);
    }
  }
  const twice = versions.filter(({ digest }, index) =>
    versions.slice(0, index).some((other) => other.digest === digest),
  );
  const bytes = await Promise.all(versions.map((version) => fileViolations(store, model, version)));
  return [
    ...gaps,
    ...broken,
    ...twice.map(({ version }) => `${model} version ${version} has the manifest of another number`),
    ...bytes.flat(),
  ];
}

async function fileViolations(
  store: ObjectStore,
  model: string,
  { version, manifest }: RegisteredVersion,
): Promise<readonly string[]> {
  const found = await inBatches(manifest.files, async ({ path, sha256 }) => {
    const key = versionFileKey(model, version, path);
    const stored = await store.get(key);
    if (stored === null) return [`${key} is missing, and its manifest names it`];
    const actual = createHash('sha256').update(stored.bytes).digest('hex');
    return actual === sha256 ? [] : [`${key} has other bytes than its manifest says`];
  });
  return found.flat();
}

/** `live.json` names a version with a complete manifest, its evidence and the decisions that it needs. */
export async function liveViolations(
  registry: ObjectRegistry,
  model: string,
): Promise<readonly string[]> {
  try {
    const state = (await registry.live(model))?.state;
    if (state === undefined) return [];
    const { live, withdrawn } = state;
    const named = liveVersionOf(state);
    if (live !== null && named === null)
      return [`${model} is live at ${shortDigest(live)}, which live.json does not describe`];
    const again =
      live !== null && withdrawn.includes(live)
        ? [`${model} serves ${shortDigest(live)}, which was withdrawn`]
        : [];
    const served = await Promise.all(
      state.served.map((each) => servedViolations(registry, model, each)),
    );
    return [...again, ...served.flat()];
  } catch (error) {
    return [`live.json of ${model}: ${messageOf(error)}`];
  }
}

async function servedViolations(
  registry: ObjectRegistry,
  model: string,
  { version, digest, artifact, evidence, decisions }: ServedVersion,
): Promise<readonly string[]> {
  const name = `live.json of ${model} names version ${version} (${shortDigest(digest)})`;
  const registered = await registry.version(model, version);
  if (registered?.digest !== digest) return [`${name}, which the registry does not have`];
  const found = await registry.evidence(model, digest, evidence);
  if (found === null) return [`${name} without its evidence ${shortDigest(evidence)}`];
  const report = await registry.testReport(model, digest, found.testReport);
  const missing = found.roles.filter(
    (role) =>
      !decisions.some(
        (each) => each.role === role && each.decision === 'approved' && each.evidence === evidence,
      ),
  );
  return [
    ...(registered.manifest.artifacts.includes(artifact)
      ? []
      : [`${name} with the artifact ${artifact}, which it does not have`]),
    ...(found.manifest === digest ? [] : [`${name} with evidence about another version`]),
    ...(report === null || report.verdict === 'failed'
      ? [`${name}, whose gates did not pass`]
      : []),
    ...missing.map((role) => `${name} without the approval of ${role}`),
  ];
}

const SERVING_PATIENCE_MS = 10_000;

/** What is served is what `live.json` names; replicas have a moment to follow. */
export async function servingViolations(
  registry: ObjectRegistry,
  model: string,
  endpoints: readonly string[],
  patienceMs = SERVING_PATIENCE_MS,
): Promise<readonly string[]> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const violations = await servingNow(registry, model, endpoints);
    if (violations.length === 0 || performance.now() > endMs) return violations;
    await pause(100);
  }
}

async function servingNow(
  registry: ObjectRegistry,
  model: string,
  endpoints: readonly string[],
): Promise<readonly string[]> {
  const live = (await registry.live(model).catch(() => null))?.state.live ?? null;
  const replicas = await registry.liveReplicas(model);
  const reported = replicas
    .filter(({ digest }) => digest !== live)
    .map(
      ({ replica, digest }) =>
        `${replica} reports ${shown(digest)} of ${model}, and ${shown(live)} is live`,
    );
  const answers = await Promise.all(
    endpoints.map(async (url) => {
      const digest = await classify(url, model, ['refund']).then(
        (answer) => answer.digest,
        () => null,
      );
      return digest === live
        ? []
        : [`${url} answers with ${shown(digest)} of ${model}, and ${shown(live)} is live`];
    }),
  );
  return [...reported, ...answers.flat()];
}

/** A lifecycle that did not go live left no promotion of its own, and each of its undos says how it ended. */
async function undoViolations(
  given: InvariantsGiven,
  registry: ObjectRegistry,
  rows: Started,
): Promise<readonly string[]> {
  const others = [...rows.values()].flatMap((row) =>
    row === null || row.end === 'open' || row.outcome === 'live' ? [] : [row],
  );
  const states = new Map(
    await Promise.all(
      given.models.map(async (model) => {
        const reading = await registry.live(model).catch(() => null);
        return [model, reading?.state ?? null] as const;
      }),
    ),
  );
  const found = await inBatches(others, async (row) => {
    if (given.terminated?.includes(row.workflowId)) return [];
    const state = row.model === null ? null : (states.get(row.model) ?? null);
    const ledger = await ledgerOf(given.client, row.workflowId);
    return [
      ...promotionViolations(row, state),
      ...ledger
        .filter(isUnsettled)
        .map(
          ({ step, note }) =>
            `${row.workflowId} has ended, and its undo of ${step} failed: ${note}`,
        ),
    ];
  });
  return found.flat();
}

/** A failed undo that nobody closed. */
function isUnsettled({ end, accepted }: LedgerRow): boolean {
  return end === 'failed' && (accepted === undefined || accepted === null);
}

/** What serves was not put there by a lifecycle that ended otherwise than live. */
export function promotionViolations(
  {
    workflowId,
    runId,
    outcome,
    end,
  }: Pick<LifecycleRow, 'workflowId' | 'runId' | 'outcome' | 'end'>,
  state: LiveState | null,
): readonly string[] {
  const live = state === null ? null : liveVersionOf(state);
  if (live?.promotion?.startsWith(`${runId}/`) !== true) return [];
  return [
    `${workflowId} ended ${outcome ?? end}, and its promotion of ${shortDigest(live.digest)} still serves`,
  ];
}

const ledgerRowSchema = z.looseObject({
  step: z.string(),
  end: z.string(),
  note: z.string(),
  accepted: z.looseObject({ by: z.string() }).nullable().optional(),
});
/** A row of a ledger, as an outcome or a failure carries it. */
export type LedgerRow = z.infer<typeof ledgerRowSchema>;

const ledgerSchema = z.looseObject({ ledger: z.array(ledgerRowSchema) });

/** The ledger of a run that has ended: of its outcome, or of its memo where it failed or was cancelled. */
export async function ledgerOf(client: Client, workflowId: string): Promise<readonly LedgerRow[]> {
  try {
    const outcome: unknown = await client.workflow.getHandle(workflowId).result();
    return ledgerSchema.safeParse(outcome).data?.ledger ?? [];
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    // also that of a cancelled run, whose failure carries nothing
    const { memo } = await client.workflow.getHandle(workflowId).describe();
    return ledgerSchema.safeParse(memo).data?.ledger ?? [];
  }
}

/** What a run that has ended staged is gone, or younger than the sweep. */
async function orphanViolations(given: InvariantsGiven, rows: Started): Promise<readonly string[]> {
  const { store, orphanMs = 0, terminated = [] } = given;
  const ended = [...rows.values()].flatMap((row) =>
    row === null || row.end === 'open' || terminated.includes(row.workflowId) ? [] : [row],
  );
  const found = await inBatches(ended, async ({ workflowId, runId }) => {
    const { objects, now } = await store.list(stagingPrefix(runId));
    const old = objects.filter(
      ({ modifiedAt }) => now.getTime() - modifiedAt.getTime() >= orphanMs,
    );
    return old.length === 0
      ? []
      : [
          `${workflowId} has ended, and ${old.length} objects that it staged still lie there, such as ${old[0]?.key ?? ''}`,
        ];
  });
  return found.flat();
}

/** No child process is left; those that are ending have a moment. */
export async function childViolations({
  pids = [],
  mark,
  patienceMs = CHILDREN_PATIENCE_MS,
}: Pick<InvariantsGiven, 'pids' | 'mark'> & { patienceMs?: number }): Promise<readonly string[]> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const alive = pids.filter(isAlive).map((pid) => `process ${pid} still runs`);
    const marked = mark === undefined ? [] : await marks(mark);
    const left = [...alive, ...marked.map((each) => `a process was left behind: ${each}`)];
    if (left.length === 0 || performance.now() > endMs) return left;
    await pause(100);
  }
}

/** A model's process notices its worker's death by the end of a pipe. */
const CHILDREN_PATIENCE_MS = 5_000;

/** Processes with this text in their environment, by pid and command line; Linux only, elsewhere none. */
async function marks(mark: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (!environment.includes(mark)) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command === '' ? [] : [`${pid} ${command.replaceAll('\0', ' ').trim()}`]; // empty: it is ending
    }),
  );
  return found.flat();
}

/** Looks at `live.json` of some models again and again; a generation that goes back, or is two things, is a violation. */
export interface LiveWatch {
  /** How often it has looked at all of them. */
  readonly looks: number;
  /** Ends the watch; resolves to what it saw. */
  stop(): Promise<readonly string[]>;
}

const WATCH_EVERY_MS = 100;

export function watchLive(store: ObjectStore, models: readonly string[]): LiveWatch {
  const seen = new Map<string, LiveState>();
  const violations = new Set<string>();
  const stopped = new AbortController();
  let looks = 0;
  const look = async (model: string) => {
    const stored = await store.get(`models/${model}/live.json`).catch(() => null);
    if (stored === null) return;
    const state = liveStateSchema.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    for (const each of generationViolations(seen.get(model) ?? null, state)) violations.add(each);
    seen.set(model, state);
  };
  const watching = (async () => {
    for (;;) {
      // at least once, also after the stop
      const last = stopped.signal.aborted;
      await inBatches(models, look);
      looks += 1;
      if (last) return;
      await pause(WATCH_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  watching.catch(() => undefined); // whoever stops it hears of it
  return {
    get looks() {
      return looks;
    },
    stop: async () => {
      stopped.abort();
      await watching;
      return [...violations];
    },
  };
}

/** A generation only grows, and each is one write. */
export function generationViolations(before: LiveState | null, now: LiveState): readonly string[] {
  if (before === null) return [];
  const { model, generation, writeId } = now;
  if (generation < before.generation) {
    return [
      `live.json of ${model} went back from generation ${before.generation} to ${generation}`,
    ];
  }
  const isOther = generation === before.generation && writeId !== before.writeId;
  return isOther
    ? [
        `generation ${generation} of ${model} was written twice, by ${before.writeId} and ${writeId}`,
      ]
    : [];
}

const AT_ONCE = 16;

async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  }
  return results;
}

const shown = (digest: string | null) => (digest === null ? 'nothing' : shortDigest(digest));
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
