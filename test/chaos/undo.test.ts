import assert from 'node:assert/strict';
import { LEFT_CELLS, UNDO_CELLS } from './undo-cells.js';
import { runUndoCells } from './undo.js';

describe('undo', () => {
  it('leaves what was there before, also after a kill inside of it, or waits until a person has it tried again', async () => {
    const named = [
      'deploy fails, in its undo undoPromotion:mid:kill',
      'deploy fails, the undo of promotion fails for good, and a person has it tried again',
    ];
    const cells = UNDO_CELLS.filter(({ name }) => named.includes(name));
    assert.equal(cells.length, named.length);
    const { ended, violations } = await runUndoCells(cells, { lanes: 2, say: () => undefined });
    const problems = ended.flatMap(({ cell, problems }) =>
      problems.map((each) => `${cell.name}: ${each}`),
    );
    assert.deepEqual([...problems, ...violations], []);
  }).timeout(120_000);

  it('has a cell for each way to end otherwise than live', () => {
    const ends = [...UNDO_CELLS, ...LEFT_CELLS].flatMap(({ end }) => end.split(' or '));
    assert.deepEqual([...new Set(ends)].sort(), [
      'cancelled',
      'expired',
      'failed',
      'refused',
      'rejected',
      'superseded',
    ]);
  });
});
