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

  it('are half of what did not fit, and are tried again more and more seldom', () => {
    const size = new BatchSize();
    /** A model with room for so many rows; says after how many full batches it was asked for more. */
    const untilMore = (room: number): number => {
      for (let batches = 0; batches < 1_000; batches++) {
        if (size.atMost > room) return batches;
        size.took(size.atMost, 0.1);
      }
      return Number.POSITIVE_INFINITY;
    };
    size.wasTooLarge(64);
    assert.equal(size.atMost, 32);
    assert.equal(untilMore(32), 50);
    size.wasTooLarge(64);
    assert.deepEqual([size.atMost, untilMore(32), size.atMost], [32, 100, 64]);
    assert.ok(untilMore(512) < 1_000, 'it was one large row');
  });

  it('are as many as take half a millisecond where a batch is to be brief, and no fewer than the first', () => {
    const briefOf = (msPerRow: number): number => {
      const size = new BatchSize();
      for (let batch = 0; batch < 50; batch++) size.took(size.atMost, size.atMost * msPerRow);
      return size.brief;
    };
    assert.deepEqual([0.000_1, 0.002, 0.01, 20].map(briefOf), [1_024, 250, 64, 12]);
    assert.equal(new BatchSize().brief, 64);
  });
});
