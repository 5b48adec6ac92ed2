import { z } from 'zod';

/** A version's `front-end.json`: how text becomes the graph's numbers. Id of a word = its index + 1; 0 is padding. */
export const frontEndSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('bag-of-words'),
  lowercase: z.literal(true),
  /** In code points. */
  minTokenLength: z.int().min(1).max(64),
  /** The Unicode version of the trainer's Python; what was assigned later separates words, as it did there. */
  unicode: z.literal('14.0.0'),
  vocabulary: z
    .array(z.string().min(1))
    .min(1)
    .max(5_000_000)
    .refine((words) => new Set(words).size === words.length, 'a word stands in it twice'),
});
export type FrontEnd = z.infer<typeof frontEndSchema>;

/** Word ids and counts of several texts, one after the other: text i has those from `offsets[i]` to `offsets[i + 1]`. */
export interface WordCounts {
  readonly ids: Int32Array;
  readonly counts: Float32Array;
  readonly offsets: Int32Array;
}

/** Two padded tensors of shape [rows, width], as the graph takes them. */
export interface EncodedTexts {
  readonly ids: Int32Array;
  readonly counts: Float32Array;
  readonly rows: number;
  /** At least 1, also where no text has a known word. */
  readonly width: number;
}

/** Turns texts into numbers exactly as scikit-learn's `CountVectorizer` does with `(?u)\b\w\w+\b` over lower-cased text. */
export interface Tokenizer {
  /** Each text's known words, in order of first appearance, each once with its count. */
  count(texts: readonly string[]): WordCounts;
  encode(texts: readonly string[]): EncodedTexts;
}

export function createTokenizer(frontEnd: FrontEnd): Tokenizer {
  const ids = new Map(frontEnd.vocabulary.map((word, index) => [word, index + 1]));
  const seen = new Float32Array(frontEnd.vocabulary.length + 1);
  const count = (texts: readonly string[]): WordCounts =>
    countWords(texts, ids, frontEnd.minTokenLength, seen);
  return { count, encode: (texts) => padRows(count(texts)) };
}

/**
 * The chosen texts' ids and counts, padded with 0 to the longest of them.
 * @param order - Indexes of texts; all of them, in their order, where left out.
 */
export function padRows(words: WordCounts, order?: readonly number[]): EncodedTexts {
  const chosen = order ?? Array.from({ length: words.offsets.length - 1 }, (_, index) => index);
  const width = Math.max(1, ...chosen.map((index) => wordsIn(words, index)));
  const ids = new Int32Array(chosen.length * width);
  const counts = new Float32Array(chosen.length * width);
  for (const [row, index] of chosen.entries()) {
    const from = words.offsets[index] ?? 0;
    const to = words.offsets[index + 1] ?? from;
    ids.set(words.ids.subarray(from, to), row * width);
    counts.set(words.counts.subarray(from, to), row * width);
  }
  return { ids, counts, rows: chosen.length, width };
}

/** How many different known words a text has. */
export function wordsIn(words: WordCounts, index: number): number {
  return (words.offsets[index + 1] ?? 0) - (words.offsets[index] ?? 0);
}

function countWords(
  texts: readonly string[],
  vocabulary: ReadonlyMap<string, number>,
  minTokenLength: number,
  seen: Float32Array,
): WordCounts {
  const ids: number[] = [];
  const counts: number[] = [];
  const offsets = new Int32Array(texts.length + 1);
  for (const [row, text] of texts.entries()) {
    const start = ids.length;
    forEachWord(lowerCased(text), minTokenLength, (word) => {
      const id = vocabulary.get(word);
      if (id === undefined) return;
      const before = seen[id] ?? 0;
      if (before === 0) ids.push(id);
      seen[id] = before + 1;
    });
    for (let index = start; index < ids.length; index++) {
      const id = ids[index] ?? 0;
      counts.push(seen[id] ?? 0);
      seen[id] = 0;
    }
    offsets[row + 1] = ids.length;
  }
  return { ids: Int32Array.from(ids), counts: Float32Array.from(counts), offsets };
}

/**
 * Calls back with every maximal run of word characters of at least `minTokenLength` code points. A table look-up a code
 * unit: three times as fast as the regular expression that defines it.
 */
