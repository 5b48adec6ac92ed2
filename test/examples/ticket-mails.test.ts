import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { encodeRows, parseRows } from '../../domain/dataset.js';
import { digestOfBytes } from '../../domain/digest.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { parsePart, readableText } from '../../examples/mails/mime.js';
import { createTicketMails } from '../../examples/tickets/mails.js';
import { ownWords } from '../../examples/mails/own-words.js';

const countBy = (rows: readonly Row[], keyOf: (row: Row) => string) => {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort());
};
const digestOf = (rows: readonly Row[]) => digestOfBytes(Buffer.concat(encodeRows(rows)));

describe('createTicketMails', () => {
  let rows: readonly Row[];
  let tookMs: number;

  before(async () => {
    const startMs = performance.now();
    rows = await createTicketMails().rows({});
    tookMs = performance.now() - startMs;
  });

  it('reads 2,662 mails in 8 queues', () => {
    assert.deepEqual(
      countBy(rows, ({ label }) => label),
      {
        ...{ 'exmh-users': 111, 'exmh-workers': 118, fork: 1_058, ilug: 544 },
        ...{ 'razor-users': 213, rpm: 397, 'sa-devel': 53, 'sa-talk': 168 },
      },
    );
  });

  it('counts what the example’s README counts', async () => {
    const readme = await readFile(join(PACKAGE_ROOT, 'examples/tickets/README.md'), 'utf8');
    const table = [...readme.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\|$/gm)];

    assert.deepEqual(
      Object.fromEntries(table.map(([, queue = '', mails = '']) => [queue, Number(mails)])),
      countBy(rows, ({ label }) => label),
    );
  });

  it('reads mails of 2002 only', () => {
    assert.deepEqual(
      countBy(rows, ({ at }) => at.slice(0, 7)),
      {
        ...{ '2002-02': 44, '2002-07': 490, '2002-08': 1_089, '2002-09': 726 },
        ...{ '2002-10': 294, '2002-11': 5, '2002-12': 14 },
      },
    );
  });

  it('makes a sound data set, the same at every reading', async () => {
    const parsed = parseRows('mails', rows, {});

    assert.deepEqual(parsed, rows);
    assert.equal(digestOf(await createTicketMails().rows({})), digestOf(rows));
  });

  it('is fast enough for a test', () => {
    // Measured at 0.5 to 0.8 s on two cores; the limit leaves room for neighbours.
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
  });

  it('keeps to a time cut', async () => {
    const cut = { from: '2002-09-01T00:00:00Z', until: '2002-10-01T00:00:00Z' };
    const september = await createTicketMails().rows(cut);

    assert.equal(september.length, 726);
    assert.ok(september.every(({ at }) => at.startsWith('2002-09')));
  });

  for (const [title, giveaway] of [
    ['the lists’ footers', /\blistinfo\b|_{20,}\n.*mailing list/i],
    [
      'the lists’ addresses',
      /\b(fork|ilug|rpm-list|razor-users|exmh-\w+|spamassassin-(talk|devel))@/i,
    ],
    ['the advertisements of the lists’ host', /sf\.net email|^Welcome to geek heaven/im],
    ['quoted lines', /^\s{0,3}>/m],
    ['the introductions of quotes', /\bwrote:$/m],
    ['header fields', /^(List-Id|Sender|X-Loop|Delivered-To|Received|Message-Id|Subject): /im],
    ['signatures', /^-- ?$/m],
  ] as const) {
    it(`holds nothing of ${title}`, () => {
      const leaks = rows.filter(({ text }) => giveaway.test(text));

      assert.deepEqual(
        leaks.map(({ id }) => id),
        [],
      );
    });
  }
});

