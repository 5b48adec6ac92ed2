import { codePoints } from './unicode-14.js';
import { FIRST_HASH, hashOn } from './word-table.js';

/** A word of a text: from one code unit up to (not including) another, and its hash as a `WordTable` takes it. */
export type OnWord = (start: number, end: number, hash: number) => void;

/**
 * Calls back with every maximal run of word characters of at least `minTokenLength` code points: Python's `\w`. A table
 * look-up a code unit: three times as fast as the regular expression that defines it.
 */
export function forEachWord(text: string, minTokenLength: number, onWord: OnWord): void {
  let start = -1;
  let length = 0;
  let hash = FIRST_HASH;
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    const isPair = unit >= 0xd800 && unit <= 0xdbff;
    const codePoint = isPair ? (text.codePointAt(index) ?? unit) : unit;
    if (WORD_CHARACTERS.has(codePoint)) {
      if (start < 0) start = index;
      length++;
      hash = hashOn(hash, unit);
      if (codePoint > 0xffff) hash = hashOn(hash, text.charCodeAt(index + 1));
    } else if (start >= 0) {
      if (length >= minTokenLength) onWord(start, index, hash);
      start = -1;
      length = 0;
      hash = FIRST_HASH;
    }
    index += codePoint > 0xffff ? 2 : 1;
  }
  if (start >= 0 && length >= minTokenLength) onWord(start, text.length, hash);
}

const WORD_CHARACTERS = codePoints((character) => /^[\p{L}\p{N}_]$/u.test(character));
