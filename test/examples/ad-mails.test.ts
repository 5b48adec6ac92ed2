import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { parseRows } from '../../domain/dataset.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { readDocuments, type Document } from '../../examples/ads/documents.js';
import { createAdMails, SPLIT } from '../../examples/ads/mails.js';

describe('createAdMails', () => {
  let rows: readonly Row[];

  before(async () => {
    rows = await createAdMails().rows({});
  });

  it('reads what the example’s README counts, by slice and on both sides of the split', async () => {
    const readme = await readFile(join(PACKAGE_ROOT, 'examples/ads/README.md'), 'utf8');
    const table = [...readme.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| ([\d,]+) +\| ([\d,]+) +\|$/gm)];
    const count = (slice: string, isHeldOut: boolean) =>
      rows.filter((row) => row.slice === slice && row.at >= SPLIT === isHeldOut).length;

    assert.deepEqual(
      table.map(([, slice, label, ...counts]) => [
        ...[slice, label],
        ...counts.map((text) => Number(text.replace(',', ''))),
      ]),
      [
        ['mail', 'editorial', count('mail', false), count('mail', true)],
        ['newsletter', 'editorial', count('newsletter', false), count('newsletter', true)],
        ['advertising', 'ad', count('advertising', false), count('advertising', true)],
      ],
    );
    assert.equal(rows.length, 5_723);
  });

  it('makes a sound data set, in which no text is twice', () => {
    assert.deepEqual(parseRows('mails', rows, {}), rows);
    assert.equal(new Set(rows.map(({ text }) => text)).size, rows.length);
  });

  it('holds no header fields, quotes or signatures', () => {
    const giveaway = /^(Received|Message-Id|Subject|List-Id): |^\s{0,3}>|^-- ?$/im;

    assert.deepEqual(
      rows.filter(({ text }) => giveaway.test(text)).map(({ id }) => id),
      [],
    );
  });
});

describe('readDocuments', () => {
  it('reads 10,000, no mail of which was trained on, and the seven that are spoilt among them', async () => {
    const documents: Document[] = [];
    for await (const document of readDocuments(10_000)) documents.push(document);
    const trained = new Set((await createAdMails().rows({ until: SPLIT })).map(({ id }) => id));
    const mails = documents.map(({ id }) => id.replace(/#\d+$/, ''));

    assert.equal(documents.length, 10_000);
    assert.equal(new Set(documents.map(({ id }) => id)).size, 10_000);
    assert.ok(mails.every((id) => !trained.has(id)));
    assert.equal(mails.filter((id) => !/^(easy-ham|hard-ham|spam)-\d\//.test(id)).length, 7);
  });

  it('says how many there are where there are too few', async () => {
    const all = readDocuments(20_000);
    await assert.rejects(async () => {
      for await (const each of all) assert.ok(each.id);
    }, /^RangeError: there are only \d+ documents$/);
  });
});
