import type { LedgerRow } from './invariants.js';
import type { Kind } from './fixtures/kinds.js';
import {
  carry,
  decided,
  endOf,
  eventually,
  generationOf,
  idOf,
  persistently,
  type Lane,
} from './courses.js';
import type { TcpProxy } from './tcp-proxy.js';
import { isPortError } from '../../domain/failures.js';

/** What a cell can do besides. */
export interface UndoTools {
  /** SIGKILL; the worker that is started in its place has no failpoints any more. */
  readonly replaceWorker: () => Promise<void>;
  /** Between the worker and the store. */
  readonly proxy: TcpProxy;
}

/** One way in which a lifecycle does not go live, and one in which its undo may be disturbed. */
export interface UndoCell {
  readonly name: string;
  readonly kind: Kind;
  /** Of its worker, about the lifecycle that ends badly. */
  readonly failpoints?: readonly string[];
  /** False: nothing is live when it begins. */
  readonly hasBaseline?: boolean;
  /** Brings lifecycle 2 to its end; what serves by then must be what served before it. */
  drive(lane: Lane, model: string, tools: UndoTools): Promise<void>;
  /** One of several: with `or`. */
  readonly end: string;
  /** How its undos ended, the newest step first; `promotion` and `staging`. One of several ends: with `or`. */
  readonly ledger: Readonly<Record<string, string>>;
}

const CLEAN = { staging: 'restored' } as const;
const BOTH = { promotion: 'restored', staging: 'restored' } as const;

/** An activity of a lifecycle that fails for good, before it does anything or after it has done everything. */
function failing(activity: string, at: 'before' | 'after', ledger: UndoCell['ledger']): UndoCell {
  return {
    name: `${activity} fails for good, ${at} its work`,
    kind: 'plain',
    failpoints: [`${activity}@/2 :${at}:fail`],
    drive: (lane, model) => carry(lane, model, 2, 'failed'),
    end: 'failed',
    ledger,
  };
}

/** Cancelled while an activity is silent. */
function cancelledIn(activity: string, ledger: UndoCell['ledger']): UndoCell {
  return {
    name: `cancelled while ${activity} works`,
    kind: 'plain',
    failpoints: [`${activity}@/2 :mid:hang:*`],
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await eventually(`${activity} works`, async () => isPending(lane, workflowId, activity));
      await lane.switchyard.cancel(workflowId);
      await endOf(lane, workflowId);
    },
    end: 'cancelled',
    ledger,
  };
}

async function isPending({ world }: Lane, workflowId: string, activity: string): Promise<boolean> {
  const { raw } = await world.client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? []).some((each) => each.activityType?.name === activity);
}

/** The deploy is never served; a second fault strikes inside of the undo, and what is tried again works. */
function disturbed(failpoint: string): UndoCell {
  return {
    name: `deploy fails, in its undo ${failpoint.replaceAll('@/2 ', '').replaceAll('@', ' of ')}`,
    kind: 'unserved',
    failpoints: [failpoint],
    drive: (lane, model) => carry(lane, model, 2, 'failed'),
    end: 'failed',
    ledger: BOTH,
  };
}

/** An undo fails for good: it waits, then a person has it tried again. */
function retried(step: 'promotion' | 'staging', failpoint: string): UndoCell {
  return {
    name: `deploy fails, the undo of ${step} fails for good, and a person has it tried again`,
    kind: 'unserved',
    failpoints: [failpoint],
    drive: async (lane, model, { replaceWorker }) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await waitsForUndo(lane, workflowId);
      await replaceWorker();
      await persistently(`retryUndo of ${workflowId}`, () =>
        lane.switchyard.retryUndo(workflowId, { by: 'grace@example.com', reason: 'mended' }),
      );
      await endOf(lane, workflowId);
    },
    end: 'failed',
    // the worker may be replaced while it sweeps, beside the undo that waits
    ledger: { promotion: 'restored', staging: 'restored or already-clean' },
  };
}

/** It may have ended meanwhile. */
async function cancelIfOpen({ switchyard }: Lane, workflowId: string): Promise<void> {
  try {
    await switchyard.cancel(workflowId);
  } catch (error) {
    if (!isPortError(error) || error.type !== 'InvalidRequest') throw error;
  }
}

/** Each undo is tried for a minute or two before it is given up. */
const UNDO_PATIENCE_MS = 420_000;

async function waitsForUndo(lane: Lane, workflowId: string): Promise<void> {
  const look = async () => {
    const { stage, waitingFor } = await lane.switchyard.status(workflowId);
    return stage === 'undo' && waitingFor.includes('undo');
  };
  await eventually(`${workflowId} waits for a person`, look, UNDO_PATIENCE_MS);
}

