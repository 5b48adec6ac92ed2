import { ODD_TEXTS } from '../../../domain/odd-texts.js';

const WHITE_SPACE = Array.from(
  '\t\n\u000b\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2005\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff',
);

/** What a front end may read differently than Python, beyond the odd texts that every text model answers. */
export const ODD_CHARACTERS: readonly string[] = [
  ...ODD_TEXTS.map(({ text }) => text),
  ...WHITE_SPACE.map((space) => `paper${space}toner${space}${space}ink ${space}jam${space}`),
  WHITE_SPACE.join(''),
  WHITE_SPACE.join('a'),
  'ΟΔΟΣ\u0301 ΟΔΟΣ\u{10d50} Σ ΑΣ. ΑΣ\u00adΑ',
  'I\u0307 \u0130\u0307 ı İ',
  // combining classes: 0 though a mark, not 0 though no nonspacing mark, the highest, out of order
  '\u0903\u0915\u093c\u0940 \u302e\u302f \u{1d165}\u{1d16d} a\u0345\u0301\u0334 \u0345 \uac01\u11a8 ﷺ ﬃ Å',
  'ab\ua7cbcd \u{31350}x\u{31350} \u{1fae8}\u{1fae8} \u0378\u0378 \ufdd0',
  'half \ud800 a\udc00b \ud800\ud800 pair \ud83d\u0301\ude00',
  '\u0000\u0000 a\u0000b',
  'é'.repeat(50_000),
];
