import { markup, NOTHING, within, type Html } from './html.js';

/** A part of the page under its heading. */
export function section(heading: string, ...parts: readonly Html[]): Html {
  return markup`<section><h2>${heading}</h2>
${parts}</section>`;
}

/** One sentence, such as for a plot that is not there. */
export function sentence(text: string): Html {
  return markup`<p>${text}</p>`;
}

/** A cell: a text of others, a number, or markup of ours. */
export type Cell =
  Html | { readonly number: string } | { readonly text: string; readonly bytes: number };

/** A text that others wrote, cut to so many bytes of the page. */
export function theirs(text: string, bytes: number): Cell {
  return { text, bytes };
}

/** A number as it is shown. */
export function figure(number: string): Cell {
  return { number };
}

/** A table; the first cell of a row is its heading. `more`: how many rows there would be besides. */
export function tableOf(given: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly more?: number;
  readonly isWide?: boolean;
}): Html {
  const { caption, head, rows, more = 0, isWide = false } = given;
  const names = head.map((name) => markup`<th class="head" scope="col">${name}</th>`);
  const lines = rows.map((cells) => markup`<tr>${cells.map(cellOf)}</tr>`);
  return markup`<div class="box"><table class="${isWide ? 'wide' : 'narrow'}"><caption>${caption}</caption>
<thead><tr>${names}</tr></thead>
<tbody>
${lines}
</tbody></table></div>${andMore(more)}`;
}

/** Parts beside each other, where there is room. */
export function sideBySide(...parts: readonly Html[]): Html {
  return markup`<div class="side">${parts.map((part) => markup`<div>${part}</div>`)}</div>`;
}

function cellOf(cell: Cell, column: number): Html {
  if ('number' in cell) return markup`<td class="number">${cell.number}</td>`;
  const content = 'text' in cell ? markup`<bdi>${within(cell.text, cell.bytes)}</bdi>` : cell;
  return column === 0 ? markup`<th scope="row">${content}</th>` : markup`<td>${content}</td>`;
}

/** Says that a list goes on. */
export function andMore(more: number): Html {
  return more === 0 ? NOTHING : markup`<p class="soft">and ${more} more</p>`;
}
