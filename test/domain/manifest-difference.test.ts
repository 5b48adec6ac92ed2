import assert from 'node:assert/strict';
import { manifestDifferences } from '../../domain/manifest-difference.js';
import { aManifest } from '../adapters/registry/builders.js';

describe('manifestDifferences', () => {
  const left = aManifest('tickets', { 'model.onnx': 'one' });

  it('is empty for the same content', () => {
    assert.deepEqual(manifestDifferences(left, { ...left }), []);
  });

  it('names part, name and both sides of what changed, came or went', () => {
    const right = {
      ...left,
      lineage: { ...left.lineage, seed: 7, parameters: { c: 2 } },
      metrics: {},
    };
    const before = {
      ...left,
      lineage: { ...left.lineage, seed: 1, parameters: {} },
      metrics: { accuracy: 0.5 },
    };
    assert.deepEqual(manifestDifferences(before, right), [
      { part: 'lineage', name: 'seed', left: '1', right: '7' },
      { part: 'parameters', name: 'c', left: null, right: '2' },
      { part: 'metrics', name: 'accuracy', left: '0.5', right: null },
    ]);
  });

  it('tells files apart by their bytes', () => {
    const [difference] = manifestDifferences(left, aManifest('tickets', { 'model.onnx': 'two' }));
    assert.equal(difference?.part, 'files');
    assert.match(difference.left ?? '', /^3 bytes, sha256 [0-9a-f]{64}$/);
    assert.notEqual(difference.left, difference.right);
  });
});
