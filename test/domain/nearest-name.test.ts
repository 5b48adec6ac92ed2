import assert from 'node:assert/strict';
import { nearestName } from '../../domain/nearest-name.js';

describe('nearestName', () => {
  it('takes two neighbours that changed places for one slip', () => {
    assert.equal(nearestName('modle', ['models', 'model']), 'model');
  });

  it('is the known name at the smallest distance', () => {
    assert.equal(nearestName('tickts', ['ads', 'tickets', 'news']), 'tickets');
    assert.equal(nearestName('tickets', ['tickets']), 'tickets');
  });

  it('is null where nothing is near, or where nothing is known', () => {
    assert.equal(nearestName('transactions', ['ads', 'tickets']), null);
    assert.equal(nearestName('ad', ['xy']), null);
    assert.equal(nearestName('tickets', []), null);
  });
});
