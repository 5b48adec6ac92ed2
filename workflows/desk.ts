import { ApplicationFailure, setHandler } from '@temporalio/workflow';
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
import { parseEntry } from './door.js';
import { approve, decide } from './messages.js';

const REFUSALS_KEPT = 20;

/** Where decisions arrive: the update, whose validator refuses, and the signal, which reaches the same code. */
export interface Desk {
  readonly decisions: readonly RecordedDecision[];
  readonly refusals: readonly string[];
  readonly evidence: string | null;
  /** Puts evidence on the table; decisions on older evidence are refused from now on. */
  open(evidence: string, roles: readonly string[], order: DeskState['order']): void;
  close(why: string): void;
  /** The roles that are asked now. */
  waitingFor(): readonly string[];
}

/** Registers the handlers; call it before a workflow's first await, so that nothing sent early is lost. */
export function createDesk(): Desk {
  const refusals: string[] = [];
  let state: DeskState = {
    evidence: null,
    order: 'in-order',
    roles: [],
    decisions: [],
    closed: null,
  };

  const take = (decision: Decision): void => {
    if (state.decisions.some((each) => sameDecision(each, decision))) return;
    const at = new Date().toISOString();
    state = { ...state, decisions: [...state.decisions, { ...decision, at }] };
  };

  setHandler(
    decide,
    (input: DecisionInput) => {
      take(parseEntry('decision', decisionSchema, input));
      return { waitingFor: askedRoles(state) };
    },
    {
      description:
        'Answer a hand-off: {"role", "decision": "approved" | "rejected" | "needs-more-data", "by", "reason", "evidence"}',
      validator: (input) => {
        const refusal = refusalOf(parseEntry('decision', decisionSchema, input), state);
        if (refusal !== null) throw ApplicationFailure.nonRetryable(refusal, 'DecisionRefused');
      },
    },
  );
  setHandler(
    approve,
    (input: DecisionInput) => {
      const parsed = decisionSchema.safeParse(input);
      const refusal = parsed.success
        ? refusalOf(parsed.data, state)
        : 'a decision was not understood; it needs role, decision, by, reason and evidence';
      if (parsed.success && refusal === null) take(parsed.data);
      else if (refusal !== null)
        refusals.splice(0, Math.max(0, refusals.push(refusal) - REFUSALS_KEPT));
    },
    {
      description:
        'The same as the update "decide"; a decision that cannot be taken shows in the status',
    },
  );

  return {
    get decisions() {
      return state.decisions;
    },
    get evidence() {
      return state.evidence;
    },
    refusals,
    open: (evidence, roles, order) => {
      state = { evidence, roles, order, decisions: [], closed: null };
    },
    close: (why) => {
      state = { ...state, closed: why };
    },
    waitingFor: () => (state.evidence === null || state.closed !== null ? [] : askedRoles(state)),
  };
}
