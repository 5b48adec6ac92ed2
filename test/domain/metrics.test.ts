import assert from 'node:assert/strict';
import { METRIC_NAMES, METRICS, ownerOf } from '../../domain/metrics.js';

describe('METRIC_NAMES', () => {
  it('are the keys of METRICS, in their order', () => {
    assert.deepEqual([...METRIC_NAMES], Object.keys(METRICS));
  });
});

describe('METRICS', () => {
  it('say what they mean, and are compared only where they can be', () => {
    for (const [name, metric] of Object.entries(METRICS)) {
      assert.ok(metric.meaning.length > 20, name);
      assert.equal(
        metric.relative,
        name.endsWith('-difference') &&
          metric.kind === 'statistical' &&
          name !== 'parity-difference',
        name,
      );
    }
  });
});

describe('ownerOf', () => {
  it('gives what runs wrong to engineering, and what answers wrong to data science', () => {
    assert.equal(ownerOf(METRICS['latency-p99-ms']), 'engineering');
    assert.equal(ownerOf(METRICS['macro-f1']), 'data-science');
  });
});
