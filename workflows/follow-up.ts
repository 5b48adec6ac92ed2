import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { followUpDetails } from '../domain/follow-up-details.js';
import {
  closeOrderSchema,
  closeRefusal,
  type Closed,
  type FollowUpState,
} from '../domain/follow-up.js';
import { bookkeeping } from './activity-options.js';
import { continueOnNewestBuild } from './continue-on-newest-build.js';
import { showDetails } from './details.js';
import { parseEntry, refusal } from './door.js';
import { close, followUpInputSchema, state, type FollowUpInput } from './follow-up-messages.js';
import { moveOn, moveOrderSchema } from './messages.js';
import { findBy } from './search-attributes.js';

/**
 * What a failure leaves to a team, open until the role that owns it closes it with a reason; a cancellation does not. It tells
 * that role when it opens, and shows what happened.
 */
export async function followUp(input: FollowUpInput): Promise<Closed> {
  const given = parseEntry('follow-up', followUpInputSchema, input);
  const { openedAt = new Date().toISOString(), told = null } = given.carried ?? {};
  const desk = new Desk({ followUp: given.followUp, openedAt, told, closed: null });
  listen(desk);
  if (given.carried !== undefined) upsertMemo({ openedAt });
  return CancellationScope.nonCancellable(async () => {
    desk.show();
    const telling = new CancellationScope();
    const told = telling.run(() => tellOwner(desk));
    await condition(() => (desk.isClosed || desk.isOver) && allHandlersFinished());
    telling.cancel();
    await told;
    const { state: last } = desk;
    if (last.closed !== null) return last.closed;
    const carried = { openedAt, told: last.told };
    return continueOnNewestBuild<typeof followUp>({ followUp: last.followUp, carried });
  });
}

/** Where the follow-up stands, and what is shown of it. */
class Desk {
  isMoving = false;
  #state: FollowUpState;

  constructor(state: FollowUpState) {
    this.#state = state;
  }

  get state(): FollowUpState {
    return this.#state;
  }

  get isClosed(): boolean {
    return this.#state.closed !== null;
  }

  /** This run shall end and another go on. */
  get isOver(): boolean {
    return this.isMoving || workflowInfo().continueAsNewSuggested;
  }

  become(next: Pick<FollowUpState, 'told'> | Pick<FollowUpState, 'closed'>): void {
    this.#state = { ...this.#state, ...next };
    this.show();
  }

  show(): void {
    const { followUp, closed } = this.#state;
    const isOpen = closed === null;
    showDetails(() => followUpDetails(this.#state, workflowInfo().workflowId));
    findBy({
      ModelName: followUp.model,
      Stage: isOpen ? 'follow-up' : null,
      WaitingFor: isOpen ? [followUp.owner] : [],
    });
  }
}

function listen(desk: Desk): void {
  const { owner } = desk.state.followUp;
  setHandler(
    close,
    async (order) => {
      const { workflowId } = workflowInfo();
      const { refused } = await CancellationScope.nonCancellable(() =>
        bookkeeping(`whether ${order.by} may close it`).verifyClose({ workflowId, order }),
      );
      // somebody else may have closed it meanwhile
      const why = refused ?? closeRefusal(desk.state, order);
      if (why !== null) throw refusal(`${workflowId}: ${why}`, 'InvalidRequest');
      const closed = { ...order, at: new Date().toISOString() };
      desk.become({ closed });
      upsertMemo({ closedBy: closed.by });
      return closed;
    },
    {
      description: `Close it, as ${owner}: {"role": "${owner}", "by": "grace@example.com", "reason": "mended"}`,
      validator: (order) => {
        const why = closeRefusal(desk.state, parseEntry('order', closeOrderSchema, order));
        if (why !== null) throw refusal(`${workflowInfo().workflowId}: ${why}`, 'InvalidRequest');
      },
    },
  );
  setHandler(
    moveOn,
    () => {
      desk.isMoving = true;
    },
    {
      description: 'Go on with the newest build: {"because": "a release"}',
      validator: (order) => void parseEntry('order', moveOrderSchema, order),
    },
  );
  setHandler(state, () => desk.state, { description: 'All that is known of it; no input' });
}

/** Once, in whichever run it succeeds; that it cannot be done is shown and logged, and stops nothing. */
async function tellOwner(desk: Desk): Promise<void> {
  const { followUp, told } = desk.state;
  if (told !== null) return;
  const { model, owner, title } = followUp;
  const { workflowId } = workflowInfo();
  const text = `${title}. When it is mended, ${owner} types: npx switchyard close ${workflowId} --role ${owner} --reason 'why'`;
  try {
    const notice = { kind: 'follow-up', model, workflowId, text } as const;
    await bookkeeping(`tells ${owner}`).notify({ ...notice, roles: [owner] });
    desk.become({ told: 'told' });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    if (isCancellation(error)) return;
    const why = error.cause?.message ?? error.message;
    log.warn('the owner of a follow-up was not told', { workflowId, owner, why });
    desk.become({ told: 'not-told' });
  }
}
