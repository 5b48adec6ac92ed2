import type { Client } from '@temporalio/client';
import type { Activities } from '../activities/index.js';
import { TemporalLivePointer } from '../client/live-pointer.js';
import type { LifecycleRequest } from '../domain/lifecycle.js';
import {
  liveChangeSchema,
  liveWritten,
  servedVersionSchema,
  type LiveChange,
  type LiveState,
} from '../domain/live-state.js';
import { stepLive } from '../domain/live-step.js';
import type { LivePointer } from '../domain/ports/live-pointer.js';
import type { ModelSpec } from '../domain/spec.js';
import { followUpWorkflowId } from '../workflows/follow-up-messages.js';
import { aCandidate, aDigest, aSnapshot, aSpec, aTested } from './builders.js';

/** Whose journal the fakes write. */
const A_RUN = '0195d1a0-0000-7000-8000-000000000001';

const recordedCandidate = servedVersionSchema.omit({ since: true, promotion: true });

/** `live.json` of each model in memory, by the real rule; what the fakes' `writeLive` writes. */
export class MemoryLive {
  readonly #states = new Map<string, LiveState>();
  /** Writes that changed something. */
  writes = 0;

  state(model: string): LiveState | null {
    return this.#states.get(model) ?? null;
  }

  change(model: string, change: LiveChange, writeId: string) {
    const before = this.state(model);
    const now = '2026-01-01T00:00:00Z';
    const { kind, next } = stepLive(before, change, { model, writeId, now });
    if (next !== null) {
      this.#states.set(model, next);
      this.writes += 1;
    }
    return liveWritten(kind, next ?? before);
  }
}

/**
 * Every activity, answering at once with fixed values, so that a test shows one rule of a workflow. Promotion goes the real way:
 * through `liveModel`, whose write is in memory.
 */
export function fakeActivities(
  given: { client: Client; taskQueue: string },
  options: { live?: MemoryLive; spec?: ModelSpec; overrides?: Partial<Activities> } = {},
): Activities {
  const live = options.live ?? new MemoryLive();
  const spec = options.spec ?? aSpec();
  const staged = (run: string) => ({ run, stage: 'retrain', attempt: 1, files: [] }) as const;
  return {
    resolveSpec: (input: { request: LifecycleRequest }) =>
      Promise.resolve({
        spec: { ...spec, model: input.request.model },
        digest: aDigest('spec'),
      }),
    takeSnapshots: () =>
      Promise.resolve({ train: aSnapshot(), heldOut: aSnapshot({ digest: aDigest('held-out') }) }),
    takeHeldOut: () => Promise.resolve(aSnapshot({ digest: aDigest('held-out later') })),
    trainModel: ({ run }) =>
      Promise.resolve({
        staged: { ...staged(run), files: [] },
        metrics: {},
        trainerLock: aDigest('lock'),
        code: aDigest('code'),
      }),
    convertToOnnx: ({ run }) =>
      Promise.resolve({ kind: 'converted', staged: { ...staged(run), files: [] } }),
    publishVersion: () => Promise.resolve(aCandidate()),
    sweepStaging: () => Promise.resolve(3),
    measureSystem: ({ run }) => Promise.resolve({ ...staged(run), files: [] }),
    measureQuality: ({ run, spec: { model } }) =>
      Promise.resolve({
        staged: { ...staged(run), files: [] },
        baseline: live.state(model)?.live ?? null,
      }),
    assembleEvidence: ({ baseline, round }) =>
      Promise.resolve(aTested({ baseline, ...(round > 199 && { evidence: aDigest(round) }) })),
    ...fakeDeploy(new TemporalLivePointer(given), live),
    writeJournal: ({ after, entries }) =>
      Promise.resolve({
        ...{ run: A_RUN, line: (after?.line ?? 0) + entries.length },
        digest: aDigest('line'),
      }),
    ...fakeMonitoring(),
    ...fakeReconciling(),
    notify: () => Promise.resolve(),
    openFollowUp: ({ followUp: { model, key } }) =>
      Promise.resolve({ workflowId: followUpWorkflowId(model, key), opened: true }),
    verifyClose: () => Promise.resolve({ refused: null }),
    ...options.overrides,
  };
}

/** Promotion goes the real way, through `liveModel`; what that writes is in memory. */
function fakeDeploy(pointer: LivePointer, live: MemoryLive) {
  return {
    promoteVersion: ({ model, candidate, evidence, decisions, baseline, requestId, asker }) => {
      const { version, digest, artifact } = candidate;
      const served = { version, digest, artifact, evidence, decisions };
      return pointer.ask(
        model,
        {
          kind: 'promote',
          candidate: recordedCandidate.parse(served),
          baseline,
          ...(asker && { asker }),
        },
        requestId,
      );
    },
    undoPromotion: ({ model, requestId, ...undone }) =>
      pointer.ask(model, { kind: 'undo-promotion', ...undone }, requestId),
    awaitServing: () => Promise.resolve({ kind: 'serves', note: 'endpoint-1 serves it' }),
    writeLive: ({ model, change, writeId }) =>
      Promise.resolve(live.change(model, liveChangeSchema.parse(change), writeId)),
  } satisfies Partial<Activities>;
}

/** Nothing is half done; a test of the reconciler says what is. */
function fakeReconciling() {
  return {
    lookForProblems: () =>
      Promise.resolve({
        looked: { models: 1, versions: 1, replicas: 1, staged: 0 },
        ...{ problems: [], more: 0, suspects: [] },
      }),
    sweepOrphans: () => Promise.resolve({ objects: 0, bytes: 0, spared: [] }),
    adoptLive: () => Promise.resolve(),
  } satisfies Partial<Activities>;
}

/** Nothing is watched; a test of the monitor says what its activities answer. */
function fakeMonitoring() {
  const gone = { kind: 'gone', reason: 'the fakes watch nothing' } as const;
  return {
    planMonitor: () => Promise.resolve(gone),
    judgeWindow: () => Promise.resolve(gone),
    joinLabels: () => Promise.resolve({ seen: null, rows: [], afterMs: null }),
    lookForNewData: () => Promise.resolve({ rows: 0, newest: null, since: null }),
    leaveVersion: () =>
      Promise.resolve({ kind: 'no-previous', generation: 0, live: null, left: false }),
    startRetraining: ({ model }) =>
      Promise.resolve({ kind: 'started', workflowId: `lifecycle/${model}/monitor` }),
  } satisfies Partial<Activities>;
}
