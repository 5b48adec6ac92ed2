import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { liveChangeSchema, type LiveChange, type LiveChangeResult } from '../domain/live-state.js';
import { pointerWrite } from './activity-options.js';
import { parseEntry } from './door.js';
import { count, recordTime } from './measure.js';
import {
  change,
  fallback,
  fallbackOrderSchema,
  live,
  liveModelInputSchema,
  type AnsweredRequest,
  type LiveModelInput,
} from './messages.js';

/** Answers that are carried; the server forgets update ids at every continue-as-new. */
const ANSWERS_CARRIED = 100;
/** Long before the server's 2,000 updates a run, and few enough that a replay never delays a fallback. */
const CHANGES_PER_RUN = 100;

/**
 * A model's live pointer and its fallback, as long-lived as the model. Its handlers await nothing but the pointer write,
 * one at a time, and turn every unknown error into an `ApplicationFailure`: a bug may cost one answer, never the next fallback.
 */
export async function liveModel(input: LiveModelInput): Promise<never> {
  const { model, carried } = parseEntry('live model input', liveModelInputSchema, input);
  let answered: readonly AnsweredRequest[] = carried?.answered ?? [];
  let known: LiveChangeResult | null = carried?.known ?? null;
  let changes = 0;
  let queue: Promise<unknown> = Promise.resolve();

  const apply = async (wish: LiveChange): Promise<LiveChangeResult> => {
    const id = currentUpdateInfo()?.id ?? uuid4();
    const askedAt = Date.now();
    changes += 1;
    const turn = queue.then(async () => {
      const before = answered.find((each) => each.id === id);
      if (before) return { kind: before.kind, generation: before.generation, live: before.live };
      const result = await pointerWrite().writeLive({ model, change: wish, writeId: id });
      known = result;
      answered = [...answered, { id, ...result }].slice(-ANSWERS_CARRIED);
      return result;
    });
    queue = turn.catch(() => undefined); // its own caller hears of it; the next one's turn comes all the same
    try {
      const result = await turn;
      count('switchyard_live_changes', { model, kind: result.kind });
      if (wish.kind === 'fallback') {
        recordTime('switchyard_fallback', Date.now() - askedAt, { model });
      }
      return result;
    } catch (error) {
      count('switchyard_live_changes', { model, kind: 'failed' });
      throw asFailure(error);
    }
  };

  setHandler(change, (wish) => apply(wish), {
    description: 'Promotion or its undo, asked by a lifecycle',
    validator: (wish) => void parseEntry('change', liveChangeSchema, wish),
  });
  setHandler(fallback, ({ leaving }) => apply({ kind: 'fallback', leaving }), {
    description: 'Back to the previous version: {"leaving": "<digest>", "by", "reason"}',
    validator: (order) => void parseEntry('fallback order', fallbackOrderSchema, order),
  });
  setHandler(live, () => known, { description: 'The last answer: generation and digest' });

  await condition(
    () =>
      (changes >= CHANGES_PER_RUN || workflowInfo().continueAsNewSuggested) &&
      allHandlersFinished(),
  );
  return continueAsNew<typeof liveModel>({
    model,
    carried: { answered: [...answered], known: known },
  });
}

/** Activity failures as they are known; anything else is a bug that may cost this answer only. */
function asFailure(error: unknown): ApplicationFailure {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof ApplicationFailure) return cause;
  const message = cause instanceof Error ? cause.message : 'unknown error';
  return ApplicationFailure.create({ message, type: 'LiveChangeFailed', nonRetryable: false });
}
