import { Bag, padRows } from './bag.js';
import type { EncodedTexts, TermCounts } from './bag.js';
import { characterReader, forEachPadded } from './characters.js';
import type { Characters } from './characters.js';
import { GramTable } from './gram-table.js';
import { normalizer } from './normalize.js';
import { asGrams } from './schema.js';
import type { BagFrontEnd, GramFrontEnd } from './schema.js';
import { WordTable } from './word-table.js';
import { forEachWord } from './words.js';

/** Turns texts into numbers exactly as scikit-learn's `CountVectorizer` of the same settings does. */
export interface Tokenizer {
  /** Each text's known terms, each once with its count. */
  count(texts: readonly string[]): TermCounts;
  encode(texts: readonly string[]): EncodedTexts;
}

/** Adds the id of every known term of a normalized text, as often as it stands there. */
type Cutter = (text: string, bag: Bag) => void;

/** @throws Error where a term stands twice in the vocabulary. */
export function createTokenizer(given: BagFrontEnd): Tokenizer {
  const frontEnd = asGrams(given);
  const normalize = normalizer(frontEnd);
  const cut = cutterFor(frontEnd);
  const seen = new Float32Array(frontEnd.vocabulary.length + 1);
  const count = (texts: readonly string[]): TermCounts => {
    const bag = new Bag(seen, frontEnd.binary);
    for (const text of texts) {
      cut(normalize(text), bag);
      bag.endText();
    }
    return bag.counted();
  };
  return { count, encode: (texts) => padRows(count(texts)) };
}

function cutterFor(frontEnd: GramFrontEnd): Cutter {
  if (frontEnd.analyzer !== 'word') return characterCutter(frontEnd);
  return frontEnd.ngramRange[1] === 1 ? wordCutter(frontEnd) : phraseCutter(frontEnd);
}

function wordCutter({ vocabulary, minTokenLength, stopWords }: GramFrontEnd): Cutter {
  const words = new WordTable(vocabulary);
  const isStop = marked(vocabulary, stopWords);
  return (text, bag) => {
    forEachWord(text, minTokenLength, (start, end, hash) => {
      const id = words.find(text, start, end, hash);
      if (id !== 0 && isStop[id] === 0) bag.add(id);
    });
  };
}

function phraseCutter(frontEnd: GramFrontEnd): Cutter {
  const { minTokenLength, ngramRange, stopWords } = frontEnd;
  const wordsOf = (term: string) => term.split(' ');
  const known = [...new Set([...frontEnd.vocabulary.flatMap(wordsOf), ...stopWords])];
  const numbers = new Map(known.map((word, index) => [word, index + 1]));
  const table = tableOf(frontEnd.vocabulary, (term) =>
    wordsOf(term).map((word) => numbers.get(word) ?? 0),
  );
  const words = new WordTable(known);
  const isStop = marked(known, stopWords);
  let points = new Int32Array(1_024);
  return (text, bag) => {
    let length = 0;
    forEachWord(text, minTokenLength, (start, end, hash) => {
      const number = words.find(text, start, end, hash);
      if (isStop[number] === 1) return;
      if (length === points.length) points = doubled(points);
      points[length++] = number;
    });
    addGrams({ points, length }, { table, ngramRange }, bag);
  };
}

function characterCutter({ analyzer, ngramRange, vocabulary }: GramFrontEnd): Cutter {
  const table = tableOf(vocabulary, (term) =>
    Array.from(term, (character) => character.codePointAt(0) ?? 0),
  );
  const read = characterReader();
  if (analyzer === 'char') {
    return (text, bag) => {
      addGrams(read(text), { table, ngramRange }, bag);
    };
  }
  const [least, most] = ngramRange;
  return (text, bag) => {
    forEachPadded(read(text), (word) => {
      // a word that is shorter than the shortest term counts once as a whole
      const range: readonly [number, number] = [Math.min(least, word.length), most];
      addGrams(word, { table, ngramRange: range }, bag);
    });
  };
}

function addGrams(
  { points, length }: Characters,
  given: { table: GramTable; ngramRange: readonly [number, number] },
  bag: Bag,
): void {
  const { table } = given;
  const [least, most] = given.ngramRange;
  for (let start = 0; start + least <= length; start++) {
    const end = Math.min(length, start + most);
    let entry = -1;
    for (let index = start; index < end; index++) {
      entry = table.next(entry, points[index] ?? 0);
      if (entry < 0) break;
      const term = table.termAt(entry);
      if (term !== 0 && index - start + 1 >= least) bag.add(term);
    }
  }
}

function tableOf(
  vocabulary: readonly string[],
  symbolsOf: (term: string) => readonly number[],
): GramTable {
  const table = new GramTable();
  for (const [index, term] of vocabulary.entries()) {
    if (!table.add(symbolsOf(term), index + 1)) throw twice();
  }
  return table;
}

/** By place, counted from 1: 1 for those words that are among the others too. */
function marked(words: readonly string[], others: readonly string[]): Uint8Array {
  const wanted = new Set(others);
  return Uint8Array.from(['', ...words], (word) => (wanted.has(word) ? 1 : 0));
}

function doubled(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

function twice(): Error {
  return new Error('a term stands twice in the vocabulary');
}
