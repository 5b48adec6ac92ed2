import assert from 'node:assert/strict';
import { BatchSize } from '../../../serving/batching/batch-size.js';

/** Full batches, one after another, of a model whose batches take so long. */
function afterBatches(count: number, msOf: (rows: number) => number): number {
  const size = new BatchSize();
  for (let batch = 0; batch < count; batch++) size.took(size.atMost, msOf(size.atMost));
  return size.atMost;
}

describe('rows of a batch', () => {
  it('grow while the hand-over would cost a good part of so short a batch', () => {
    assert.equal(
      afterBatches(50, (rows) => rows * 0.001),
      1_024,
    );
  });

  it('do not grow where a row gets no cheaper: who comes next would wait for nothing', () => {
    assert.equal(
      afterBatches(50, (rows) => rows * 0.004),
      256,
    );
    assert.equal(
      afterBatches(50, (rows) => rows * 0.5),
      128,
    );
  });

  it('grow while each size makes rows cheaper by more than a tenth', () => {
    assert.equal(
      afterBatches(50, (rows) => 20 + rows * 0.01),
      1_024,
    );
  });

  it('are as few as take a quarter of a second', () => {
    assert.equal(
      afterBatches(50, (rows) => rows * 20),
      12,
    );
  });

  it('are half of what did not fit, for good', () => {
    const size = new BatchSize();
    size.wasTooLarge(64);
    for (let batch = 0; batch < 20; batch++) size.took(size.atMost, 0.1);
    assert.equal(size.atMost, 32);
  });
});