describe('readableText', () => {
  const read = (...lines: string[]) => readableText(parsePart(lines.join('\n')));
  const type = (value: string) => `Content-Type: ${value}`;

  it('takes the plain text of a mail in parts', () => {
    assert.equal(
      read(
        ...[type('multipart/alternative;\n boundary="b 1"'), '', 'a preamble', '--b 1'],
        ...[type('text/html'), '', '<b>rich</b>', '--b 1'],
        ...[type('text/plain; charset=us-ascii'), '', 'plain', '', '--b 1--', 'an epilogue'],
      ),
      'plain\n',
    );
  });

  it('finds it in parts of parts, and in a part without header fields', () => {
    assert.equal(
      read(
        ...[type('multipart/signed; boundary=o'), '', '--o', type('multipart/mixed; boundary=i')],
        ...['', '--i', '', 'inside', '--i--', '--o', type('application/pgp-signature'), '', 'x'],
        '--o--',
      ),
      'inside',
    );
  });

  it('passes attachments by', () => {
    assert.equal(
      read(
        ...[type('multipart/mixed; boundary=b'), '', '--b', type('text/plain')],
        ...['Content-Disposition: attachment; filename=a.txt', '', 'attached', '--b'],
        ...[type('text/plain'), '', 'read me', '--b--'],
      ),
      'read me',
    );
  });

  it('decodes quoted-printable, base64 and character sets', () => {
    const encoding = (name: string) => `Content-Transfer-Encoding: ${name}`;

    assert.equal(
      read(
        type('text/plain; charset=utf-8'),
        encoding('quoted-printable'),
        '',
        'Gr=C3=B6=',
        '=C3=9Fe',
      ),
      'Größe',
    );
    assert.equal(
      read(
        type('text/plain; charset="koi8-r"'),
        encoding('BASE64'),
        '',
        Buffer.from('ðòé', 'latin1').toString('base64'),
      ),
      'ПРИ',
    );
    assert.equal(read(type('text/plain; charset=iso-8859-15'), '', '\xa4 5'), '€ 5');
    assert.equal(read(type('text/plain; charset=us-ascii'), '', '\x93x\x94'), '“x”');
    assert.equal(read(type('text/plain; charset=no-such-set'), '', 'caf\xe9'), 'café');
    assert.equal(read('Subject: x', '', 'caf\xc3\xa9'), 'café');
  });

  it('reads HTML without its tags where there is nothing else', () => {
    assert.equal(
      read(type('text/html'), '', '<style>p{}</style><p>a &amp; b<br>c</p><!-- x -->').trim(),
      'a & b\nc',
    );
  });
});

describe('ownWords', () => {
  const words = (...lines: string[]) => ownWords(lines.join('\n'));

  it('leaves out quotes and what introduces them', () => {
    assert.equal(
      words(
        ...['On Mon, 2 Sep 2002, Ada <ada@example.com>', 'wrote:', '> what?', '', 'This.'],
        ...['Bob wrote :', 'bob> and that?', '| or this', 'No.'],
      ),
      'This.\nNo.',
    );
  });

  it('ends at a signature, a list’s footer or its host’s advertisement', () => {
    for (const end of [
      '-- \nAda',
      '____________________________\nILUG mailing list',
      '----------------------------\nThis sf.net email is sponsored by: nobody',
    ]) {
      assert.equal(words('Hello.', '', end, 'gone'), 'Hello.');
    }
  });

  it('keeps what only looks like an end', () => {
    assert.equal(words('a', '--b', '- - -', 'c'), 'a\n--b\n- - -\nc');
    assert.match(words('a', '_____________________', 'b'), /b$/);
  });

  it('ends at an original below an answer, and reads on after one that heads the quotes', () => {
    const original = ['-----Original Message-----', 'From: Bob', 'old words'];

    assert.equal(words('New words.', ...original), 'New words.');
    assert.equal(words('', ...original.slice(0, 2), '> old', 'New words.'), 'New words.');
  });

  it('leaves out the frame of a signed mail', () => {
    assert.equal(
      words(
        ...['-----BEGIN PGP SIGNED MESSAGE-----', 'Hash: SHA1', '', 'Hello.'],
        ...['-----BEGIN PGP SIGNATURE-----', 'iD8DBQE', '-----END PGP SIGNATURE-----', 'Bye.'],
      ),
      'Hello.\n\nBye.',
    );
  });
});
