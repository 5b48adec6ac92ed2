import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  assertDisjoint,
  decodeRows,
  encodeRows,
  inCut,
  labelsOf,
  parseRows,
  trainerRow,
} from '../../domain/dataset.js';
import { isPortError } from '../../domain/failures.js';

const aRow = (fields: Readonly<Record<string, unknown>> = {}) => ({
  id: 'a',
  at: '2002-09-01T00:00:00Z',
  label: 'yes',
  text: 'hello',
  ...fields,
});
const another = aRow({ id: 'z', label: 'no' });

const refused = (sentence: RegExp) => (error: unknown) =>
  isPortError(error) && error.type === 'InvalidDataset' && sentence.test(error.message);
const encoded = (rows: Parameters<typeof encodeRows>[0]) => Buffer.concat(encodeRows(rows));

describe('parseRows', () => {
  it('orders rows by time, then by id, and writes times in milliseconds', () => {
    const rows = parseRows(
      'mails',
      [
        another,
        aRow({ id: 'late', at: '2002-09-02T00:00:00.5Z' }),
        aRow({ id: 'early', at: '2002-09-01T23:00:00Z' }),
        aRow(),
      ],
      {},
    );

    assert.deepEqual(
      rows.map(({ id, at }) => [id, at]),
      [
        ['a', '2002-09-01T00:00:00.000Z'],
        ['z', '2002-09-01T00:00:00.000Z'],
        ['early', '2002-09-01T23:00:00.000Z'],
        ['late', '2002-09-02T00:00:00.500Z'],
      ],
    );
  });

  it('leaves other columns out, and keeps a slice', () => {
    const [row] = parseRows('mails', [aRow({ subject: 'x', slice: 's' }), another], {});

    assert.deepEqual(row, { ...aRow({ slice: 's' }), at: '2002-09-01T00:00:00.000Z' });
  });

  it('keeps whose row it is, and changes no byte of rows of nobody', () => {
    const [mine] = parseRows('mails', [aRow({ customer: 'ada' }), another], {});
    assert.deepEqual(mine, { ...aRow({ customer: 'ada' }), at: '2002-09-01T00:00:00.000Z' });
    assert.deepEqual(trainerRow(mine), { ...aRow(), at: '2002-09-01T00:00:00.000Z' });
  });

  for (const [title, rows, sentence] of [
    ['no rows', [], /"mails" cannot be used: it has no rows from the beginning until the end/],
    ['a missing column', [aRow({ text: undefined })], /row 1 has no column "text"/],
    ['a text that is none', [another, aRow({ text: 3 })], /row 2 has a wrong "text" \(3\)/],
    ['a label of null', [aRow({ label: null })], /row 1 has a wrong "label" \(null\)/],
    ['an empty id', [aRow({ id: '' })], /row 1 has a wrong "id" \(""\): it is empty/],
    ['an empty label', [aRow({ label: '' })], /row 1 has a wrong "label"/],
    [
      'a date without a zone',
      [aRow({ at: '2002-09-01 10:00' })],
      /no instant in "at" \("2002-09-01 10:00"\)/,
    ],
    ['a day that does not exist', [aRow({ at: '2002-02-30T00:00:00Z' })], /no instant in "at"/],
    ['a row that is no object', ['x'], /row 1 is not an object/],
    ['an id that occurs twice', [aRow(), another, aRow()], /the id "a" occurs twice/],
    [
      'one label only',
      [aRow(), aRow({ id: 'b' })],
      /all 2 rows have the label "yes"; at least two/,
    ],
    ['half a character', [aRow({ text: '\ud83d' })], /row 1 has half a character .* in "text"/],
  ] as const) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseRows('mails', rows, {}), refused(sentence));
    });
  }

  it('refuses rows outside of the time cut that was asked for', () => {
    const cut = { from: '2002-09-01T00:00:00Z', until: '2002-10-01T00:00:00Z' };
    const late = aRow({ id: 'late', at: '2002-10-01T00:00:00Z' });

    assert.equal(parseRows('mails', [aRow(), another], cut).length, 2);
    assert.throws(
      () => parseRows('mails', [aRow(), another, late], cut),
      refused(/row "late" is of 2002-10/),
    );
  });

  it('refuses more rows than a snapshot holds', () => {
    const many = { length: 5_000_001 };
    assert.throws(
      () => parseRows('mails', Array.from(many), {}),
      refused(/5000001 rows, at most 5000000/),
    );
  });

  it('gives the same bytes for the same rows in any order, and reads them back', () => {
    const text = fc.string({ unit: 'binary' });
    const row = fc.record(
      {
        id: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
        label: fc.constantFrom('a', 'b'),
        text,
        slice: fc.constantFrom('x', 'y'),
      },
      { requiredKeys: ['id', 'label', 'text'] },
    );
    const rows = fc.uniqueArray(fc.tuple(row, fc.integer({ min: 0, max: 3 })), {
      selector: ([{ id }]) => id,
      maxLength: 8,
    });
    fc.assert(
      fc.property(rows, (given) => {
        const all = [
          ...[another, aRow({ id: 'b' })],
          ...given.map(([each, day]) => ({
            ...each,
            id: `_${each.id}`,
            at: `2002-09-0${day + 1}T00:00:00Z`,
          })),
        ];
        const parsed = parseRows('mails', all, {});

        assert.deepEqual(encoded(parseRows('mails', [...all].reverse(), {})), encoded(parsed));
        assert.deepEqual(decodeRows('mails', encoded(parsed)), parsed);
      }),
    );
  });
});

describe('encodeRows', () => {
  it('writes one canonical line a row', () => {
    const rows = parseRows('mails', [aRow({ text: 'a\nb\u2028' }), another], {});

    assert.equal(
      encoded(rows).toString(),
      '{"at":"2002-09-01T00:00:00.000Z","id":"a","label":"yes","text":"a\\nb\u2028"}\n' +
        '{"at":"2002-09-01T00:00:00.000Z","id":"z","label":"no","text":"hello"}\n',
    );
  });
});

describe('labelsOf', () => {
  it('is every label once, sorted', () => {
    assert.deepEqual(labelsOf(parseRows('mails', [aRow(), another, aRow({ id: 'b' })], {})), [
      'no',
      'yes',
    ]);
  });
});

describe('inCut', () => {
  it('includes its beginning and leaves out its end', () => {
    const cut = { from: '2002-09-01T00:00:00Z', until: '2002-09-02T00:00:00Z' };

    assert.ok(inCut('2002-09-01T00:00:00.000Z', cut));
    assert.ok(!inCut('2002-09-02T00:00:00.000Z', cut));
    assert.ok(!inCut('2002-08-31T23:59:59.999Z', cut));
    assert.ok(inCut('1970-01-01T00:00:00Z', {}));
  });
});

describe('assertDisjoint', () => {
  it('accepts rows that are all new', () => {
    assertDisjoint(['a', 'b'], ['c', 'd']);
    assertDisjoint([], []);
  });

  it('names the first rows that were trained on', () => {
    const ids = Array.from({ length: 9 }, (_, index) => `id-${index}`);

    assert.throws(
      () => assertDisjoint(ids, ['new', 'id-3']),
      refused(/^1 held-out rows .*\("id-3"\)/),
    );
    assert.throws(() => assertDisjoint(ids, ids), refused(/^9 held-out .*"id-4", …\); separate/));
  });
});
