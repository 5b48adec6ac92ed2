/** What reverses or hides text, and control characters: shown as a mark. */
const DECEIVING = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const SPECIAL = /[\\`*_{}[\]()<>#+\-!|~&]/g;
const LINK = /:\/\/|www\.|mailto:/i;

function oneLine(text: string, longest: number): string {
  const line = text
    .slice(0, longest * 4)
    .replace(/\s+/gu, ' ')
    .replace(DECEIVING, '\uFFFD')
    .trim();
  return (line.length > longest ? `${line.slice(0, longest - 1)}…` : line).toWellFormed();
}

/**
 * Text that others wrote, on one line of Markdown that shows it and does nothing else: no markup, no HTML, no link.
 * @param longest - Characters that are kept.
 */
export function plain(text: string, longest = 300): string {
  const line = oneLine(text, longest);
  if (LINK.test(line)) return code(line, longest);
  return line.replace(SPECIAL, '\\$&').replace(/^(\d+)\./, '$1\\.');
}

/** The same as inline code: for what a model, a mail or a program wrote. */
export function code(text: string, longest = 300): string {
  const line = oneLine(text, longest);
  if (line === '') return '';
  const fence = '`'.repeat(1 + longestRun(line));
  const gap = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${gap}${line}${gap}${fence}`;
}

/** A block of code that its content cannot end. */
export function codeBlock(language: string, content: string): string {
  const text = content.replace(/[^\P{Cc}\n]/gu, '\uFFFD');
  const fence = '`'.repeat(Math.max(3, 1 + longestRun(text)));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Between two cells: the web UI's tables have no padding of their own. */
const GAP = '\u00a0\u00a0';

/** A table whose cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replace(/(?<!\\)\|/g, '\\|'); // also inside code
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(`${GAP} | `)} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Sections under each other; one for which there is no room any more is left out, with a sentence at the end. */
export function page(
  sections: readonly string[],
  given: { longest: number; more: string },
): string {
  const room = given.longest - given.more.length - 2;
  const kept: string[] = [];
  let length = 0;
  let isWhole = true;
  for (const section of sections.filter((each) => each !== '')) {
    const fits = length + section.length + 2 <= room;
    if (fits) kept.push(section);
    if (fits) length += section.length + 2;
    isWhole &&= fits;
  }
  return [...kept, ...(isWhole ? [] : [given.more])].join('\n\n');
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
