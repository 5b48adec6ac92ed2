import { workflowInfo } from '@temporalio/workflow';
import type {
  Candidate,
  LifecycleRequest,
  LifecycleStatus,
  Stage,
  Tested,
} from '../domain/lifecycle.js';
import { openDesk, type Desk } from './desk.js';
import { createLedger, type Ledger } from './ledger.js';
import { recordTime } from './measure.js';

/** One candidate's run: where decisions arrive, what must be undone, and how far it is. */
export interface Lifecycle {
  readonly request: LifecycleRequest;
  /** The first run's id: names its staging, its requests to `liveModel` and its evidence. */
  readonly run: string;
  readonly desk: Desk;
  readonly ledger: Ledger;
  readonly candidate: Candidate | null;
  readonly tested: Tested | null;
  enter(stage: Stage): void;
  carry(found: { candidate?: Candidate; tested?: Tested }): void;
  status(): LifecycleStatus;
}

/** Registers the decision handlers too; call it before the workflow's first await. */
export function createLifecycle(request: LifecycleRequest): Lifecycle {
  const desk = openDesk();
  const ledger = createLedger();
  let stage: Stage = 'resolve';
  let enteredAt = Date.now();
  let candidate: Candidate | null = null;
  let tested: Tested | null = null;
  return {
    request,
    run: workflowInfo().firstExecutionRunId,
    desk,
    ledger,
    get candidate() {
      return candidate;
    },
    get tested() {
      return tested;
    },
    enter: (next) => {
      recordTime('switchyard_stage', Date.now() - enteredAt, { model: request.model, stage });
      stage = next;
      enteredAt = Date.now();
    },
    carry: (found) => {
      candidate = found.candidate ?? candidate;
      tested = found.tested ?? tested;
    },
    status: () => ({
      model: request.model,
      stage,
      version: candidate?.version ?? null,
      digest: candidate?.digest ?? null,
      evidence: desk.evidence,
      waitingFor: desk.waitingFor(),
      table: tested?.table ?? [],
      decisions: desk.decisions,
      refusals: desk.refusals,
      ledger: ledger.rows,
    }),
  };
}
