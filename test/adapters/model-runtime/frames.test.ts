import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeFrame, FrameReader } from '../../../adapters/model-runtime/frames.js';
import { packTensors, placesOf, unpackTensors } from '../../../adapters/model-runtime/tensors.js';
import type { Tensor } from '../../../domain/ports/model-runtime.js';

describe('FrameReader', () => {
  it('puts frames together from pieces of any size', () => {
    const messages = fc.array(fc.tuple(fc.string(), fc.uint8Array({ maxLength: 50 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 60 }), (sent, size) => {
        const stream = Buffer.concat(sent.map(([text, bytes]) => encodeFrame({ text }, [bytes])));
        const reader = new FrameReader();
        const received = [];
        for (let at = 0; at < stream.length; at += size) {
          const piece = Buffer.from(stream.subarray(at, at + size));
          received.push(...reader.push(piece));
          piece.fill(0); // a frame has memory of its own
        }
        assert.deepEqual(
          received.map(({ header, bytes }) => [header, Uint8Array.from(bytes)]),
          sent.map(([text, bytes]) => [{ text }, bytes]),
        );
      }),
    );
  });

  it('has numbers where typed arrays can read them, whatever stands before them', () => {
    const numbers = Float64Array.of(0.5, -3);
    for (let length = 0; length < 9; length += 1) {
      const [frame] = new FrameReader().push(
        encodeFrame({ text: 'ä'.repeat(length) }, [new Uint8Array(numbers.buffer)]),
      );
      assert.ok(frame);
      const { buffer, byteOffset } = frame.bytes;
      assert.ok(buffer.byteLength < 100, 'and no other frame shares its memory');
      assert.deepEqual(new Float64Array(buffer, byteOffset, 2), numbers);
    }
  });

  it('refuses a length that no honest peer sends', () => {
    const hostile = Buffer.from([255, 255, 255, 255, 2, 0, 0, 0]);
    assert.throws(() => new FrameReader().push(hostile), RangeError);
  });

  it('refuses a header that is longer than its frame', () => {
    const hostile = Buffer.from([4, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4]);
    assert.throws(() => new FrameReader().push(hostile), RangeError);
  });
});

describe('packTensors', () => {
  const tensors: Tensor[] = [
    { name: 'text', datatype: 'BYTES', shape: [3], data: ['späti', '', '👍 退款\u0000'] },
    { name: 'f', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(0.5, -3) },
    { name: 'i', datatype: 'INT32', shape: [1], data: Int32Array.of(-7) },
    { name: 'l', datatype: 'INT64', shape: [1], data: BigInt64Array.of(-(2n ** 60n)) },
  ];

  it('is undone by unpackTensors', () => {
    const { packed, parts } = packTensors(tensors);
    assert.deepEqual(unpackTensors(packed, Buffer.concat(parts)), tensors);
  });

  it('sends words that both sides know as their places, all of a tensor or none', () => {
    const labels = ['spam', 'ham'];
    const label = (...data: readonly string[]): Tensor => ({
      ...{ name: 'label', datatype: 'BYTES', shape: [data.length], data },
    });
    const [known, unknown] = [label('ham', 'spam', 'ham'), label('ham', 'eggs', 'ham')];
    const one = packTensors([known], placesOf(labels));
    assert.equal(one.packed[0]?.bytes, 12);
    assert.deepEqual(unpackTensors(one.packed, Buffer.concat(one.parts), labels), [known]);
    assert.throws(() => unpackTensors(one.packed, Buffer.concat(one.parts), ['spam']), RangeError);
    const other = packTensors([unknown], placesOf(labels));
    assert.deepEqual(unpackTensors(other.packed, Buffer.concat(other.parts), labels), [unknown]);
  });

  it('reads numbers that do not lie where typed arrays may start', () => {
    const { packed, parts } = packTensors(tensors);
    const bytes = Buffer.concat(parts);
    for (let shift = 0; shift < 8; shift += 1) {
      const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      assert.deepEqual(unpackTensors(packed, shifted), tensors);
    }
  });

  it('does not fit where a byte is missing', () => {
    const { packed, parts } = packTensors(tensors);
    assert.throws(() => unpackTensors(packed, Buffer.concat(parts).subarray(1)), RangeError);
  });
});