function forEachWord(text: string, minTokenLength: number, onWord: (word: string) => void): void {
  let start = -1;
  let codePoints = 0;
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    const isPair = unit >= 0xd800 && unit <= 0xdbff;
    const codePoint = isPair ? (text.codePointAt(index) ?? unit) : unit;
    if (isWordCharacter(codePoint)) {
      if (start < 0) start = index;
      codePoints++;
    } else if (start >= 0) {
      if (codePoints >= minTokenLength) onWord(text.slice(start, index));
      start = -1;
      codePoints = 0;
    }
    index += codePoint > 0xffff ? 2 : 1;
  }
  if (start >= 0 && codePoints >= minTokenLength) onWord(text.slice(start));
}

const UNKNOWN = 0;
const WORD = 1;
const OTHER = 2;
/** One entry a code point, filled when a code point is first met: asking the regular expression costs 50 times as much. */
const CLASSES = new Uint8Array(0x110000);

function isWordCharacter(codePoint: number): boolean {
  let kind = CLASSES[codePoint];
  if (kind === UNKNOWN) {
    kind = /^[\p{L}\p{N}_]$/u.test(String.fromCodePoint(codePoint)) ? WORD : OTHER;
    CLASSES[codePoint] = kind;
  }
  return kind === WORD;
}

/**
 * Lower case of the whole text (final sigma and dotted I depend on their neighbours, in Python too). Code points that
 * Python's Unicode 14 does not know are blanked first: some would become known letters (U+A7CB), and all would count as
 * neighbours.
 */
function lowerCased(text: string): string {
  if (!MAY_BE_NEWER.test(text)) return text.toLowerCase();
  return text.replace(ASSIGNED_AFTER_UNICODE_14, ' ').toLowerCase();
}

/** From the first code point assigned after Unicode 14 on: most texts stop here. */
const MAY_BE_NEWER = /[\u088f-\uffff]/;

/** Code points unassigned in Unicode 14 (Python 3.11) and assigned in Unicode 17 (Node 20.20): start or start-end, in hex. */
const NEWER_THAN_UNICODE_14 = `
  88f 897 c5c cdc cf3 ece 1acf-1add 1ae0-1aeb 1b4e-1b4f 1b7f 1c89-1c8a 20c1 2427-2429 2b96 2ffc-2fff
  31e4-31e5 31ef a7cb-a7cf a7d2 a7d4 a7da-a7dc a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce 105c0-105f3
  10940-10959 10d40-10d65 10d69-10d85 10d8e-10d8f 10ec2-10ec7 10ed0-10ed8 10efa-10eff 1123f-11241
  11380-11389 1138b 1138e 11390-113b5 113b7-113c0 113c2 113c5 113c7-113ca 113cc-113d5 113d7-113d8
  113e1-113e2 116d0-116e3 11b00-11b09 11b60-11b67 11bc0-11be1 11bf0-11bf9 11db0-11ddb 11de0-11de9
  11f00-11f10 11f12-11f3a 11f3e-11f5a 1342f 13439-13455 13460-143fa 16100-16139 16d40-16d79
  16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18cff 18d09-18d1e 18d80-18df2 1b132 1b155
  1cc00-1ccfc 1cd00-1ceb3 1ceba-1ced0 1cee0-1cef0 1d2c0-1d2d3 1df25-1df2a 1e030-1e06d 1e08f
  1e4d0-1e4f9 1e5d0-1e5fa 1e5ff 1e6c0-1e6de 1e6e0-1e6f5 1e6fe-1e6ff 1f6d8 1f6dc 1f774-1f77f 1f7d9
  1f8b2-1f8bb 1f8c0-1f8c1 1f8d0-1f8d8 1fa54-1fa57 1fa75-1fa77 1fa87-1fa8a 1fa8e-1fa8f 1faad-1faaf
  1fabb-1fabf 1fac6 1fac8 1facd-1facf 1fada-1fadc 1fadf 1fae8-1faea 1faef 1faf7-1faf8 1fbcb-1fbef
  1fbfa 2b739-2b73f 2cea2-2cead 2ebf0-2ee5d 31350-33479`;

const ASSIGNED_AFTER_UNICODE_14 = new RegExp(
  `[${NEWER_THAN_UNICODE_14.trim()
    .split(/\s+/)
    .map((range) =>
      range
        .split('-')
        .map((hex) => `\\u{${hex}}`)
        .join('-'),
    )
    .join('')}]`,
  'gu',
);
