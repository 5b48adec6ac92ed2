import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { z } from 'zod';
import { statementLines } from '../../../examples/transactions/statement-lines.js';
import { makersOfModels } from './bench-models.js';
import { rateOf } from './closed-loop.js';
import { binaryBody, forestRows, numberBody, ofCustomer, textBody } from './infer-body.js';
import { KeepAlive, postOk } from './keep-alive.js';

describe('bench serving', () => {
  it('counts answers from one to another', () => {
    const bursts = [100, 100, 1_100, 1_100, 2_100, 2_100];
    assert.equal(rateOf(bursts, 500, 2_500), 2);
    assert.equal(rateOf(bursts, 500, 2_000), 2, 'a burst that is cut off does not count half');
    assert.ok(Number.isNaN(rateOf(bursts, 0, 2_000)), 'nothing came before, from which to count');
  });

  it('asks in binary what it asks in JSON', () => {
    const rows = forestRows(2);
    const { bytes, headers } = binaryBody(rows);
    const length = Number(headers['inference-header-content-length']);
    const [header] = inputsOf(bytes.toString('utf8', 0, length));
    const [{ data = [], ...inJson } = {}] = inputsOf(numberBody(rows).bytes.toString());
    assert.deepEqual(header, { ...inJson, parameters: { binary_data_size: 2 * 20 * 4 } });
    const tensor = bytes.subarray(length);
    assert.deepEqual([...new Float32Array(Uint8Array.from(tensor).buffer)], data);
    assert.equal(ofCustomer('one', textBody([''])).headers['switchyard-customer'], 'one');
  });

  it('makes the same statement lines each time, of ten groups and many scripts', async () => {
    const rows = await statementLines(20_000);
    assert.deepEqual(rows, await statementLines(20_000));
    assert.equal(new Set(rows.map(({ label }) => label)).size, 10);
    assert.ok(new Set(rows.map(({ text }) => text)).size > 19_000);
    assert.ok(rows.filter(({ text }) => /[^ -~]/.test(text)).length > 2_000);
  });
});

describe('the benchmark’s models', () => {
  it('are made anew where anything changes that makes them', async () => {
    const makers = await makersOfModels();
    const [script = assert.fail()] = makers.filter((file) => file.endsWith('make_models.py'));
    const imports = (await readFile(script, 'utf8')).matchAll(/^from switchyard_kit\.(\w+)/gm);
    const modules = [...imports].map(([, name = '']) => name);
    assert.ok(modules.includes('text_graph'));
    for (const name of modules) {
      assert.ok(
        makers.some((file) => file.endsWith(`/switchyard_kit/${name}.py`)),
        name,
      );
    }
  });
});

describe('KeepAlive', () => {
  it('puts answers together from pieces, one after another on one connection', async () => {
    await using server = await serverThat((socket, asked) => {
      const body = asked.slice(-5);
      socket.write('HTTP/1.1 200 OK\r\nContent-Len');
      setImmediate(() => {
        socket.write(`gth: 10\r\n\r\n${body}`);
        setImmediate(() => socket.write(body));
      });
    });
    using connection = await KeepAlive.open(server.url);
    for (const text of ['first', 'other']) {
      const body = { bytes: Buffer.from(text), headers: { 'x-one': '1' } };
      const { status, body: said } = await postOk(connection, `${server.url}/a/b`, body);
      assert.deepEqual([status, said.toString()], [200, `${text}${text}`]);
    }
    assert.match(
      server.asked[0] ?? '',
      /^POST \/a\/b HTTP\/1\.1\r\n[\s\S]*content-length: 5\r\nx-one: 1\r\n/,
    );
  });

  it('fails where the answer is no 200, or tells no length, or never comes', async () => {
    const answers = [
      'HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nbusy',
      'HTTP/1.1 200 OK\r\n\r\n',
      null,
    ];
    await using server = await serverThat((socket) => {
      const answer = answers.shift();
      if (typeof answer === 'string') socket.write(answer);
      else socket.destroy();
    });
    using connection = await KeepAlive.open(server.url);
    const body = textBody(['']);
    await assert.rejects(postOk(connection, server.url, body), /answered 429: busy/);
    await assert.rejects(postOk(connection, server.url, body), /does not tell its length/);
    await assert.rejects(postOk(connection, server.url, body), /closed/);
    assert.equal(connection.isOpen, false);
    await assert.rejects(postOk(connection, server.url, body), /closed/, 'nor does it wait then');
  });
});

const bodySchema = z.object({
  inputs: z.array(z.looseObject({ data: z.array(z.number()).optional() })),
});

const inputsOf = (text: string) => bodySchema.parse(JSON.parse(text)).inputs;

/** A server that answers each request by hand. */
async function serverThat(answer: (socket: Socket, asked: string) => void) {
  const asked: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        asked.push(chunk.toString());
        answer(socket, chunk.toString());
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return {
    ...{ url: `http://127.0.0.1:${address.port}`, asked },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
