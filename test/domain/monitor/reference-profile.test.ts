import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromProbabilities } from '../../../domain/predictions.js';
import {
  binCounts,
  binOf,
  decileEdges,
  referenceProfileOf,
  referenceProfileSchema,
} from '../../../domain/monitor/reference-profile.js';
import { aDigest } from '../../../testing/builders.js';

const about = { model: 'tickets', manifest: aDigest('version'), heldOut: aDigest('rows') };
const row = (label: string, index: number) => ({
  ...{ id: String(index), at: '2026-01-01T00:00:00Z', label, text: 'hello' },
});

describe('decileEdges', () => {
  it('cuts a hundred different scores into ten parts of ten', () => {
    const scores = Array.from({ length: 100 }, (_, index) => (index + 1) / 100);
    const edges = decileEdges(scores);
    assert.deepEqual(edges, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    assert.deepEqual(binCounts(edges, scores), new Array(10).fill(10));
  });

  it('keeps equal scores in one bin', () => {
    const scores = [0.5, ...new Array<number>(9).fill(0.9), ...new Array<number>(10).fill(1)];
    assert.deepEqual(decileEdges(scores), [0.9]);
    assert.deepEqual(decileEdges(new Array<number>(30).fill(0.7)), []);
    assert.deepEqual(decileEdges([]), []);
  });

  it('leaves no bin of the reference empty', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(scores, (given) => {
        assert.ok(binCounts(decileEdges(given), given).every((count) => count > 0));
      }),
    );
  });
});

describe('binOf', () => {
  it('counts an edge to the bin below it', () => {
    assert.deepEqual(
      [-1, 0.2, 0.21, 0.9, 2].map((score) => binOf([0.2, 0.9], score)),
      [0, 0, 1, 1, 2],
    );
  });
});

describe('referenceProfileOf', () => {
  it('has the answered labels, the scores and how many were right', () => {
    const predictions = fromProbabilities(Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.6, 0.4, 0.7, 0.3), [
      'a',
      'b',
    ]);
    const rows = ['a', 'b', 'b', 'a'].map(row);
    const profile = referenceProfileOf({ ...about, rows, predictions });
    assert.deepEqual(referenceProfileSchema.parse(profile), profile);
    assert.equal(profile?.accuracy, 0.75);
    assert.deepEqual(profile.classes, [
      { label: 'a', count: 3 },
      { label: 'b', count: 1 },
    ]);
    assert.deepEqual(profile.scores, { edges: [0.6, 0.7, 0.8], counts: [1, 1, 1, 1] });
  });

  it('is null without rows', () => {
    const predictions = fromProbabilities(new Float64Array(0), ['a', 'b']);
    assert.equal(referenceProfileOf({ ...about, rows: [], predictions }), null);
  });
});
