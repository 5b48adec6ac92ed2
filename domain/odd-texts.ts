import { randomInt, seededRandom } from './random.js';

/** A text that people really send, or that breaks programs which were only tried on tidy ones. */
export interface OddText {
  readonly id: string;
  readonly text: string;
}

/** The length of the longest odd text, in characters (all of them ASCII, so also in bytes). */
const LONG_TEXT_LENGTH = 100_000;

/** What made-up words are built of. */
const ONSETS = [
  ...['b', 'br', 'c', 'ch', 'd', 'f', 'g', 'h', 'k', 'l', 'm'],
  ...['n', 'p', 'pr', 'r', 's', 'st', 't', 'tr', 'v', 'w'],
];
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou'];
const CODAS = ['', '', 'n', 'r', 's', 'l', 't', 'nd'];

/** Every text model answers these without an error and like its source framework; they are part of parity and system tests. */
export const ODD_TEXTS: readonly OddText[] = Object.entries({
  empty: '',
  'one-character': 'a',
  'whitespace-only': ' \t\n\u00a0\u2003\u3000 ',
  accents: 'Où est passée la réponse à ma réclamation ? Größe, naïveté, señor, œuvre',
  'combining-marks':
    'cafe\u0301 re\u0301sume\u0301 A\u030angstro\u0308m \u0928\u093f\u092f\u0924\u093f',
  'upper-case': 'MY ORDER HAS NOT ARRIVED AND NOBODY ANSWERS THE PHONE',
  'final-sigma':
    '\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3 \u039c\u0395\u0393\u0391\u03a3 \u03a3',
  'dotted-capital-i': '\u0130stanbul \u0130\u0130 I\u0307 DI\u015eARI \u0131\u015f\u0131k',
  'sharp-s': 'STRASSE Stra\u00dfe STRA\u1e9eE \ufb01le \ufb02ow',
  cyrillic: 'Здравствуйте, не приходит письмо с подтверждением заказа',
  cjk: '我的订单还没有收到。注文した商品が届きません。주문한 상품이 도착하지 않았습니다',
  'arabic-right-to-left': '\u200fلم يصل طلبي بعد\u200f (order 42) \u202eabc\u202c',
  'thai-without-spaces': 'ยังไม่ได้รับสินค้าที่สั่งซื้อ',
  'emoji-joined': '👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇮🇪 thanks!!! 😀',
  'astral-letters': '𝐇𝐞𝐥𝐩 𝓂𝓎 𐐀𐐨 𠜎𠜱 order',
  nul: 'before\u0000after the\u0000 null',
  'control-characters':
    'bell\u0007 escape\u001b[31mred\u001b[0m delete\u007f next\u0085 line\u2028 sep',
  'zero-width': 'pass\u200bword\ufeff in\u00advisible \u2060joiner',
  'digits-of-other-scripts': '٠١٢٣٤٥ ०१२३ ０１２３ ²³¹ ⅷ ½ 12345 3.14 1_000',
  'line-ends': 'first\r\nsecond\rthird\n\r\n  fourth\u000b\u000cfifth',
  html: '<html><body onload="x()"><p>Dear &amp; valued&nbsp;<b>customer</b></p><!-- c --></body></html>',
  'very-long-word': 'ab'.repeat(10_000),
  'one-letter-words': 'a b c d e f g 1 2 3 _ é я'.repeat(20),
  'underscore-runs': '____ _a_ __init__ a__b _________________________________________ x_',
  punctuation: '?!?! ... --- ((())) "\'"\'" /\\/\\ ;;; ~~~ $$$ %%%% @@ ## ^^ && ||',
  url: 'see https://example.com/a/b?x=1&y=%20z#frag or mail first.last+tag@example.co.uk now',
  'base64-blob': 'TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24s'.repeat(40),
  'mixed-scripts':
    'Order №42: 注文 заказ παραγγελία طلب ÉTÉ 😀 <b>x</b>\r\n-- \nsent from my phone',
  'repeated-word': 'refund '.repeat(5_000),
  'long-distinct-words': distinctWords(LONG_TEXT_LENGTH),
}).map(([name, text]) => ({ id: `odd-${name}`, text }));

/** Made-up words of syllables, no two the same, cut at a length: what an endless pasted log is to a vocabulary. */
function distinctWords(length: number): string {
  const random = seededRandom(20_020_901);
  const part = (parts: readonly string[]): string => parts[randomInt(random, parts.length)] ?? '';
  const words = new Set<string>();
  for (let total = 0; total <= length;) {
    const syllables = 1 + randomInt(random, 3);
    const word = Array.from(
      { length: syllables },
      () => part(ONSETS) + part(VOWELS) + part(CODAS),
    ).join('');
    if (words.has(word)) continue;
    words.add(word);
    total += word.length + 1;
  }
  return [...words].join(' ').slice(0, length);
}
