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
    .trim()
    .toWellFormed();
  const characters = [...line];
  const excerpt =
    characters.length > EXCERPT_CHARACTERS
      ? `${characters.slice(0, EXCERPT_CHARACTERS - 1).join('')}…`
      : line;
  return {
    id: row.id.slice(0, 300),
    excerpt: excerpt.slice(0, 300),
    detail: detail.slice(0, 300),
    ...(value !== undefined && { value }),
  };
}
