import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CSV_HELD_OUT_FROM,
  csvSource,
  type CsvSourceOptions,
} from '../../../adapters/sources/csv-source.js';
import { parseRows } from '../../../domain/dataset.js';
import { aFolder, failure } from '../registry/builders.js';

const EVERYTHING = {};

/** All rows of a file with this content. */
async function rowsOf(content: string | Uint8Array, options: Partial<CsvSourceOptions> = {}) {
  await using folder = await aFolder();
  const file = join(folder.path, 'mails.csv');
  await writeFile(file, content);
  return await csvSource({ file, ...options }).rows(EVERYTHING);
}

const said = (rows: readonly { label: string; text: string }[]) =>
  rows.map(({ label, text }) => [label, text]);

describe('csvSource', () => {
  it('reads two columns in any order, quoted fields with line breaks, and a byte order mark', async () => {
    const rows = await rowsOf(
      '\uFEFFlabel,text\r\naccess,"Locked ""out"",\r\nagain"\r\nbilling,Bill\r\n',
    );
    assert.deepEqual(
      new Set(said(rows).map((each) => each.join('|'))),
      new Set(['access|Locked "out",\r\nagain', 'billing|Bill']),
    );
  });

  it('takes its columns by the names that it is given', async () => {
    const options = {
      text: 'body',
      label: 'queue',
      id: 'nr',
      time: 'sent',
      customer: 'who',
      slice: 'lang',
      delimiter: ';',
    };
    const rows = await rowsOf(
      'nr;body;queue;sent;who;lang\n7;Hello;access;2026-01-31;ada;en\n',
      options,
    );
    assert.deepEqual(rows, [
      {
        id: '7',
        at: '2026-01-31T00:00:00.000Z',
        label: 'access',
        text: 'Hello',
        customer: 'ada',
        slice: 'en',
      },
    ]);
  });

  it('names equal rows apart, and every row the same at each reading', async () => {
    const content = 'text,label\nHello,access\nHello,access\nHello,billing\n';
    const [one, again] = [await rowsOf(content), await rowsOf(content)];
    assert.equal(new Set(one.map(({ id }) => id)).size, 3);
    assert.deepEqual(one, again);
  });

  it('holds a share of the rows out by a hash of their text, and never the same text on both sides', async () => {
    const lines = Array.from(
      { length: 4_000 },
      (_, index) => `mail ${index % 2_000},label ${index}`,
    );
    const rows = await rowsOf(`text,label\n${lines.join('\n')}\n`, { heldOut: 0.3 });
    const heldOut = rows.filter(({ at }) => at >= CSV_HELD_OUT_FROM);
    const share = heldOut.length / rows.length;
    assert.ok(share > 0.27 && share < 0.33, `${share} of the rows`);
    const texts = new Set(heldOut.map(({ text }) => text));
    assert.equal(rows.filter(({ text }) => texts.has(text)).length, heldOut.length);
  });

  it('brings the cuts that take it apart, where there is no column of times', async () => {
    await using folder = await aFolder({
      'mails.csv': `text,label\n${Array.from({ length: 40 }, (_, index) => `m${index},l${index % 2}`).join('\n')}`,
    });
    const source = csvSource({ file: 'mails.csv' }).within?.(folder.path);
    assert.ok(source?.cuts);
    const { train, heldOut } = source.cuts;
    const [learnt, held] = [await source.rows(train), await source.rows(heldOut)];
    assert.equal(learnt.length + held.length, 40);
    assert.equal(parseRows('mails', held, heldOut).length, held.length);
    assert.equal(csvSource({ file: 'mails.csv', time: 'at' }).cuts, undefined);
  });

  it('reads the file anew each time, so that new rows count', async () => {
    await using folder = await aFolder({ 'mails.csv': 'text,label\none,a\n' });
    const file = join(folder.path, 'mails.csv');
    const source = csvSource({ file: pathToFileURL(file) });
    assert.equal((await source.rows(EVERYTHING)).length, 1);
    await appendFile(file, 'two,b\n');
    assert.equal((await source.rows(EVERYTHING)).length, 2);
  });

  const wrong: Readonly<Record<string, [string | Uint8Array, Partial<CsvSourceOptions>, RegExp]>> =
    {
      'an empty file': ['', {}, /mails\.csv: it is empty: its first line names the columns/],
      'a column that is not there': [
        'txet,label\nHello,access\n',
        {},
        /line 1: there is no column "text"; is it "txet"\? It has: txet, label\. Name it with csvSource\(\{ text: … \}\)/,
      ],
      'two columns of one name': [
        'text,label,text\na,b,c\n',
        {},
        /line 1: it has two columns "text"/,
      ],
      'a row that is too long': [
        'text,label\nHello,access\nHello, again,access\n',
        {},
        /mails\.csv: a row is not as long as the header: .*expect 2, got 3 on line 3/,
      ],
      'an empty label': ['text,label\nHello,access\nBye, \n', {}, /line 3: "label" is empty/],
      'a label that is a whole mail': [
        `text,label\naccess,${'x'.repeat(201)}\n`,
        {},
        /line 2: "label" has 201 characters, a label at most 200/,
      ],
      'an id that occurs twice': [
        'id,text,label\n1,a,b\n2,a,b\n1,c,d\n',
        { id: 'id' },
        /line 4: the id "1" is on line 2 too/,
      ],
      'an instant that is none': [
        'at,text,label\n31.1.2026,a,b\n',
        { time: 'at' },
        /line 2: "at" is no instant \("31\.1\.2026"\); write it as 2026-01-31T08:00:00Z or 2026-01-31/,
      ],
      'a quote that never closes': [
        'text,label\n"Hello,access\n',
        {},
        /mails\.csv: Quote Not Closed: .* line 2/,
      ],
      'another encoding': [
        Buffer.from('text,label\nHello,access\nGr\u00fc\u00dfe,access\n', 'latin1'),
        {},
        /line 3: it is no UTF-8; save the file as UTF-8/,
      ],
    };
  for (const [what, [content, options, sentence]] of Object.entries(wrong)) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(rowsOf(content, options), failure('InvalidDataset', sentence));
    });
  }

  it('says that there is no file', async () => {
    await assert.rejects(
      csvSource({ file: '/nowhere/mails.csv' }).rows(EVERYTHING),
      failure('InvalidDataset', /\/nowhere\/mails\.csv: there is no such file/),
    );
  });

  it('refuses a share that is none, and one beside a column of times', () => {
    const refused = (options: Partial<CsvSourceOptions>, sentence: RegExp) =>
      assert.throws(
        () => csvSource({ file: 'a.csv', ...options }),
        failure('InvalidSpec', sentence),
      );
    refused({ heldOut: 1 }, /above 0 and below 1, not 1/);
    refused({ heldOut: Number.NaN }, /not NaN/);
    refused({ heldOut: 0.2, time: 'at' }, /only without a column of times/);
  });

  it('reads characters that are cut apart between two chunks', async () => {
    const text = '€'.repeat(100_000);
    const rows = await rowsOf(`text,label\nx${text},access\n`);
    assert.equal(rows[0]?.text, `x${text}`);
  });
});
