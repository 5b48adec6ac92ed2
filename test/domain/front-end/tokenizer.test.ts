import assert from 'node:assert/strict';
import fc from 'fast-check';
import { padRows } from '../../../domain/front-end/bag.js';
import { frontEndSchema } from '../../../domain/front-end/schema.js';
import type { BagFrontEnd } from '../../../domain/front-end/schema.js';
import { createTokenizer } from '../../../domain/front-end/tokenizer.js';
import type { Tokenizer } from '../../../domain/front-end/tokenizer.js';

function frontEnd(vocabulary: string[], minTokenLength = 2): BagFrontEnd {
  return {
    schemaVersion: 1,
    kind: 'bag-of-words',
    lowercase: true,
    minTokenLength,
    unicode: '14.0.0',
    vocabulary,
  };
}

function grams(): BagFrontEnd {
  return {
    ...{ ...frontEnd(['one two', 'two']), schemaVersion: 2, analyzer: 'word', ngramRange: [1, 2] },
    ...{ stripAccents: null, stopWords: [], binary: false },
  };
}

/** A text's words with their counts, as the tokenizer sees them. */
function wordsOf(tokenizer: Tokenizer, vocabulary: readonly string[], text: string) {
  const { ids, counts } = tokenizer.count([text]);
  return new Map([...ids].map((id, index) => [vocabulary[id - 1], counts[index]]));
}

/** The definition: scikit-learn's default token pattern over lower-cased text. */
function wordsByDefinition(text: string, vocabulary: readonly string[]): Map<string, number> {
  const words = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]{2,}/gu)) {
    if (vocabulary.includes(word)) words.set(word, (words.get(word) ?? 0) + 1);
  }
  return words;
}

