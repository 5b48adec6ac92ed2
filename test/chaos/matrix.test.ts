import assert from 'node:assert/strict';
import { cellsOf } from './cells.js';
import { activityNames, MOST_CELLS, runCells } from './matrix.js';
import { differences, type Remains } from './remains.js';

describe('the matrix of broken activities', () => {
  it('has cells for every activity that a worker registers, each once, and not too many', async () => {
    const activities = await activityNames();
    const cells = cellsOf(activities);
    assert.ok(cells.length <= MOST_CELLS, `${cells.length} cells`);
    assert.equal(new Set(cells.map(({ name }) => name)).size, cells.length);
    for (const activity of activities) {
      const ways = cells.filter((cell) => cell.activity === activity).map(({ does }) => does);
      assert.deepEqual([...new Set(ways)].sort(), ['hang', 'kill', 'throw'], activity);
    }
    assert.throws(() => cellsOf([...activities, 'unheardOf']), /nowhere to break unheardOf/);
    assert.throws(() => cellsOf(activities.slice(1)), /knows resolveSpec that is no activity/);
  });

  it('sees an object, a workflow or a notice that is missing, too many, or another', () => {
    const one: Remains = { objects: { a: '1', b: '2' }, workflows: { w: 'live' }, notices: ['n'] };
    const other: Remains = { objects: { a: '3', c: '4' }, workflows: {}, notices: ['m'] };
    assert.deepEqual(differences(one, one), []);
    assert.deepEqual(differences(one, other), [
      'the object a says 3, undisturbed 1',
      'the object b is missing',
      'there is a object too many: c (4)',
      'the workflow w is missing',
      'the notice n is missing',
      'there is a notice too many: m',
    ]);
  });

  it('leaves what the undisturbed run left where a worker is killed, an error thrown, or nothing said', async () => {
    const named = [
      'publishVersion: kill mid',
      'assembleEvidence: throw after',
      'promoteVersion: hang mid',
    ];
    const cells = cellsOf(await activityNames()).filter(({ name }) => named.includes(name));
    assert.equal(cells.length, named.length);
    const ended = await runCells(cells, { lanes: 1, say: () => undefined });
    assert.deepEqual(
      ended.flatMap(({ piece, problems }) => problems.map((each) => `${piece.name}: ${each}`)),
      [],
    );
    assert.equal(ended.length, 4);
  }).timeout(120_000);
});
