import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createFrontEnd } from '../../../domain/front-end/front-end.js';
import { frontEndSchema, type WordpieceFrontEnd } from '../../../domain/front-end/schema.js';
import { Wordpieces } from '../../../domain/front-end/wordpiece.js';
import { MINILM } from '../trainer/scripts.js';
import { ODD_CHARACTERS } from './odd-characters.js';
import { temporaryFolder } from './temporary-folder.js';

/** From and to (left out): all that is assigned but for the middle of ideographs, syllables and private use. */
const BLOCKS: readonly (readonly [from: number, to: number])[] = [
  [0, 0x3500],
  [0x4d80, 0x4f00],
  [0x9f00, 0xac80],
  [0xd700, 0xe080],
  [0xf800, 0x17100],
  [0x18000, 0x20080],
  [0x2a680, 0x2a780],
  [0x2b700, 0x2ba00],
  [0x2ce00, 0x2cf00],
  [0x2ebe0, 0x2ec80],
  [0x2f7c0, 0x2fa80],
  [0x31300, 0x31400],
  [0xe0000, 0xe0200],
  [0xf0000, 0xf0010],
  [0x10fff0, 0x110000],
];

/** Each character after a letter and before one, alone, and after a capital with an accent. */
const CHARACTERS = BLOCKS.flatMap(([from, to]) => {
  const texts: string[] = [];
  for (let start = from; start < to; start += 512) {
    const points = Array.from({ length: Math.min(512, to - start) }, (_, index) => start + index);
    const texted = points.map((point) => String.fromCodePoint(point));
    texts.push(texted.map((one) => `a${one}b ${one} Á${one}`).join(' '));
  }
  return texts;
});

const TEXTS = [
  ...ODD_CHARACTERS,
  ...CHARACTERS,
  '[CLS] [SEP][MASK] [PAD]x [UNK] ##paper paperpaper paperinkinkjet Inkjetpaper',
  `${'x'.repeat(100)} ${'x'.repeat(101)} ${'\u{10428}'.repeat(100)} ${'e\u0301'.repeat(101)} end`,
  'unaffable unwanted,running 1,000.5$ isn’t it? (e-mail)',
  'word '.repeat(20_000),
].map((text) => text.toWellFormed());

const madeSchema = z.object({ frontEnd: frontEndSchema, ids: z.array(z.array(z.int())) });

describe('word pieces beside tokenizers', () => {
  const names = [
    ...['weights', 'weights, 16 tokens', 'weights, 3 tokens'],
    ...['characters, cased', 'characters, uncased'],
    'characters, lowercase True, accents left out False',
    'characters, lowercase False, accents left out True',
  ];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  before(async function () {
    this.timeout(120_000);
    folder = await temporaryFolder();
    execFileSync(
      join(MINILM, '.venv/bin/python'),
      [join(MINILM, 'tests/wordpieces.py'), join(folder.path, 'made')],
      { input: JSON.stringify({ texts: TEXTS }), stdio: ['pipe', 'pipe', 'inherit'] },
    );
  });

  after(async () => {
    await folder[Symbol.asyncDispose]();
  });

  for (const name of names) {
    it(`${name}: every text's ids`, () => {
      const path = join(folder.path, 'made', `${name}.json`);
      const { frontEnd, ids } = madeSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
      assert.ok(frontEnd.kind === 'wordpiece');
      const found = new Wordpieces(frontEnd).encode(TEXTS);
      assert.equal(ids.length, TEXTS.length);
      for (const [index, expected] of ids.entries()) {
        const given = [...found.ids.subarray(found.offsets[index], found.offsets[index + 1])];
        const apart = expected.findIndex((id, at) => id !== given[at]);
        if (apart < 0 && given.length === expected.length) continue;
        const shown = (of: readonly number[]): unknown =>
          of.slice(Math.max(0, apart - 4), apart + 8).map((id) => frontEnd.vocabulary[id]);
        assert.deepEqual(shown(given), shown(expected), TEXTS[index]?.slice(0, 100));
        assert.equal(given.length, expected.length, TEXTS[index]?.slice(0, 100));
      }
    });
  }
});