describe('createTokenizer', () => {
  const rows: [text: string, words: Record<string, number>][] = [
    ['', {}],
    ['Refund, refund! REFUND?', { refund: 3 }],
    ['a refund', { refund: 1 }],
    ['Späti', { späti: 1 }],
    ['Spa\u0308ti', { spa: 1, ti: 1 }],
    ['ПОЕЗД поезд', { поезд: 2 }],
    ['ΟΔΟΣ', { οδος: 1, οδοσ: 0 }],
    ['İzmir', { zmir: 1 }],
    ['退款 退', { 退款: 1 }],
    ['👍refund👍', { refund: 1 }],
    ['𐐀𐐀 𐐨𐐨', { '𐐨𐐨': 2 }],
    ['𝟜𝟚', { '𝟜𝟚': 1 }],
    ['𐐨', {}],
    ['no\u0000refund', { no: 1, refund: 1 }],
    ['\ud800refund\udc00', { refund: 1 }],
    ['٤٢ snake_case __', { '٤٢': 1, snake_case: 1, __: 1 }],
  ];
  const vocabulary = [...new Set(rows.flatMap(([, words]) => Object.keys(words)))];
  const tokenizer = createTokenizer(frontEnd(vocabulary));

  for (const [text, words] of rows) {
    it(`reads ${JSON.stringify(text)} as Python does`, () => {
      const expected = Object.entries(words).filter(([, count]) => count > 0);
      assert.deepEqual(wordsOf(tokenizer, vocabulary, text), new Map(expected));
    });
  }

  it('separates words at code points that Unicode 14 does not know, as Python 3.11 does', () => {
    const words = ['ab', 'cd', 'ɤcd', 'αος', 'αοσ'];
    const newer = createTokenizer(frontEnd(words));
    assert.deepEqual(
      wordsOf(newer, words, 'ab\ua7cbcd'),
      new Map([
        ['ab', 1],
        ['cd', 1],
      ]),
    );
    assert.deepEqual(
      wordsOf(newer, words, 'ab\u{31350}cd'),
      new Map([
        ['ab', 1],
        ['cd', 1],
      ]),
    );
    assert.deepEqual(wordsOf(newer, words, 'ΑΟΣ\u{10d50}'), new Map([['αος', 1]]));
  });

  it('gives the words that the regular expression gives', () => {
    const letters = fc.constantFrom(
      'a',
      'B',
      'ß',
      'é',
      'Σ',
      'ж',
      '退',
      '_',
      '7',
      '𐐨',
      '𝟚',
      ' ',
      '-',
      '\u0301',
      '👍',
    );
    const texts = fc.oneof(
      fc.string({ unit: letters, maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => isUnicode14(text)),
    );
    fc.assert(
      fc.property(texts, fc.array(texts, { maxLength: 5 }), (text, others) => {
        const known = [...new Set([text, ...others].flatMap((one) => allWords(one)))];
        if (known.length === 0) return;
        const built = createTokenizer(frontEnd(known));
        assert.deepEqual(wordsOf(built, known, text), wordsByDefinition(text, known));
      }),
      { numRuns: 2_000 },
    );
  });

  it('counts the least length in code points', () => {
    const words = ['𐐨𐐨', 'abc'];
    const three = createTokenizer(frontEnd(words, 3));
    assert.deepEqual(wordsOf(three, words, '𐐨𐐨 abc'), new Map([['abc', 1]]));
  });

  it('pads every row to the longest with id 0 and count 0', () => {
    const encoded = createTokenizer(frontEnd(['one', 'two'])).encode(['two one two', '', 'one']);
    assert.deepEqual(encoded, {
      ids: Int32Array.of(2, 1, 0, 0, 1, 0),
      counts: Float32Array.of(2, 1, 0, 0, 1, 0),
      rows: 3,
      width: 2,
    });
  });

  it('gives at least one column', () => {
    const encoded = createTokenizer(frontEnd(['one'])).encode(['unknown', '']);
    assert.equal(encoded.width, 1);
    assert.deepEqual(encoded.ids, Int32Array.of(0, 0));
  });

  it('refuses a vocabulary with a term twice', () => {
    assert.throws(() => createTokenizer(frontEnd(['one', 'two', 'one'])), /twice/);
    assert.throws(() => createTokenizer({ ...grams(), vocabulary: ['a b', 'a b'] }), /twice/);
  });

  it('remembers nothing from one text to the next', () => {
    const built = createTokenizer(frontEnd(['one', 'two']));
    assert.deepEqual(built.encode(['one two', 'one']), built.encode(['one two', 'one']));
  });
});

describe('padRows', () => {
  it('takes the chosen texts in the chosen order', () => {
    const words = createTokenizer(frontEnd(['one', 'two'])).count(['one two', 'two', 'one']);
    assert.deepEqual(padRows(words, [2, 1]).ids, Int32Array.of(1, 2));
  });
});

describe('frontEndSchema', () => {
  it('refuses another Unicode version than the tokenizer reproduces', () => {
    assert.equal(
      frontEndSchema.safeParse({ ...frontEnd(['one']), unicode: '15.0.0' }).success,
      false,
    );
  });

  it('keeps the fields of the two versions apart', () => {
    const { success } = frontEndSchema.safeParse({ ...frontEnd(['one']), binary: true });
    assert.equal(success, false);
    assert.equal(frontEndSchema.safeParse(grams()).success, true);
    assert.equal(frontEndSchema.safeParse({ ...grams(), binary: undefined }).success, false);
  });

  it('refuses a range that ends before it begins', () => {
    assert.equal(frontEndSchema.safeParse({ ...grams(), ngramRange: [3, 2] }).success, false);
  });
});

function allWords(text: string): string[] {
  return [...text.toLowerCase().matchAll(/[\p{L}\p{N}_]{2,}/gu)].map(([word]) => word);
}

/** True where the tokenizer blanks nothing: a word of two letters goes through around every character. */
function isUnicode14(text: string): boolean {
  const probe = createTokenizer(frontEnd(['ab']));
  return Array.from(text).every((character) => {
    const isWord = /[\p{L}\p{N}_]/u.test(character.toLowerCase());
    return (probe.count([`ab${character}`]).ids.length === 0) === isWord;
  });
}
