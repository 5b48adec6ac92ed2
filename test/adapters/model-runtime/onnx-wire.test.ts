import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readOnnxFacts } from '../../../adapters/model-runtime/onnx-wire.js';
import { loopModel, textModel } from '../../support/small-models.js';

const LOOP = Buffer.from(loopModel().files['model.onnx'] ?? []);
const TEXT = Buffer.from(textModel().files['model.onnx'] ?? []);

describe('readOnnxFacts', () => {
  it('finds operators in graphs within graphs', () => {
    const { irVersion, opsets, operators, hasGraph, externalTensors } = readOnnxFacts(LOOP);
    assert.deepEqual(
      [irVersion, hasGraph, [...opsets], externalTensors],
      [10, true, [['', 18]], []],
    );
    assert.deepEqual([...operators.keys()].sort(), [':Identity', ':Loop', ':ReduceMax']);
  });

  it('reads or refuses whatever bytes it is given, and does nothing else', () => {
    const changes = fc.array(
      fc.record({ at: fc.nat({ max: TEXT.length - 1 }), byte: fc.nat({ max: 255 }) }),
      { minLength: 1, maxLength: 8 },
    );
    const changed = changes.map((list) => {
      const bytes = Buffer.from(TEXT);
      for (const { at, byte } of list) bytes[at] = byte;
      return bytes;
    });
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(changed, random), (bytes) => {
        try {
          readOnnxFacts(bytes);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
