import { log, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { lifecycleDetails } from '../domain/lifecycle-details.js';
import type {
  Candidate,
  LifecycleOutcome,
  LifecycleRequest,
  LifecycleStatus,
  SnapshotRef,
  Stage,
  Tested,
} from '../domain/lifecycle.js';
import type { JournalEntry } from '../domain/journal.js';
import { shortDigest } from '../domain/names.js';
import type { Frozen } from '../domain/live-state.js';
import { readSignal } from './capped-signal.js';
import { showDetails } from './details.js';
import { openDesk, type Desk } from './desk.js';
import { Journal } from './journal.js';
import { openLedger, type Ledger } from './ledger.js';
import { count, recordTime } from './measure.js';
import { lookAgain } from './messages.js';
import { findBy } from './search-attributes.js';

/** Characters of why it ended that its journal keeps. */
const REASON_KEPT = 2_000;

/** Looks that are asked for; after them it looks by itself only. */
const MOST_LOOKS = 100;

/** One candidate's run: where decisions arrive, what must be undone, how far it is, and how people see all that. */
export class Lifecycle {
  readonly request: LifecycleRequest;
  /** The first run's id: names its staging, its requests to `liveModel` and its evidence. */
  readonly run = workflowInfo().firstExecutionRunId;
  readonly desk: Desk;
  readonly ledger: Ledger;
  readonly journal: Journal;
  /** Who started it, by a verified signature; null: no person that is known. */
  starter: string | null = null;
  /** How often it was told to look again at what it waits for. */
  looks = 0;
  #stage: Stage = 'resolve';
  #enteredAt = Date.now();
  #candidate: Candidate | null = null;
  #tested: Tested | null = null;
  #heldOut: SnapshotRef | null = null;
  #frozen: Frozen | null = null;
  #ending: string | null = null;
  readonly #answerBy: Record<string, string> = {};

  constructor(request: LifecycleRequest) {
    this.request = request;
    this.journal = new Journal(request.model);
    this.desk = openDesk(() => this.#draw());
    this.ledger = openLedger((ended) => {
      // counted when it ends, for a failed one may wait for a person for days
      if (ended) count('switchyard_undos', { model: request.model, end: ended.end });
      this.show();
    });
    readSignal(lookAgain, {
      description: 'Try at once what waits for the end of a freeze: {"because": "it is thawed"}',
      atMost: MOST_LOOKS,
      handle: () => {
        this.looks += 1;
        return false;
      },
    });
    this.show();
  }

  get candidate(): Candidate | null {
    return this.#candidate;
  }

  get tested(): Tested | null {
    return this.#tested;
  }

  /** The rows that it was judged by last. */
  get heldOut(): SnapshotRef | null {
    return this.#heldOut;
  }

  /** What it is, as its activities' summaries say it. */
  get name(): string {
    const version = this.#candidate?.version;
    return version === undefined ? this.request.model : `${this.request.model} version ${version}`;
  }

  enter(stage: Stage): void {
    const { model } = this.request;
    recordTime('switchyard_stage', Date.now() - this.#enteredAt, { model, stage: this.#stage });
    this.#stage = stage;
    this.#frozen = null;
    this.#enteredAt = Date.now();
    const { version, digest } = this.#candidate ?? {};
    log.info('stage', {
      ...{ model, stage },
      ...(digest !== undefined && { version, digest: shortDigest(digest) }),
    });
    this.show();
  }

  carry(found: { candidate?: Candidate; tested?: Tested; heldOut?: SnapshotRef }): void {
    this.#candidate = found.candidate ?? this.#candidate;
    // a list of runs shows it, where a search attribute would be one more to register
    if (found.candidate) upsertMemo({ version: found.candidate.version });
    this.#tested = found.tested ?? this.#tested;
    this.#heldOut = found.heldOut ?? this.#heldOut;
    this.#draw();
  }

  /** A role was asked, and must answer by this time (ms since the epoch). */
  asks(role: string, answerBy: number): void {
    this.#answerBy[role] = new Date(answerBy).toISOString();
  }

  /** Its promotion waits for the end of a freeze; null: it does not any more. */
  waitsForThaw(frozen: Frozen | null): void {
    this.#frozen = frozen;
    this.show();
  }

  async ended(outcome: LifecycleOutcome): Promise<void> {
    const reason = 'reason' in outcome ? outcome.reason : null;
    const told = await this.#writeEnd(outcome.outcome, reason);
    this.#ending = `${outcome.outcome}${reason === null ? '' : `: ${reason}`}${told}`;
    upsertMemo({ outcome: outcome.outcome });
    this.enter('ended');
  }

  /** Brings details and search attributes up to date; call it before a wait, next to other commands. */
  show(): void {
    const { model, stage, verdict, waitingFor } = this.status();
    findBy({ ModelName: model, Stage: stage, Verdict: verdict, WaitingFor: waitingFor });
    this.#draw();
  }

  /**
   * It did not come to an outcome: how it broke, and what was undone, kept where no worker is needed to read it.
   * @param reason - Null: it was cancelled.
   */
  async broke(reason: string | null): Promise<void> {
    const told = await this.#writeEnd(reason === null ? 'cancelled' : 'failed', reason);
    this.#ending = `${reason === null ? 'cancelled' : `failed: ${reason}`}${told}`;
    if (this.ledger.rows.length > 0) upsertMemo({ ledger: [...this.ledger.rows] });
    this.show();
  }

  status(): LifecycleStatus {
    const { desk, ledger } = this;
    return {
      model: this.request.model,
      stage: this.#stage,
      version: this.#candidate?.version ?? null,
      digest: this.#candidate?.digest ?? null,
      evidence: desk.evidence,
      page: this.#tested?.page ?? null,
      waitingFor: this.#waitingFor(),
      toSign: desk.toSign,
      answerBy: this.#answerBy,
      frozen: this.#frozen,
      verdict: this.#tested?.verdict ?? null,
      table: this.#tested?.table ?? [],
      ...(this.#tested?.twin !== undefined && { twin: this.#tested.twin }),
      findings: this.#tested?.findings ?? [],
      decisions: desk.decisions,
      refusals: desk.refusals,
      ledger: ledger.rows,
      undoing: ledger.running,
      ending: this.#ending,
    };
  }

  /** Resolves to what people must know of it besides how it ended, mostly nothing. */
  async #writeEnd(
    outcome: Extract<JournalEntry, { kind: 'ended' }>['outcome'],
    reason: string | null,
  ): Promise<string> {
    const { version = null, digest = null } = this.#candidate ?? {};
    const rows = this.ledger.rows.map((row) => ({ kind: 'undone', row }) as const);
    const end = { ...{ outcome, version, digest }, evidence: this.#tested?.evidence ?? null };
    const short = reason && reason.slice(0, REASON_KEPT);
    const why = await this.journal.ended(this.desk.decisions, [
      ...rows,
      { kind: 'ended', ...end, reason: short },
    ]);
    return why === null ? '' : `; its journal is not whole: ${why}`;
  }

  #waitingFor(): readonly string[] {
    if (this.ledger.open.length > 0) return ['undo'];
    return this.#frozen === null ? this.desk.waitingFor() : ['thaw'];
  }

  #draw(): void {
    showDetails(() => lifecycleDetails(this.status(), workflowInfo().workflowId));
  }
}

/** Registers the handlers of decisions too; call it before the workflow's first await. */
export function createLifecycle(request: LifecycleRequest): Lifecycle {
  return new Lifecycle(request);
}
