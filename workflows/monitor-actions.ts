import { ActivityFailure, workflowInfo } from '@temporalio/workflow';
import { ownerOfWish, withAction, type Wish } from '../domain/monitor/step.js';
import { shortDigest } from '../domain/names.js';
import { bookkeeping, waiting } from './activity-options.js';
import type { MonitorDesk } from './monitor-desk.js';

/** How long an order to `liveModel` may wait for its worker. */
const ORDER_TIMEOUT = '90 seconds';

/** Does what a failed check says. What could not be done is not remembered: the next failed window tries again. */
export async function carryOut(desk: MonitorDesk, wish: Wish, window: string): Promise<void> {
  try {
    switch (wish.action) {
      case 'fall-back':
        await fallBack(desk, wish, window);
        return;
      case 'retrain':
        await retrain(desk, wish);
        return;
      case 'ask':
        desk.state = withAction(desk.state, wish);
        await tell(desk, [ownerOfWish(wish)], `${wish.reason}. What shall be done?`);
        return;
      default:
        wish.action satisfies never;
    }
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const why = error.cause?.message ?? error.message;
    await tell(
      desk,
      [ownerOfWish(wish)],
      `${wish.action} could not be done (${why}): ${wish.reason}`,
    );
  }
}

/** Tells people; that they could not be told is noted, and stops nothing. */
export async function tell(
  desk: MonitorDesk,
  roles: readonly string[],
  text: string,
): Promise<void> {
  const { model } = desk;
  const { workflowId } = workflowInfo();
  desk.note(text);
  try {
    const notice = { kind: 'monitor', model, workflowId, text } as const;
    await bookkeeping(`tells ${roles.join(', ')}`).notify({ ...notice, roles: [...roles] });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    desk.note(`nobody could be told: ${error.cause?.message ?? error.message}`);
  }
}

async function fallBack(desk: MonitorDesk, wish: Wish, window: string): Promise<void> {
  const { model } = desk;
  const { leaving, reason } = wish;
  const requestId = `monitor/${window}/${leaving.slice(0, 12)}`;
  const summary = `leaves ${shortDigest(leaving)} of ${model}`;
  const order = { model, leaving, reason, owner: ownerOfWish(wish), requestId };
  const answer = await waiting(ORDER_TIMEOUT, summary).leaveVersion(order);
  // a person's fallback from it counts as this one would: what serves then is given time
  const isLeft = answer.kind === 'fallen-back' || answer.left;
  desk.state = withAction(desk.state, wish, isLeft ? answer.live : null);
  await tell(desk, [ownerOfWish(wish)], `fallback: ${answer.kind}. ${reason}`);
}

async function retrain(desk: MonitorDesk, wish: Wish): Promise<void> {
  const { model } = desk;
  const { reason } = wish;
  const started = await bookkeeping(`retrains ${model}`).startRetraining({ model, reason });
  if (started.kind === 'running') {
    desk.note(`${started.workflowId} is still open, so none is started: ${reason}`);
    return;
  }
  desk.state = withAction(desk.state, wish);
  await tell(desk, [ownerOfWish(wish)], `started ${started.workflowId}: ${reason}`);
}
