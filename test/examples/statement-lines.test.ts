import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { parseRows } from '../../domain/dataset.js';
import { parseProject } from '../../domain/project.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { askGroups } from '../../examples/transactions/ask-groups.js';
import { plainName, readMerchants } from '../../examples/transactions/merchants.js';
import { createStatementLines } from '../../examples/transactions/statement-lines.js';
import project from '../../examples/transactions/switchyard.config.js';

const README = join(PACKAGE_ROOT, 'examples/transactions/README.md');

const countBy = (rows: readonly Row[], keyOf: (row: Row) => string) => {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort());
};

describe('createStatementLines', () => {
  const source = createStatementLines();
  const { train } = parseProject(project, 'the example').models['transactions'] ?? assert.fail();
  const cuts = async () => ({
    train: await source.rows(train.trainRows),
    heldOut: await source.rows(train.heldOutRows),
  });

  it('makes a sound data set, the same at every reading', async () => {
    const rows = await source.rows({});

    assert.equal(parseRows('lines', rows, {}).length, rows.length);
    assert.deepEqual(await createStatementLines().rows({}), rows);
  });

  it('counts what the example’s README counts', async () => {
    const { train, heldOut } = await cuts();
    const table = [
      ...(await readFile(README, 'utf8')).matchAll(/^\| `([\w-]+)` +\| +(\d+) \| +(\d+) \|$/gm),
    ];
    const counted = (column: number) =>
      Object.fromEntries(table.map((cells) => [cells[1] ?? '', Number(cells[column])]));

    const groupOf = ({ label }: Row) => label;
    assert.deepEqual(counted(2), countBy(train, groupOf));
    assert.deepEqual(counted(3), countBy(heldOut, groupOf));
  });

  it('holds out names that the training rows do not have, however they are written', async () => {
    const names = new Map((await readMerchants()).map(({ id, name }) => [id, plainName(name)]));
    const { train, heldOut } = await cuts();
    const nameOf = ({ id }: Row) => names.get(id) ?? assert.fail(id);

    assert.equal(train.length + heldOut.length, names.size);
    const seen = new Set(train.map(nameOf));
    assert.deepEqual(
      heldOut.map(nameOf).filter((name) => seen.has(name)),
      [],
    );
    for (const row of heldOut) assert.ok(plainName(row.text).includes(nameOf(row)), row.text);
  });

  it('has slices large enough to be judged alone', async () => {
    const { heldOut } = await cuts();
    const slices = countBy(heldOut, ({ slice }) => slice ?? '');

    assert.deepEqual(Object.keys(slices), ['cyrillic', 'han', 'kana', 'latin', 'other-script']);
    assert.ok(Math.min(...Object.values(slices)) >= 100, JSON.stringify(slices));
  });
});

describe('askGroups', () => {
  it('asks in requests of a thousand lines and answers in their order', async () => {
    await using endpoint = await endpointThat(({ data }, seen) => {
      // the first request is answered last
      return {
        afterMs: seen === 1 ? 50 : 0,
        body: answerOf(data.map((line) => `group of ${line}`)),
      };
    });
    const lines = Array.from({ length: 2_500 }, (_, index) => `line ${index}`);
    const answered: number[] = [];

    const groups = await askGroups({
      ...{ url: endpoint.url, customer: 'ada', lines },
      onAnswered: (more) => answered.push(more),
    });

    assert.deepEqual(
      groups,
      lines.map((line) => `group of ${line}`),
    );
    assert.deepEqual(answered.sort(), [1_000, 1_000, 500]);
    assert.deepEqual(endpoint.customers, ['ada', 'ada', 'ada']);
  });

  it('asks an endpoint that is full again, when it says', async () => {
    await using endpoint = await endpointThat((_, seen) =>
      seen === 1 ? { status: 429, retryAfter: '0', body: 'full' } : { body: answerOf(['home']) },
    );

    assert.deepEqual(await askGroups({ url: endpoint.url, customer: 'ada', lines: ['x'] }), [
      'home',
    ]);
    assert.equal(endpoint.customers.length, 2);
  });

  it('fails where it stays full, answers an error, or too few', async () => {
    const ask = (url: string) => askGroups({ url, customer: 'ada', lines: ['x', 'y'] });

    await using full = await endpointThat(() => ({ status: 429, retryAfter: '0', body: 'full' }));
    await assert.rejects(ask(full.url), /answered 429 to ada: full/);
    assert.equal(full.customers.length, 5);
    await using broken = await endpointThat(() => ({ status: 503, body: 'no version' }));
    await assert.rejects(ask(broken.url), /answered 503 to ada: no version/);
    await using short = await endpointThat(() => ({ body: answerOf(['home']) }));
    await assert.rejects(ask(short.url), /1 answers came to 2 lines/);
  });
});

interface Given {
  readonly status?: number;
  readonly retryAfter?: string;
  readonly afterMs?: number;
  readonly body: string;
}

const bodySchema = z.object({
  inputs: z.tuple([
    z.object({
      name: z.literal('text'),
      datatype: z.literal('BYTES'),
      shape: z.tuple([z.number()]),
      data: z.array(z.string()),
    }),
  ]),
  outputs: z.tuple([z.object({ name: z.literal('label') })]),
});

const answerOf = (groups: readonly string[]) =>
  JSON.stringify({ outputs: [{ name: 'label', datatype: 'BYTES', data: groups }] });

/** An endpoint that answers by hand; `seen` counts requests from 1. */
async function endpointThat(answer: (asked: { data: string[] }, seen: number) => Given) {
  const customers: unknown[] = [];
  const server = createServer((request, response) => {
    customers.push(request.headers['switchyard-customer']);
    const seen = customers.length;
    void json(request).then((body) => {
      const [{ data, shape }] = bodySchema.parse(body).inputs;
      assert.deepEqual(shape, [data.length]);
      const { status = 200, retryAfter, afterMs = 0, body: said } = answer({ data }, seen);
      if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
      setTimeout(() => response.writeHead(status).end(said), afterMs);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return {
    ...{ url: `http://127.0.0.1:${address.port}/v2/models/transactions`, customers },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
