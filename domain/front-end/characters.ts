import { codePoints } from './unicode-14.js';

/** A text's code points in a buffer that every call uses again: the first `length` of them count. */
export interface Characters {
  readonly points: Int32Array;
  readonly length: number;
}

/** Reads code points; two or more white-space characters in a row become one space, a single one stays what it is. */
export function characterReader(): (text: string) => Characters {
  let points = new Int32Array(1_024);
  return (text) => {
    if (text.length > points.length) points = new Int32Array(text.length * 2);
    let length = 0;
    let spaces = 0;
    for (let index = 0; index < text.length; index++) {
      const point = text.codePointAt(index) ?? 0;
      if (point > 0xffff) index++;
      spaces = isWhiteSpace(point) ? spaces + 1 : 0;
      if (spaces < 2) points[length++] = point;
      else points[length - 1] = SPACE;
    }
    return { points, length };
  };
}

/** Calls back with every word between white space, as [from, to) of a buffer that holds it with a space at both ends. */
export function forEachPadded(
  { points, length }: Characters,
  onWord: (padded: Characters) => void,
): void {
  let start = 0;
  const padded = new Int32Array(length + 2);
  while (start < length) {
    while (start < length && isWhiteSpace(points[start] ?? 0)) start++;
    let end = start;
    while (end < length && !isWhiteSpace(points[end] ?? 0)) end++;
    if (end === start) return;
    padded[0] = SPACE;
    padded.set(points.subarray(start, end), 1);
    padded[end - start + 1] = SPACE;
    onWord({ points: padded, length: end - start + 2 });
    start = end;
  }
}

const SPACE = 0x20;

function isWhiteSpace(point: number): boolean {
  if (point < 0x80)
    return point === SPACE || (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x1f);
  return WHITE_SPACE.has(point);
}

/** Python's `\s` and `str.split`: other than JavaScript's `\s` in U+001C to U+001F and NEL, and without U+FEFF. */
const WHITE_SPACE = codePoints((character) =>
  /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/.test(character),
);
