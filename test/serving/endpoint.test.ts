import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { logModel, textModel } from '../support/small-models.js';
import { aRequest, fieldsOf, MODEL, startRig, until } from './serving-rig.js';
import type { ServingRig } from './serving-rig.js';

const INFER = `/v2/models/${MODEL}/infer`;

/** A connection of its own, on which anything can be sent. */
function open({ endpoint }: ServingRig): Socket {
  const socket = connect(Number(new URL(endpoint.url).port), '127.0.0.1');
  return socket.on('error', () => undefined);
}

function tensor(fields: object): object {
  return { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['refund'], ...fields }] };
}

describe('the endpoint', () => {
  let rig: ServingRig;
  before(async () => {
    rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
  });
  after(() => rig[Symbol.asyncDispose]());

  it('answers with outputs, version, digest and generation', async () => {
    const { status, body } = await rig.call(INFER, {
      ...aRequest('Refund!', 'parcel'),
      id: 'my-1',
    });
    const digest = rig.registry.state?.live;
    assert.equal(status, 200);
    assert.deepEqual(
      { ...body, outputs: null },
      {
        model_name: MODEL,
        model_version: '1',
        id: 'my-1',
        parameters: { digest, generation: 1 },
        outputs: null,
      },
    );
    const [label, probabilities] = Array.isArray(body['outputs'])
      ? body['outputs'].map(fieldsOf)
      : [];
    assert.deepEqual(label, {
      name: 'label',
      datatype: 'BYTES',
      shape: [2],
      data: ['billing', 'delivery'],
    });
    assert.deepEqual(probabilities?.['shape'], [2, 3]);
  });

  it('answers the same by the number of the version', async () => {
    const { digest, label } = await rig.call(
      `/v2/models/${MODEL}/versions/1/infer`,
      aRequest('refund'),
    );
    assert.equal(digest, rig.registry.state?.live);
    assert.equal(label, 'billing');
  });

  it('gives only the outputs that are asked for', async () => {
    const { body } = await rig.call(INFER, { ...aRequest('refund'), outputs: [{ name: 'label' }] });
    assert.equal(Array.isArray(body['outputs']) && body['outputs'].length, 1);
  });

  it('says that it lives and is ready', async () => {
    assert.deepEqual((await rig.call('/v2/health/live')).body, { live: true });
    assert.deepEqual((await rig.call('/v2/health/ready')).body, { ready: true });
    assert.deepEqual((await rig.call(`/v2/models/${MODEL}/ready`)).body, {
      name: MODEL,
      ready: true,
    });
  });

  it('tells name and contract', async () => {
    assert.equal((await rig.call('/v2')).body['name'], 'switchyard');
    const { body } = await rig.call(`/v2/models/${MODEL}`);
    assert.deepEqual(body['versions'], ['1']);
    assert.deepEqual(body['inputs'], [{ name: 'text', datatype: 'BYTES', shape: [-1] }]);
    assert.deepEqual((await rig.call(`/v2/models/${MODEL}/versions/1`)).body, body);
  });

  it('lists what is loaded', async () => {
    const loaded = [{ name: MODEL, version: '1', state: 'READY', reason: '' }];
    for (const body of ['', { ready: true }]) {
      const post = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
      const answer = await fetch(`${rig.endpoint.url}/v2/repository/index`, post);
      assert.deepEqual(await answer.json(), loaded);
    }
  });

  const refused: readonly (readonly [name: string, body: unknown, message: RegExp])[] = [
    ['no JSON', '{"inputs":', /no JSON/],
    ['an empty body', '', /no JSON/],
    [
      'a NaN literal',
      '{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":[NaN]}]}',
      /no JSON/,
    ],
    ['a list', [], /no JSON object/],
    ['no inputs', {}, /"inputs" is no list/],
    ['an input that is no object', { inputs: [7] }, /inputs\[0\] is no JSON object/],
    ['an unknown input', tensor({ name: 'txt' }), /no input "txt"; the model takes "text"/],
    [
      'an input twice',
      { inputs: [tensor({}), tensor({})].flatMap((one) => fieldsOf(one)['inputs']) },
      /2 times/,
    ],
    ['another datatype', tensor({ datatype: 'FP32' }), /"text" is "FP32", expected "BYTES"/],
    ['no datatype', tensor({ datatype: undefined }), /"text" is missing/],
    ['another rank', tensor({ shape: [1, 1] }), /shape \[1,1\], expected \[-1\]/],
    ['a shape that is no list', tensor({ shape: 1 }), /shape 1/],
    ['a negative size', tensor({ shape: [-1] }), /shape \[-1\]/],
    ['no rows', tensor({ shape: [0], data: [] }), /shape \[0\]/],
    ['fewer values than the shape', tensor({ shape: [2] }), /has 1 values, its shape \[2\] has 2/],
    ['a number for a text', tensor({ data: [7] }), /has 7 at position 0, expected a string/],
    ['null for a text', tensor({ data: [null] }), /has null at position 0/],
    ['an unknown output', { ...aRequest('a'), outputs: [{ name: 'lable' }] }, /no output "lable"/],
    ['an id that is no text', { ...aRequest('a'), id: 7 }, /"id" is no string/],
    ['a nesting without end', '['.repeat(200_000), /no JSON/],
  ];
  for (const [name, body, message] of refused) {
    it(`refuses ${name} with 400 and one sentence`, async () => {
      const answer = await rig.call(INFER, body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body['type'], 'InvalidInput');
      assert.match(String(answer.body['error']), message);
      assert.equal((await rig.ask('refund')).status, 200);
    });
  }

  it('refuses a request without a body', async () => {
    const answer = await fetch(rig.endpoint.url + INFER, { method: 'POST' });
    assert.equal(answer.status, 400);
  });

  it('refuses what its router cannot take in the form of every other refusal', async () => {
    for (const [model, status] of [
      ['%ff', 400],
      ['x'.repeat(300), 414],
    ] as const) {
      const answer = await rig.call(`/v2/models/${model}/infer`, aRequest('a'));
      assert.deepEqual([answer.status, answer.body['type']], [status, 'InvalidInput']);
      assert.ok(String(answer.body['error']).length <= 300);
    }
  });

  it('refuses what is no HTTP in the same form, and closes the connection', async () => {
    for (const [sent, status] of [
      ['nonsense\r\n\r\n', 400],
      [`GET /v2 HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = open(rig);
      socket.write(sent);
      const answer = await text(socket);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} .*\r\nconnection: close\r\n`, 's'));
      assert.match(answer, /\{"error":"[^"]+","type":"InvalidInput"\}$/);
    }
  });

  it('takes a customer of other letters by the parameter, and not by the header', async () => {
    const named = { ...aRequest('refund'), parameters: { customer: 'Müller' } };
    assert.equal((await rig.call(INFER, named)).status, 200);
    const headers = { 'switchyard-customer': Buffer.from('Müller').toString('latin1') };
    const sent = { method: 'POST', body: JSON.stringify(aRequest('refund')), headers };
    const answer = await fetch(rig.endpoint.url + INFER, sent);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /parameter \\"customer\\"/);
  });

  it('does not know other models, versions and routes', async () => {
    const model = await rig.call('/v2/models/other/infer', aRequest('a'));
    assert.deepEqual([model.status, model.body['type']], [404, 'UnknownModel']);
    const version = await rig.call(`/v2/models/${MODEL}/versions/9/infer`, aRequest('a'));
    assert.deepEqual([version.status, version.body['type']], [404, 'UnknownVersion']);
    const route = await rig.call('/v1/anything');
    assert.deepEqual([route.status, route.body['type']], [404, 'NotFound']);
  });

  it('refuses a body of 100 MB before it has come', async () => {
    const { hostname, port } = new URL(rig.endpoint.url);
    const sending = request({
      hostname,
      port,
      path: INFER,
      method: 'POST',
      headers: { 'content-length': 100 * 1024 * 1024 },
    });
    sending.on('error', () => undefined);
    sending.write('[');
    const status = await new Promise((resolve) => {
      sending.once('response', ({ statusCode }) => resolve(statusCode));
    });
    assert.equal(status, 413);
    sending.destroy();
  });

  it('refuses a body that grows over the limit without saying its length', async () => {
    const { port } = new URL(rig.endpoint.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST ${INFER} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 20; sent++) socket.write(chunk);
    const head = await new Promise((resolve) => socket.once('data', resolve));
    assert.match(String(head), /^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it('answers a whole 100 MB upload with 413 within seconds', async () => {
    const answer = await rig
      .call(INFER, 'x'.repeat(100 * 1024 * 1024))
      .catch((error: unknown) => error);
    // a client that sends before it listens may find the connection closed instead
    if (!(answer instanceof Error)) assert.equal(fieldsOf(answer)['status'], 413);
    assert.equal((await rig.ask('refund')).status, 200);
  });

  it('keeps answering while a client sends its body byte by byte', async () => {
    const { port } = new URL(rig.endpoint.url);
    const slow = connect(Number(port), '127.0.0.1');
    slow.write(`POST ${INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{`);
    assert.equal((await rig.ask('refund')).status, 200);
    slow.destroy();
  });
});

describe('the endpoint with a numeric model', () => {
  let rig: ServingRig;
  before(async () => {
    rig = await startRig((registry) => registry.promote(registry.publish(logModel())));
  });
  after(() => rig[Symbol.asyncDispose]());
  const numbers = (data: unknown, shape = [1, 2]) => ({
    inputs: [{ name: 'x', datatype: 'FP32', shape, data }],
  });

  it('takes values flat and nested', async () => {
    const flat = await rig.call(INFER, numbers([1, 1, 1, 1], [2, 2]));
    const nested = await rig.call(
      INFER,
      numbers(
        [
          [1, 1],
          [1, 1],
        ],
        [2, 2],
      ),
    );
    assert.equal(flat.status, 200);
    assert.deepEqual(nested.body['outputs'], flat.body['outputs']);
  });

  it('answers 422 where the model has no number for a row', async () => {
    const { status, body } = await rig.call(INFER, numbers([1, 1, 1, -1], [2, 2]));
    assert.equal(status, 422);
    assert.match(String(body['error']), /row 1/);
  });

  for (const value of ['"1"', 'null', 'true', '[1]', '1e39', '1e999']) {
    it(`refuses ${value} for a 32-bit number`, async () => {
      const body = JSON.stringify(numbers(['VALUE', 1])).replace('"VALUE"', value);
      const answer = await rig.call(INFER, body);
      assert.equal(answer.status, 400);
      assert.match(
        String(answer.body['error']),
        /at position 0, expected a 32-bit number|not nested/,
      );
    });
  }
});

describe('the endpoint without a live version', () => {
  it('answers 503 and is not ready', async () => {
    await using rig = await startRig(() => undefined);
    const { status, body } = await rig.ask('refund');
    assert.deepEqual([status, body['type']], [503, 'NotReady']);
    assert.equal((await rig.call('/v2/health/ready')).status, 503);
    assert.equal((await rig.call(`/v2/models/${MODEL}/ready`)).status, 503);
    const index = await fetch(`${rig.endpoint.url}/v2/repository/index`, { method: 'POST' });
    assert.deepEqual(await index.json(), [{ name: MODEL, state: 'UNAVAILABLE', reason: '' }]);
    assert.equal((await rig.call('/v2/health/live')).status, 200);
  });
});

describe('the endpoint under uploads that do not come to their end', () => {
  const large = aRequest('refund '.repeat(5_000));
  const live = (registry: ServingRig['registry']) =>
    registry.promote(registry.publish(textModel()));

  it('refuses one customer’s next large body, and neither small ones nor another customer’s', async () => {
    const limits = { bodyLimitBytes: 64 << 10, maxWaitingBytes: 1 << 20 };
    await using rig = await startRig(live, limits);
    const ask = async (headers = {}) => {
      const sent = { method: 'POST', body: JSON.stringify(large), headers };
      const answer = await fetch(rig.endpoint.url + INFER, sent);
      await answer.arrayBuffer();
      return answer;
    };
    const lengths = Array.from({ length: 12 }, () => `content-length: ${64 << 10}`);
    const sizes = ['transfer-encoding: chunked', ...lengths];
    const uploads = sizes.map((size) => {
      const socket = open(rig);
      socket.write(`POST ${INFER} HTTP/1.1\r\nhost: x\r\n${size}\r\n\r\n`);
      return socket;
    });
    await until(async () => (await ask()).status === 429);
    assert.equal((await ask()).headers.get('retry-after'), '1');
    assert.equal((await rig.ask('refund')).status, 200);
    assert.equal((await ask({ 'switchyard-customer': 'other' })).status, 200);
    for (const socket of uploads) socket.destroy();
    await until(async () => (await ask()).status === 200);
    for (let times = 0; times < 40; times += 1) assert.equal((await ask()).status, 200);
  });

  it('does not read a large body whose time is over when its turn comes', async () => {
    await using rig = await startRig(live, { requestTimeoutMs: 0 });
    const { status, body } = await rig.call(INFER, 'x'.repeat(20_000));
    assert.deepEqual([status, body['type']], [504, 'TimedOut']);
  });
});

describe('the endpoint that ends', () => {
  it('refuses what comes on a connection that is still open, in the form of every other refusal', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
    const socket = open(rig);
    socket.write('GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    socket.write(`POST ${INFER} HTTP/1.1\r\nhost: x\r\n`);
    const isHere = () =>
      fetch(`${rig.endpoint.url}/v2/health/live`).then(
        () => true,
        () => false,
      );
    await isHere(); // what was sent before has been read
    const closed = rig.endpoint.close();
    await until(async () => !(await isHere()));
    socket.write('content-length: 2\r\n\r\n{}');
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1\.1 503 .*\r\nconnection: close\r\n/is);
    assert.match(answer, /\{"error":"[^"]+","type":"NotReady"\}$/);
    await closed;
  });
});

describe('the endpoint under more requests than may wait', () => {
  it('refuses the rest at once with 429 and says when to come again', async () => {
    const live = (registry: ServingRig['registry']) =>
      registry.promote(registry.publish(textModel()));
    await using rig = await startRig(live, { maxWaiting: 4 });
    const ask = async () => {
      const body = JSON.stringify(aRequest('refund'));
      const answer = await fetch(rig.endpoint.url + INFER, { method: 'POST', body });
      return { status: answer.status, after: answer.headers.get('retry-after') };
    };
    const answers = await Promise.all(Array.from({ length: 60 }, ask));
    const refused = answers.filter(({ status }) => status !== 200);
    assert.ok(refused.length > 0 && refused.length < 60);
    for (const { status, after } of refused) assert.deepEqual([status, after], [429, '1']);
  });
});
