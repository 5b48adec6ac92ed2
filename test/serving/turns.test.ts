import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turns } from '../../serving/turns.js';

function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** How many pieces of work, of so many milliseconds each, are done in each turn of the event loop. */
async function donePerTurn(pieces: number, ms: number): Promise<number[]> {
  const turns = new Turns();
  const order: number[] = [];
  const asked = Array.from({ length: pieces }, async (_, piece) => {
    await turns.next();
    work(ms);
    order.push(piece);
  });
  const perTurn: number[] = [];
  let before = 0;
  while (before < pieces) {
    await nextTurn();
    if (order.length > before) perTurn.push(order.length - before);
    before = order.length;
  }
  await Promise.all(asked);
  assert.deepEqual(
    order,
    Array.from({ length: pieces }, (_, piece) => piece),
  );
  return perTurn;
}

describe('turns of large pieces of work', () => {
  it('are taken one by one where each is long', async () => {
    assert.deepEqual(await donePerTurn(4, 0.6), [1, 1, 1, 1]);
  });

  it('are shared by pieces that are short together', async () => {
    const done = await donePerTurn(30, 0.1);
    const most = Math.max(...done);
    assert.ok(most >= 2 && most <= 6, `up to ${most} in a turn`);
  });

  it('begin again after a pause', async () => {
    const turns = new Turns();
    for (let time = 0; time < 3; time++) await turns.next();
  });
});
