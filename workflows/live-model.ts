import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { liveChangeSchema } from '../domain/live-state.js';
import { parseEntry } from './door.js';
import { LiveChanges } from './live-changes.js';
import {
  change,
  fallback,
  fallbackOrderSchema,
  freeze,
  freezeOrderSchema,
  live,
  liveModelInputSchema,
  thaw,
  type LiveModelInput,
} from './messages.js';
import { findBy } from './search-attributes.js';

/** Long before the server's 2,000 updates a run, and few enough that a replay never delays a fallback. */
const CHANGES_PER_RUN = 100;

/**
 * A model's live pointer and its fallback, as long-lived as the model. Its handlers await nothing but the pointer write,
 * one at a time, and turn every unknown error into an `ApplicationFailure`: a bug may cost one answer, never the next fallback.
 */
export async function liveModel(input: LiveModelInput): Promise<never> {
  const { model, carried } = parseEntry('live model input', liveModelInputSchema, input);
  const changes = new LiveChanges(model, carried);

  setHandler(change, (wish) => changes.apply(wish), {
    description: 'Promotion or its undo, as lifecycles ask for them',
    validator: (wish) => void parseEntry('change', liveChangeSchema, wish),
  });
  setHandler(
    fallback,
    ({ leaving, ...said }) => changes.apply({ kind: 'fallback', leaving }, said),
    {
      description:
        'Back to the previous version: {"leaving": "<digest that is live>", "by": "grace@example.com", "reason": "wrong queues"}',
      validator: (order) => void parseEntry('fallback order', fallbackOrderSchema, order),
    },
  );
  setHandler(freeze, (order) => changes.apply({ kind: 'freeze', ...order }), {
    description:
      'Stop promotions; a fallback still works: {"by": "grace@example.com", "reason": "wrong queues"}',
    validator: (order) => void parseEntry('freeze order', freezeOrderSchema, order),
  });
  setHandler(thaw, (order) => changes.apply({ kind: 'thaw', ...order }), {
    description: 'Let promotions through again: {"by": "grace@example.com", "reason": "mended"}',
    validator: (order) => void parseEntry('thaw order', freezeOrderSchema, order),
  });
  setHandler(live, () => changes.known, {
    description: 'The last answer, and what live.json held after it; no input',
  });
  findBy({ ModelName: model });

  await condition(
    () =>
      (changes.count >= CHANGES_PER_RUN || workflowInfo().continueAsNewSuggested) &&
      allHandlersFinished(),
  );
  return continueAsNew<typeof liveModel>({ model, carried: changes.carried });
}