const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'un', '##able', '##wanted', 'paper'];

function frontEnd(given: Partial<WordpieceFrontEnd> = {}): WordpieceFrontEnd {
  return {
    ...{ schemaVersion: 3, kind: 'wordpiece', unicode: '8.0.0', lowercase: true },
    ...{ stripAccents: true, maxTokens: 6, maxWordLength: 100, continuing: '##' },
    ...{ tokens: { first: 2, last: 3, unknown: 1, padding: 0 }, vocabulary: VOCABULARY },
    ...given,
  };
}

describe('createFrontEnd of word pieces', () => {
  const named = [{ name: 'input_ids' }, { name: 'attention_mask' }];
  const inputsOf = (texts: readonly string[], inputs = named, given = frontEnd()) => {
    const { padded, widthOf } = createFrontEnd(given, inputs).read(texts);
    const rows = texts.map((_, index) => index);
    return { widths: rows.map((row) => widthOf(row)), tensors: padded(rows) };
  };

  it('pads to the longest of the chosen rows, and says which tokens are there', () => {
    const { widths, tensors } = inputsOf(['unwanted paper', '', 'paper']);
    assert.deepEqual(widths, [5, 2, 3]);
    assert.deepEqual(
      tensors.map(({ name, datatype, shape, data }) => [name, datatype, shape, [...data]]),
      [
        [
          'input_ids',
          'INT64',
          [3, 5],
          [2n, 4n, 6n, 7n, 3n, 2n, 3n, 0n, 0n, 0n, 2n, 7n, 3n, 0n, 0n],
        ],
        ...[['attention_mask', 'INT64', [3, 5], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]]].map(
          ([name, type, shape, mask]) => [
            ...[name, type, shape],
            Array.isArray(mask) ? mask.map(BigInt) : [],
          ],
        ),
      ],
    );
    const [ids] = createFrontEnd(frontEnd(), named).read(['paper', '']).padded([1]);
    assert.deepEqual(ids?.shape, [1, 2]);
  });

  it('gives types where the graph asks for them', () => {
    const { tensors } = inputsOf(['paper'], [...named, { name: 'token_type_ids' }]);
    assert.deepEqual(tensors[2]?.data, BigInt64Array.of(0n, 0n, 0n));
  });

  it('cuts off what is beyond the most tokens', () => {
    const { tensors } = inputsOf(['paper paper unwantedwanted paper']);
    assert.deepEqual([...(tensors[0]?.data ?? [])], [2n, 7n, 7n, 4n, 6n, 3n]);
  });

  it('makes one unknown token of a word that does not come out even', () => {
    const { tensors } = inputsOf(['unpaper [SEP]']);
    assert.deepEqual([...(tensors[0]?.data ?? [])], [2n, 1n, 1n, 1n, 1n, 3n]);
  });

  it('warms a graph by the highest id in as many columns as there may be', () => {
    const [ids] = createFrontEnd(frontEnd(), named).warmUp();
    assert.deepEqual(ids?.data, new BigInt64Array(6).fill(7n));
  });

  it('refuses a piece that stands twice, and accents whose order would count', () => {
    const create = (vocabulary: string[], stripAccents = true) =>
      createFrontEnd(frontEnd({ vocabulary, stripAccents }), named);
    assert.throws(() => create([...VOCABULARY, 'un']), /"un" stands twice/);
    const accents = [...VOCABULARY, '\u302e', '##\u{1d165}'];
    assert.throws(() => create(accents), /combining characters/);
    assert.ok(create(accents, false));
  });

  it('refuses tokens that are not in the vocabulary', () => {
    const tokens = { first: 2, last: 3, unknown: 8, padding: 0 };
    assert.equal(frontEndSchema.safeParse(frontEnd()).success, true);
    assert.equal(frontEndSchema.safeParse(frontEnd({ tokens })).success, false);
  });
});
