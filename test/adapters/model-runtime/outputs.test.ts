import assert from 'node:assert/strict';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { collectOutputs } from '../../../adapters/model-runtime/outputs.js';
import type { TensorData } from '../../../domain/ports/model-runtime.js';

describe('collectOutputs', () => {
  it('puts rows back where the caller had them, whatever their type', () => {
    const places = [
      [2, 0],
      [3, 1],
    ];
    const types: readonly (readonly [OrtTensor.Type, (values: number[]) => TensorData])[] = [
      ['float32', (values) => Float32Array.from(values)],
      ['int32', (values) => Int32Array.from(values)],
      ['int64', (values) => BigInt64Array.from(values.map(BigInt))],
      ['string', (values) => values.map(String)],
    ];
    for (const [type, data] of types) {
      const answers = [
        [20, 21, 0, 1],
        [30, 31, 10, 11],
      ].map((values, index) =>
        answerOf(new OrtTensor(type, data(values), [2, 2]), places[index] ?? null),
      );
      const [tensor] = collect(answers, [-1, 2]);
      assert.deepEqual(tensor?.shape, [4, 2]);
      assert.deepEqual([...tensor.data].map(Number), [0, 1, 10, 11, 20, 21, 30, 31]);
    }
  });

  it('leaves rows in the order in which they ran where they were not sorted', () => {
    const answers = [Float32Array.of(1, 2), Float32Array.of(3)].map((values) =>
      answerOf(new OrtTensor('float32', values, [values.length, 1]), null),
    );
    assert.deepEqual(collect(answers, [-1, 1])[0]?.data, Float32Array.of(1, 2, 3));
  });

  it('makes no tensor of rows of two widths', () => {
    const answers = [
      answerOf(new OrtTensor('float32', Float32Array.of(1, 2), [1, 2]), [1]),
      answerOf(new OrtTensor('float32', Float32Array.of(1, 2, 3), [1, 3]), [0]),
    ];
    assert.throws(() => collect(answers, [-1, -1]), {
      type: 'ContractMismatch',
      message: /\[2\] and \[3\] for the output "y"/,
    });
  });
});

function answerOf(tensor: OrtTensor, places: readonly number[] | null) {
  const batch = { inputs: [], rows: tensor.dims[0] ?? 0, places };
  return { batch, results: new Map([['y', tensor]]) };
}

function collect(answers: readonly ReturnType<typeof answerOf>[], shape: readonly number[]) {
  const spec = { name: 'y', datatype: 'FP32' as const, shape: [...shape] };
  const outputs = [{ spec, from: 'y', isLabel: false }];
  return collectOutputs({ answers, outputs, labels: [], mayBeNotANumber: false });
}
