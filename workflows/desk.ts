import { log, setHandler } from '@temporalio/workflow';
import {
  askedRoles,
  decisionSchema,
  refusalOf,
  sameDecision,
  type Decision,
  type DecisionInput,
  type DeskState,
  type RecordedDecision,
} from '../domain/decision.js';
import type { Signing, ToSign } from '../domain/lifecycle.js';
import { policyOfRoles, type ApprovalPolicy } from '../domain/signing/policy.js';
import { refusalBecause, type Refusal, type RefusalCode } from '../domain/signing/refusal.js';
import type { AboutDecision } from '../domain/signing/statement.js';
import { verifyDecision } from '../domain/signing/verify-decision.js';
import { isVerified } from '../domain/signing/verify-statement.js';
import { readSignal } from './capped-signal.js';
import { parseEntry, refusal } from './door.js';
import { count } from './measure.js';
import { approve, decide } from './messages.js';

const REFUSALS_KEPT = 20;
/** Refused signals after which no more are read. */
const MOST_REFUSED_SIGNALS = 100;
const NO_MORE_SIGNALS = `${MOST_REFUSED_SIGNALS} signals were refused, so no more are read: answer by the update decide`;
const NOBODY = policyOfRoles([]);
const NO_DECISION = refusalBecause(
  'malformed',
  'a decision needs role, decision, by, reason and evidence',
);

/** What a signed decision must be. */
export interface Signed {
  readonly signing: Signing;
  readonly about: AboutDecision;
}

/** Where decisions arrive: the evidence on the table, who is asked about it, and what they have answered. */
export class Desk {
  /** Decisions that came as signals and were not taken; the last 20. */
  readonly refusals: string[] = [];
  #state: DeskState = {
    evidence: null,
    order: 'in-order',
    policy: NOBODY,
    decisions: [],
    escalated: [],
    closed: null,
  };
  #signed: Signed | null = null;

  readonly #changed: () => void;

  /** @param changed - Called when what people see of it has changed. */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed;
  }

  get decisions(): readonly RecordedDecision[] {
    return this.#state.decisions;
  }

  get evidence(): string | null {
    return this.#state.evidence;
  }

  /**
   * Puts evidence on the table; decisions on older evidence are refused from now on.
   * @param signed - What a signed decision must be; null where decisions are not signed.
   */
  open(
    table: Pick<DeskState, 'policy' | 'order'> & { evidence: string },
    signed: Signed | null,
  ): void {
    this.#state = { ...table, decisions: [], escalated: [], closed: null };
    this.#signed = signed;
    this.#changed();
  }

  /** A role has not answered for too long: the one to which its hand-off is escalated is asked besides. */
  escalate(role: string): void {
    this.#state = { ...this.#state, escalated: [...this.#state.escalated, role] };
    this.#changed();
  }

  /** Who must approve. */
  get policy(): ApprovalPolicy {
    return this.#state.policy;
  }

  /** What a signed decision must be about, and for which installation; null where decisions are not signed. */
  get toSign(): ToSign | null {
    const { evidence, closed } = this.#state;
    if (this.#signed === null || evidence === null || closed !== null) return null;
    return { environment: this.#signed.signing.environment, ...this.#signed.about };
  }

  close(why: string): void {
    this.#state = { ...this.#state, closed: why };
    this.#changed();
  }

  /** The roles that are asked now. */
  waitingFor(): readonly string[] {
    const { evidence, closed } = this.#state;
    return evidence === null || closed !== null ? [] : askedRoles(this.#state);
  }

  /** Why a decision cannot be taken, or null. Cheap rules first: a signature is verified only where everything else allows it. */
  refusalOf(decision: Decision): Refusal | null {
    const refused = refusalOf(decision, this.#state);
    if (refused !== null || this.#signed === null) return refused;
    const verified = verifyNow(decision, this.#signed);
    return isVerified(verified) ? null : verified;
  }

  /** Takes it, or says why not: what came in between may have changed that. */
  take(decision: Decision): Refusal | null {
    const refused = this.refusalOf(decision);
    if (refused !== null) return refused;
    if (this.decisions.some((each) => sameDecision(each, decision))) return null;
    count('switchyard_decisions', { answer: decision.decision });
    const recorded = { ...decision, at: new Date().toISOString() };
    this.#state = { ...this.#state, decisions: [...this.decisions, recorded] };
    this.#changed();
    return null;
  }

  /** A signal has no answer: why it was not taken is kept. */
  refuse({ code, sentence }: Refusal, isLast = false): void {
    countRefusal(code);
    this.refusals.push(isLast ? NO_MORE_SIGNALS : sentence);
    if (this.refusals.length > REFUSALS_KEPT) this.refusals.shift();
    this.#changed();
  }
}

/** Verified by the public keys that history holds; the writer of `live.json` asks the trust file again. */
function verifyNow(decision: Decision, { signing, about }: Signed) {
  const { environment, keys } = signing;
  return verifyDecision(decision, {
    ...{ environment, keys, about },
    acceptedMs: Date.now(),
  });
}

function refuse(refused: Refusal | null): void {
  if (refused === null) return;
  countRefusal(refused.code);
  throw refusal(refused.sentence, 'DecisionRefused', [{ code: refused.code }]);
}

function countRefusal(code: RefusalCode): void {
  count('switchyard_decisions', { answer: 'refused' });
  count('switchyard_refused_decisions', { code });
  log.warn('a decision was refused', { code });
}

/**
 * A desk with its handlers: the update, whose validator refuses, and the signal, which reaches the same code. Call it before a
 * workflow's first await, so that nothing sent early is lost.
 */
export function openDesk(changed?: () => void): Desk {
  const desk = new Desk(changed);
  setHandler(
    decide,
    (input: DecisionInput) => {
      refuse(desk.take(parseEntry('decision', decisionSchema, input)));
      return { waitingFor: desk.waitingFor() };
    },
    {
      description:
        'Answer a hand-off with approved, rejected or needs-more-data: {"role": "data-science", "decision": "approved", "by": "ada@example.com", "reason": "the gates hold", "evidence": "<from status>"}',
      validator: (input) => {
        refuse(desk.refusalOf(parseEntry('decision', decisionSchema, input)));
      },
    },
  );
  readSignal(approve, {
    description:
      'The same JSON as the update "decide" takes, without an answer; one that cannot be taken shows in the status',
    atMost: MOST_REFUSED_SIGNALS,
    handle: (input, left) => {
      const before = desk.decisions.length;
      const parsed = decisionSchema.safeParse(input);
      const refused = parsed.success ? desk.take(parsed.data) : NO_DECISION;
      if (refused !== null) desk.refuse(refused, left === 0);
      return desk.decisions.length > before; // one that was taken before comes to nothing
    },
  });
  return desk;
}
