/** What reverses, hides or ends text, and control characters: shown as a mark. */
const DECEIVING =
  /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' },
};

/** Markup that is safe as it is: only `markup` makes it, so that no text reaches a page unescaped. */
export class Html {
  readonly #markup: string;

  /** @param key - Held by this module alone. */
  constructor(markup: string, key: symbol) {
    if (key !== KEY) throw new TypeError('markup is made by markup`…` only');
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

const KEY = Symbol('html');

type Part = string | number | Html | readonly Html[];

/** Markup of a template: what stands in it is trusted, what is put into it is escaped, be it a text or a number. */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const [first = '', ...others] = template;
  const rest = others.map((text, index) => rendered(parts[index] ?? '') + text);
  return new Html([first, ...rest].join(''), KEY);
}

/** Nothing. */
export const NOTHING = markup``;

function rendered(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return part instanceof Html ? part.toString() : part.map(String).join('\n');
}

/**
 * The one way of a text into a page: it shows as the text that it is, in an element or in a quoted attribute, whatever it says. What
 * deceives the eye (controls, NUL, bidirectional overrides) shows as U+FFFD.
 */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(DECEIVING, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Characters of a text that take at most so many bytes in a page; one that is cut ends with an ellipsis. */
export function within(text: string, bytes: number): string {
  const line = text.slice(0, bytes).replace(/\s+/gu, ' ').trim();
  let [kept, size] = ['', 0];
  for (const character of line) {
    size += bytesOf(escapeHtml(character));
    if (size > bytes - ELLIPSIS_BYTES) return `${kept}…`;
    kept += character;
  }
  return text.length > bytes ? `${kept}…` : kept;
}

const ELLIPSIS_BYTES = 3;
const ENCODER = new TextEncoder();

/** Bytes of a text in UTF-8. */
export function bytesOf(text: string): number {
  return ENCODER.encode(text).length;
}
