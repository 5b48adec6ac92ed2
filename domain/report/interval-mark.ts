import type { Interval } from '../gate.js';
import { markup, type Html } from './html.js';
import { scale, short, smallDrawing } from './plot-frame.js';

const SIZE = { width: 160, height: 18 } as const;
const MARGIN = 8;

/** A value with its interval and its limit on a line of their own, so that one sees on which side of the limit they lie. */
export function intervalMark(given: {
  readonly value: number;
  readonly limit: number | null;
  readonly interval: Interval | null;
}): Html {
  const { value, limit, interval } = given;
  const ends = interval === null ? [] : [interval.low, interval.high];
  const all = [value, ...ends, ...(limit === null ? [] : [limit])];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const place = scale([low, high], [MARGIN, SIZE.width - MARGIN]);
  const mark = (x: number) => (low === high ? SIZE.width / 2 : place(x));
  const words = [
    `value ${short(value)}`,
    ...(interval === null ? [] : [`interval ${short(interval.low)} to ${short(interval.high)}`]),
    ...(limit === null ? [] : [`limit ${short(limit)}`]),
  ].join(', ');
  return smallDrawing(words, SIZE, [
    markup`<path class="axis" d="M0 9h160"/>`,
    ...(interval === null
      ? []
      : [
          markup`<path class="span" d="M${mark(interval.low)} 5v8m0-4H${mark(interval.high)}m0-4v8"/>`,
        ]),
    ...(limit === null ? [] : [markup`<path class="limit" d="M${mark(limit)} 0v18"/>`]),
    markup`<circle class="data" cx="${mark(value)}" cy="9" r="4"/>`,
  ]);
}

/** A share of one as a bar. */
export function shareBar(share: number): Html {
  const width = Math.round(Math.min(Math.max(share, 0), 1) * 100);
  return markup`<svg class="small" width="100" height="9" aria-hidden="true"><path class="data" d="M0 0h${width}v9H0z"/></svg>`;
}
