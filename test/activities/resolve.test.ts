import assert from 'node:assert/strict';
import { createResolveActivities } from '../../activities/resolve.js';
import type { LifecycleRequest } from '../../domain/lifecycle.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import { aSpec } from '../../testing/builders.js';
import { failed, runActivity } from './run-activity.js';

const tickets = aSpec({
  train: {
    trainer: 'tickets',
    source: 'mails',
    parameters: { c: 4, model: 'logistic' },
    trainRows: { until: '2002-09-01T00:00:00Z' },
    seed: 7,
  },
});
const { resolveSpec } = createResolveActivities({
  models: { tickets, news: aSpec({ model: 'news' }) },
  trust: NO_TRUST,
});
const resolve = (request: LifecycleRequest) => runActivity(resolveSpec, { request });

describe('resolveSpec', () => {
  it('gives the configured specification as it is, and always the same digest', async () => {
    const { spec, digest } = await resolve({ model: 'tickets' });
    assert.deepEqual(spec, tickets);
    assert.equal((await resolve({ model: 'tickets', reason: 'monthly' })).digest, digest);
  });

  it('puts the overrides of a request in, and another digest', async () => {
    const heldOutRows = { from: '2002-10-01T00:00:00Z' };
    const { spec, digest } = await resolve({
      model: 'tickets',
      parameters: { c: 1, min_df: 2 },
      heldOutRows,
      seed: 8,
    });
    assert.deepEqual(spec.train, {
      ...tickets.train,
      parameters: { c: 1, model: 'logistic', min_df: 2 },
      heldOutRows,
      seed: 8,
    });
    assert.notEqual(digest, (await resolve({ model: 'tickets' })).digest);
  });

  it('names the nearest model where there is none of that name, and those there are', async () => {
    await assert.rejects(
      resolve({ model: 'ticktes' }),
      failed('UnknownModel', /no model "ticktes".*did you mean "tickets"\? It has: tickets, news/),
    );
    await assert.rejects(resolve({ model: 'constructor' }), failed('UnknownModel'));
  });

  it('refuses a wrong override by name', async () => {
    const wrong: LifecycleRequest = { model: 'tickets', seed: -1 };
    await assert.rejects(resolve(wrong), failed('InvalidRequest', /request\.seed/));
  });
});
