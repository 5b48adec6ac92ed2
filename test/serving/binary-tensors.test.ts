import assert from 'node:assert/strict';
import { logModel, textModel } from '../support/small-models.js';
import { aRequest, fieldsOf, MODEL, startRig } from './serving-rig.js';
import type { ServingRig } from './serving-rig.js';

const INFER = `/v2/models/${MODEL}/infer`;
const HEADER_LENGTH = 'inference-header-content-length';

/** What a client of the binary tensor data extension sends, and what it is answered. */
async function ask(
  rig: ServingRig,
  json: object,
  binary: Buffer,
  given: { headerLength?: string } = {},
) {
  const head = Buffer.from(JSON.stringify(json));
  const response = await fetch(rig.endpoint.url + INFER, {
    method: 'POST',
    body: Buffer.concat([head, binary]),
    headers: {
      'content-type': 'application/octet-stream',
      [HEADER_LENGTH]: given.headerLength ?? String(head.byteLength),
    },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = response.headers.get(HEADER_LENGTH);
  const jsonEnd = length === null ? bytes.byteLength : Number(length);
  const answer: unknown = JSON.parse(bytes.toString('utf8', 0, jsonEnd));
  return { status: response.status, json: fieldsOf(answer), binary: bytes.subarray(jsonEnd) };
}

/** BYTES as the extension has them: each with its length before it, u32 little endian. */
function bytesOfTexts(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      return [length, Buffer.from(text)];
    }),
  );
}

const textInput = (size: number, rows: number) => ({
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [rows], parameters: { binary_data_size: size } },
  ],
});

describe('tensors as bytes behind the JSON', () => {
  let rig: ServingRig;
  before(async () => {
    rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
  });
  after(() => rig[Symbol.asyncDispose]());

  it('are told of among the extensions', async () => {
    const { body } = await rig.call('/v2');
    assert.deepEqual(body['extensions'], ['binary_tensor_data', 'model_repository']);
  });

  it('are taken, and answered in JSON where nothing else is asked', async () => {
    const texts = bytesOfTexts('Rückgabe 🎫 refund', 'parcel');
    const { status, json } = await ask(rig, textInput(texts.byteLength, 2), texts);
    const other = await rig.call(INFER, aRequest('Rückgabe 🎫 refund', 'parcel'));
    assert.equal(status, 200);
    assert.deepEqual(json['outputs'], other.body['outputs']);
  });

  it('are answered, all or one by one', async () => {
    const inJson = await rig.call(INFER, aRequest('refund', 'parcel'));
    const [, expected] = Array.isArray(inJson.body['outputs'])
      ? inJson.body['outputs'].map(fieldsOf)
      : [];
    const texts = bytesOfTexts('refund', 'parcel');
    const input = textInput(texts.byteLength, 2);
    const all = await ask(rig, { ...input, parameters: { binary_data_output: true } }, texts);
    const labels = bytesOfTexts('billing', 'delivery');
    assert.deepEqual(all.binary.subarray(0, labels.byteLength), labels);
    const numbers = all.binary.subarray(labels.byteLength);
    const read = Array.from({ length: 6 }, (_, index) => numbers.readFloatLE(index * 4));
    const said: unknown = expected?.['data'];
    assert.ok(Array.isArray(said));
    assert.deepEqual(read, said.map(Number).map(Math.fround));

    const outputs = [
      { name: 'probabilities', parameters: { binary_data: true } },
      { name: 'label' },
    ];
    const one = await ask(rig, { ...input, outputs }, texts);
    assert.deepEqual(one.binary, numbers);
    assert.deepEqual(one.json['outputs'], [
      { name: 'label', datatype: 'BYTES', shape: [2], data: ['billing', 'delivery'] },
      {
        ...{ name: 'probabilities', datatype: 'FP32', shape: [2, 3] },
        parameters: { binary_data_size: 24 },
      },
    ]);
  });

  const refused: readonly (readonly [
    string,
    Buffer,
    number,
    { headerLength?: string; rows?: number },
    RegExp,
  ])[] = [
    ['fewer bytes than are named', bytesOfTexts('a'), 9, {}, /size 9, and 5 bytes are left/],
    ['more bytes than are named', bytesOfTexts('a', 'b'), 5, {}, /5 bytes behind the JSON/],
    ['a size below zero', bytesOfTexts('a'), -1, {}, /size -1/],
    ['a text that ends behind the tensor', bytesOfTexts('abc').subarray(0, 5), 5, {}, /no whole/],
    ['another number of values', bytesOfTexts('a', 'b'), 10, {}, /10 bytes for 2 values/],
    ['a header that is no number', bytesOfTexts('a'), 5, { headerLength: '1e3' }, /is "1e3"/],
    ['a header behind the end', bytesOfTexts('a'), 5, { headerLength: '9999' }, /at most the body/],
    ['a header inside the JSON', bytesOfTexts('a'), 5, { headerLength: '5' }, /no JSON/],
  ];
  for (const [name, binary, size, given, message] of refused) {
    it(`are refused: ${name}`, async () => {
      const { status, json } = await ask(rig, textInput(size, given.rows ?? 1), binary, given);
      assert.equal(status, 400);
      assert.match(String(json['error']), message);
    });
  }
});

describe('numbers as bytes behind the JSON', () => {
  it('are taken as they are, and refused where they are not finite', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(logModel())));
    const json = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
    };
    const bytes = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);
    const { status, json: answer } = await ask(rig, json, bytes(1, 2));
    assert.equal(status, 200);
    const inJson = await rig.call(INFER, {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }],
    });
    assert.deepEqual(answer['outputs'], inJson.body['outputs']);
    const refused = await ask(rig, json, bytes(1, Number.NaN));
    assert.match(String(refused.json['error']), /has "NaN" at position 1/);
    const odd = { inputs: [{ ...json.inputs[0], parameters: { binary_data_size: 7 } }] };
    const { json: reason } = await ask(rig, odd, bytes(1, 2).subarray(0, 7));
    assert.match(String(reason['error']), /7 bytes that are no whole values/);
  });
});
