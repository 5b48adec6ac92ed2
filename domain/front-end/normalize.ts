import type { GramFrontEnd } from './schema.js';
import { asUnicode14, codePoints } from './unicode-14.js';

/** What is done to a text before it is cut: lower case first, then accents, as scikit-learn has it. */
export function normalizer(
  given: Pick<GramFrontEnd, 'lowercase' | 'stripAccents'>,
): (text: string) => string {
  const { lowercase, stripAccents } = given;
  return (text) => {
    // half a surrogate pair has no UTF-8, so no caller can send one and no vocabulary hold one
    const known = asUnicode14(text.isWellFormed() ? text : text.toWellFormed());
    // of the whole text: final sigma and dotted I depend on their neighbours, in Python too
    const cased = lowercase ? known.toLowerCase() : known;
    if (stripAccents === null || !NOT_ASCII.test(cased)) return cased;
    const decomposed = cased.normalize('NFKD');
    return stripAccents === 'ascii'
      ? decomposed.replace(ALL_NOT_ASCII, '')
      : withoutCombining(decomposed);
  };
}

const NOT_ASCII = /[^\0-\x7f]/;
const ALL_NOT_ASCII = /[^\0-\x7f]+/g;

function withoutCombining(decomposed: string): string {
  let kept = '';
  for (const character of decomposed) {
    if (!combiningCharacters.has(character.codePointAt(0) ?? 0)) kept += character;
  }
  return kept;
}

/** Of the highest combining class there is, and alone in it. */
const HIGHEST = '\u0345';

/**
 * Characters of a combining class other than 0, which no regular expression knows (it is not \p{Mn}): normalization
 * puts them before one of a higher class.
 */
export const combiningCharacters = codePoints((character) => {
  const pair = HIGHEST + character;
  return (
    character === HIGHEST ||
    (pair.normalize('NFD') !== pair && pair.normalize('NFD').endsWith(HIGHEST))
  );
});
