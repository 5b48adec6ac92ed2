import type { ShownInput } from './gate.js';

const EXCERPT_CHARACTERS = 160;

/** An input as people are shown it: the text on one line, control characters made visible, cut to 160 characters. */
export function shownInput(
  row: { readonly id: string; readonly text: string },
  detail: string,
  value?: number,
): ShownInput {
  const line = row.text
    .slice(0, EXCERPT_CHARACTERS * 4)
    .replace(/\s+/gu, ' ')
    .replace(/\p{Cc}/gu, '\uFFFD')
    .trim();
  const excerpt =
    line.length > EXCERPT_CHARACTERS ? `${line.slice(0, EXCERPT_CHARACTERS - 1)}…` : line;
  return {
    id: row.id.slice(0, 300),
    excerpt: excerpt.toWellFormed(), // a cut may have split a surrogate pair
    detail: detail.slice(0, 300),
    ...(value !== undefined && { value }),
  };
}
