import assert from 'node:assert/strict';
import { followLive } from '../../serving/follow-live.js';
import { until } from '../../testing/until.js';
import { textModel } from '../support/small-models.js';
import { MemoryRegistry } from './memory-registry.js';

describe('followLive', () => {
  it('hands on each version that is to serve, and the one before after a fallback', async () => {
    const registry = new MemoryRegistry('tickets');
    const told: (number | null)[] = [];
    await using following = followLive({
      ...{ registry, model: 'tickets', everyMs: 5 },
      onVersion: (version) => Promise.resolve(void told.push(version?.version ?? null)),
    });
    const toldOf = (count: number) =>
      until('it is told', () => Promise.resolve(told.length === count ? told : undefined));
    const one = registry.publish(textModel());
    registry.promote(one);
    await toldOf(1);
    registry.promote(registry.publish(textModel({ turn: 1 })));
    await toldOf(2);
    registry.fallBack();
    assert.deepEqual(await toldOf(3), [1, 2, 1]);
    const { serves } = await following.serving({
      model: 'tickets',
      digest: one.digest,
      generation: 3,
    });
    assert.ok(serves);
  });

  it('says why it does not serve, tries again, and has then what is live by then', async () => {
    const registry = new MemoryRegistry('tickets');
    let isFull = true;
    await using following = followLive({
      ...{ registry, model: 'tickets', everyMs: 5 },
      onVersion: () => (isFull ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    });
    registry.promote(registry.publish(textModel()));
    const second = registry.publish(textModel({ turn: 1 }));
    const asked = { model: 'tickets', digest: second.digest, generation: 2 };
    await until('it says why', async () => {
      const { serves, note } = await following.serving(asked);
      return !serves && note === 'it has nothing (disk full)' ? note : undefined;
    });
    registry.promote(second);
    isFull = false;
    await until('it serves', async () => (await following.serving(asked)).serves || undefined);
  });
});
