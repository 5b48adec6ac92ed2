import { setHandler } from '@temporalio/workflow';
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
import { parseEntry, refusal } from './door.js';
import { count } from './measure.js';
import { approve, decide } from './messages.js';

const REFUSALS_KEPT = 20;

/** Where decisions arrive: the evidence on the table, who is asked about it, and what they have answered. */
export class Desk {
  /** Decisions that came as signals and were not taken; the last 20. */
  readonly refusals: string[] = [];
  #state: DeskState = {
    evidence: null,
    order: 'in-order',
    roles: [],
    decisions: [],
    closed: null,
  };

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

  /** Puts evidence on the table; decisions on older evidence are refused from now on. */
  open(evidence: string, roles: readonly string[], order: DeskState['order']): void {
    this.#state = { evidence, roles, order, decisions: [], closed: null };
    this.#changed();
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

  refusalOf(decision: Decision): string | null {
    return refusalOf(decision, this.#state);
  }

  take(decision: Decision): void {
    if (this.decisions.some((each) => sameDecision(each, decision))) return;
    count('switchyard_decisions', { answer: decision.decision });
    const recorded = { ...decision, at: new Date().toISOString() };
    this.#state = { ...this.#state, decisions: [...this.decisions, recorded] };
    this.#changed();
  }

  refuse(why: string): void {
    count('switchyard_decisions', { answer: 'refused' });
    this.refusals.push(why);
    if (this.refusals.length > REFUSALS_KEPT) this.refusals.shift();
    this.#changed();
  }
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
      desk.take(parseEntry('decision', decisionSchema, input));
      return { waitingFor: desk.waitingFor() };
    },
    {
      description:
        'Answer a hand-off with approved, rejected or needs-more-data: {"role": "data-science", "decision": "approved", "by": "ada@example.com", "reason": "the gates hold", "evidence": "<from status>"}',
      validator: (input) => {
        const why = desk.refusalOf(parseEntry('decision', decisionSchema, input));
        if (why === null) return;
        count('switchyard_decisions', { answer: 'refused' });
        throw refusal(why, 'DecisionRefused');
      },
    },
  );
  setHandler(
    approve,
    (input: DecisionInput) => {
      const parsed = decisionSchema.safeParse(input);
      if (!parsed.success) {
        desk.refuse('a decision needs role, decision, by, reason and evidence');
        return;
      }
      const why = desk.refusalOf(parsed.data);
      if (why === null) desk.take(parsed.data);
      else desk.refuse(why);
    },
    {
      description:
        'The same JSON as the update "decide" takes, without an answer; one that cannot be taken shows in the status',
    },
  );
  return desk;
}