export const UNDO_CELLS: readonly UndoCell[] = [
  // the longest first
  {
    name: 'deploy fails, the store refuses its undo, and a person has it tried again',
    kind: 'orphaned',
    drive: async (lane, model, { proxy }) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await generationOf(lane, model, 2);
      await proxy.refuse();
      await lane.switchyard.cancel(workflowId);
      await waitsForUndo(lane, workflowId);
      await proxy.pass();
      await persistently(`retryUndo of ${workflowId}`, () =>
        lane.switchyard.retryUndo(workflowId, { by: 'grace@example.com' }),
      );
      await endOf(lane, workflowId);
    },
    end: 'cancelled',
    // the last try before it was given up may come through as well
    ledger: { promotion: 'restored or already-clean', staging: 'restored' },
  },
  failing('resolveSpec', 'before', {}),
  failing('takeSnapshots', 'after', {}),
  failing('trainModel', 'before', { staging: 'already-clean' }),
  failing('trainModel', 'after', CLEAN),
  failing('convertToOnnx', 'after', CLEAN),
  failing('publishVersion', 'before', CLEAN),
  failing('publishVersion', 'after', CLEAN),
  failing('measureSystem', 'after', CLEAN),
  failing('measureQuality', 'before', CLEAN),
  failing('assembleEvidence', 'after', CLEAN),
  failing('promoteVersion', 'before', { promotion: 'already-clean', ...CLEAN }),
  failing('promoteVersion', 'after', BOTH),
  failing('awaitServing', 'before', BOTH),
  cancelledIn('trainModel', { staging: 'already-clean' }),
  cancelledIn('convertToOnnx', CLEAN),
  cancelledIn('publishVersion', CLEAN),
  cancelledIn('measureQuality', CLEAN),
  cancelledIn('promoteVersion', BOTH),
  {
    name: 'cancelled while it waits for approval',
    kind: 'gathered',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await asked(lane, workflowId);
      await lane.switchyard.cancel(workflowId);
      await endOf(lane, workflowId);
    },
    end: 'cancelled',
    ledger: CLEAN,
  },
  {
    name: 'cancelled while it waits to be served',
    kind: 'orphaned',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await generationOf(lane, model, 2);
      await lane.switchyard.cancel(workflowId);
      await endOf(lane, workflowId);
    },
    end: 'cancelled',
    ledger: BOTH,
  },
  {
    name: 'cancelled when another was promoted over it, which is cancelled too',
    kind: 'orphaned',
    drive: async (lane, model) => {
      for (const nth of [2, 3]) {
        await lane.switchyard.start({ model, seed: nth }, { workflowId: idOf(model, nth) });
        await generationOf(lane, model, nth);
      }
      for (const nth of [2, 3]) {
        await cancelIfOpen(lane, idOf(model, nth));
        await endOf(lane, idOf(model, nth));
      }
    },
    // where it saw first that another serves, it has ended by itself
    end: 'cancelled or superseded',
    ledger: { promotion: 'conflicted', staging: 'restored' },
  },
  {
    name: 'refused by a role',
    kind: 'gathered',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await decided(lane, workflowId, 'rejected');
      await endOf(lane, workflowId);
    },
    end: 'refused',
    ledger: CLEAN,
  },
  {
    name: 'nobody answers in time',
    kind: 'expiring',
    drive: (lane, model) => carry(lane, model, 2, 'expired'),
    end: 'expired',
    ledger: CLEAN,
  },
  {
    name: 'rejected by its gates',
    kind: 'rejected',
    hasBaseline: false,
    drive: (lane, model) => carry(lane, model, 2, 'rejected'),
    end: 'rejected',
    ledger: CLEAN,
  },
  {
    name: 'what it would promote is live already',
    kind: 'gathered',
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 1 }, { workflowId });
      await decided(lane, workflowId, 'approved');
      await endOf(lane, workflowId);
    },
    end: 'superseded',
    ledger: CLEAN,
  },
  {
    name: 'the deploy is never served',
    kind: 'unserved',
    drive: (lane, model) => carry(lane, model, 2, 'failed'),
    end: 'failed',
    ledger: BOTH,
  },
  disturbed('undoPromotion:mid:kill'),
  disturbed('undoPromotion:mid:hang'),
  disturbed('undoPromotion:after:throw'),
  disturbed('writeLive@undo-promotion:mid:kill'),
  disturbed('writeLive@undo-promotion:mid:throw'),
  disturbed('sweepStaging@/2 :mid:kill'),
  disturbed('sweepStaging@/2 :mid:throw'),
  retried('promotion', 'undoPromotion:before:fail'),
  retried('staging', 'sweepStaging@/2 :mid:fail'),
];

/** Two ends that leave something else than before, on purpose: somebody newer is live, or a person lives with it. */
export const LEFT_CELLS: readonly (UndoCell & { readonly live: 1 | 2 | 3 })[] = [
  {
    name: 'deploy fails, its undo fails for good, and a person accepts that',
    kind: 'unserved',
    failpoints: ['undoPromotion:before:fail'],
    drive: async (lane, model) => {
      const workflowId = idOf(model, 2);
      await lane.switchyard.start({ model, seed: 2 }, { workflowId });
      await waitsForUndo(lane, workflowId);
      const step = 'promotion of version 2';
      await persistently(`acceptUndo of ${workflowId}`, () =>
        lane.switchyard.acceptUndo(workflowId, { step, by: 'grace@example.com', reason: 'chaos' }),
      );
      await endOf(lane, workflowId);
    },
    end: 'failed',
    ledger: { promotion: 'failed', staging: 'restored' },
    live: 2,
  },
];

/** Waits until a role is asked. */
async function asked(lane: Lane, workflowId: string): Promise<void> {
  await eventually(`somebody is asked about ${workflowId}`, async () => {
    const { waitingFor, evidence } = await lane.switchyard.status(workflowId);
    return waitingFor.length > 0 && evidence !== null;
  });
}

/** Rows as a cell names them. */
export function ledgerOfRows(rows: readonly LedgerRow[]): Readonly<Record<string, string>> {
  return Object.fromEntries(rows.map(({ step, end }) => [step.split(' ')[0] ?? step, end]));
}
