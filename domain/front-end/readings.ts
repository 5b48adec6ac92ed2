import { decomposed, isControl, isNonspacingMark, isPunctuation } from './older-unicode.js';

/** What a code point does to the words of a text. */
export const READING = {
  /** It is part of a word. */
  part: 1,
  /** It is a word of its own. */
  alone: 2,
  /** It separates words. */
  space: 3,
  /** It is as if it were not there. */
  nothing: 4,
  /** It stands for several, one after the other. */
  several: 5,
} as const;

/** Bits of a reading below its kind: a code point, or the number of a list of readings. */
export const VALUE_BITS = 21;
const VALUE_MASK = (1 << VALUE_BITS) - 1;

/**
 * How BERT's normalizer and pre-tokenizer read each code point, worked out at its first use: one look-up in a table afterwards. Case and
 * accents go code point by code point, so that no neighbour counts (a final sigma is a sigma).
 */
export class Readings {
  readonly #table = new Int32Array(0x110000);
  readonly #lists: (readonly number[])[] = [];
  readonly #lowercase: boolean;
  readonly #stripAccents: boolean;

  constructor(given: { readonly lowercase: boolean; readonly stripAccents: boolean }) {
    this.#lowercase = given.lowercase;
    this.#stripAccents = given.stripAccents;
  }

  /** Kind and value in one number. */
  of(point: number): number {
    const known = this.#table[point] ?? 0;
    return known === 0 ? this.#find(point) : known;
  }

  /** The readings that one of the kind `several` stands for. */
  list(reading: number): readonly number[] {
    return this.#lists[valueOf(reading)] ?? [];
  }

  #find(point: number): number {
    const reading = this.#read(point);
    this.#table[point] = reading;
    return reading;
  }

  #read(point: number): number {
    // half a surrogate pair becomes U+FFFD on its way in UTF-8, which is left out as well
    if (point === 0 || point === 0xfffd || (point >= 0xd800 && point <= 0xdfff)) return NOTHING;
    const character = String.fromCodePoint(point);
    if (!SPACES_OF_TEXT.has(character) && isControl(character)) return NOTHING;
    if (isWhiteSpace(character)) return SPACE;
    const found = this.#normalized(character);
    if (!isIdeograph(point)) return this.#joined(found);
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) {
      return packed(READING.alone, valueOf(only));
    }
    return this.#joined([SPACE, ...found, SPACE]);
  }

  /** The readings of what lower case and accents make of a character. */
  #normalized(character: string): number[] {
    let left = character;
    if (this.#stripAccents) {
      left = Array.from(decomposed(character))
        .filter((part) => !isNonspacingMark(part))
        .join('');
    }
    // one by one: the whole would make a final sigma of two
    const cased = Array.from(left, (part) => (this.#lowercase ? part.toLowerCase() : part));
    return Array.from(cased.join(''), readNormalized);
  }

  #joined(readings: readonly number[]): number {
    const [only, ...others] = readings;
    if (only === undefined) return NOTHING;
    if (others.length === 0) return only;
    this.#lists.push(readings);
    return packed(READING.several, this.#lists.length - 1);
  }
}

export function kindOf(reading: number): number {
  return reading >>> VALUE_BITS;
}

export function valueOf(reading: number): number {
  return reading & VALUE_MASK;
}

function readNormalized(character: string): number {
  if (isWhiteSpace(character)) return SPACE;
  const kind = isPunctuation(character) ? READING.alone : READING.part;
  return packed(kind, character.codePointAt(0) ?? 0);
}

function packed(kind: number, value: number): number {
  return (kind << VALUE_BITS) | value;
}

const NOTHING = packed(READING.nothing, 0);
const SPACE = packed(READING.space, 0);

/** Control characters that separate; all others are left out, also those that Unicode calls white space. */
const SPACES_OF_TEXT: ReadonlySet<string> = new Set('\t\n\r');

function isWhiteSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character);
}

/** BERT's ranges, which are words by themselves; the gap at U+2B820 is the tokenizers'. */
const IDEOGRAPHS = [
  ...[0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xf900, 0xfaff, 0x20000, 0x2a6df],
  ...[0x2a700, 0x2b81f, 0x2b920, 0x2ceaf, 0x2f800, 0x2fa1f],
];

function isIdeograph(point: number): boolean {
  return IDEOGRAPHS.filter((bound, index) => point >= bound + (index % 2)).length % 2 === 1;
}
