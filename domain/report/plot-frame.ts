import { markup, within, type Html } from './html.js';

/** What a plot is, in words: the title names it, the description says what is to be seen in it. */
export interface PlotWords {
  readonly title: string;
  readonly description: string;
}

/** A drawing with its words, for those who see it and those who do not. */
export function drawing(
  words: PlotWords,
  { width, height }: { readonly width: number; readonly height: number },
  body: readonly Html[],
): Html {
  return markup`<svg class="plot" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><title>${within(words.title, 200)}</title><desc>${within(words.description, 400)}</desc>
${body}</svg>`;
}

/** A drawing of a table's cell, which its title says in full. */
export function smallDrawing(
  title: string,
  { width, height }: { readonly width: number; readonly height: number },
  body: readonly Html[],
): Html {
  return markup`<svg class="small" role="img" width="${width}" height="${height}"><title>${within(title, 200)}</title>${body}</svg>`;
}

/** A place on a straight scale, in hundredths of a pixel at most. */
export function scale(
  [from, to]: readonly [number, number],
  [low, high]: readonly [number, number],
): (value: number) => number {
  const span = to - from;
  return (value) => rounded(span === 0 ? low : low + ((value - from) / span) * (high - low));
}

/** As a drawing's coordinates are written. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : 0;
}

/** A text in a drawing; `align` by its anchor. */
export function label(
  at: { readonly x: number; readonly y: number; readonly align?: 'end' | 'middle' | 'in' },
  text: string | number,
): Html {
  const { x, y, align = 'start' } = at;
  return markup`<text class="${align}" x="${rounded(x)}" y="${rounded(y)}">${text}</text>`;
}

/** A number as plots and tables show it. */
export function short(value: number): string {
  if (Math.abs(value) >= 1_000_000) return value.toExponential(2);
  return String(Number(value.toPrecision(3)));
}
