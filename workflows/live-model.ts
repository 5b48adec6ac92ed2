import { allHandlersFinished, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import { liveChangeSchema, type LiveChange } from '../domain/live-state.js';
import { followUpOfFallback } from '../domain/fallback-follow-up.js';
import { continueOnNewestBuild } from './continue-on-newest-build.js';
import { parseEntry } from './door.js';
import { LiveChanges } from './live-changes.js';
import {
  adopt,
  change,
  fallback,
  fallbackOrderSchema,
  freeze,
  freezeOrderSchema,
  live,
  liveModelInputSchema,
  moveOn,
  moveOrderSchema,
  thaw,
  type LiveModelInput,
} from './messages.js';
import { openFollowUp } from './open-follow-up.js';
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
  const moving = { isAsked: false };
  listen(changes);
  setHandler(
    moveOn,
    () => {
      moving.isAsked = true;
    },
    {
      description: 'Go on with the newest build: {"because": "a release"}',
      validator: (order) => void parseEntry('order', moveOrderSchema, order),
    },
  );
  findBy({ ModelName: model });
  if (changes.count === 0) void changes.look(); // a change looks as well
  void openFollowUps(model, changes);

  const isOver = () =>
    moving.isAsked || changes.count >= CHANGES_PER_RUN || workflowInfo().continueAsNewSuggested;
  await condition(() => isOver() && allHandlersFinished());
  return continueOnNewestBuild<typeof liveModel>({ model, carried: changes.carried });
}

/** One after the other, beside the changes: what is not open when the run ends, the next one opens. */
async function openFollowUps(model: string, changes: LiveChanges): Promise<void> {
  for (;;) {
    await condition(() => changes.nextToFollow !== undefined);
    const { nextToFollow: fallen } = changes;
    if (fallen === undefined) continue;
    await openFollowUp(followUpOfFallback(model, fallen));
    changes.followed(fallen);
  }
}

const NOT_DIRECT = 'a direct order is written past this workflow: npx switchyard fallback --direct';
const isNotDirect = (wish: LiveChange) => wish.kind !== 'fallback' || wish.direct === undefined;

function listen(changes: LiveChanges): void {
  setHandler(change, (wish) => changes.apply(wish), {
    description: 'Promotion or its undo, as lifecycles ask for them',
    validator: (wish) =>
      void parseEntry('change', liveChangeSchema.refine(isNotDirect, NOT_DIRECT), wish),
  });
  setHandler(
    fallback,
    ({ leaving, ...order }) => {
      const { by, reason, signature } = order;
      const said = { by, reason, ...(signature !== undefined && { signature }) };
      return changes.apply({ kind: 'fallback', leaving, said }, order);
    },
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
  setHandler(adopt, () => changes.apply({ kind: 'adopt' }), {
    description: 'Read what was written to live.json past this workflow. Input: {}',
  });
  setHandler(live, () => changes.known, {
    description: 'The last answer, and what live.json held after it; no input',
  });
}
