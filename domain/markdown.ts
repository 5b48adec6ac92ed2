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

/** The same as inline code: for what a model, a mail or a program wrote. Fit for a table's cell too. */
export function code(text: string, longest = 300): string {
  const line = oneLine(text, longest);
  if (line === '') return '';
  const fence = '`'.repeat(1 + longestRun(line));
  const gap = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${gap}${line.replaceAll('|', '\\|')}${gap}${fence}`;
}

/** A block of code that its content cannot end. */
export function codeBlock(language: string, content: string): string {
  const text = content.replace(/[^\P{Cc}\n]/gu, '\uFFFD');
  const fence = '`'.repeat(Math.max(3, 1 + longestRun(text)));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table whose cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Sections under each other, the most important first; those for which there is no room are left out, with a sentence. */
export function page(
  sections: readonly string[],
  given: { longest: number; more: string },
): string {
  let text = '';
  for (const section of sections.filter((each) => each !== '')) {
    const next = text === '' ? section : `${text}\n\n${section}`;
    if (next.length + given.more.length + 2 > given.longest) return `${text}\n\n${given.more}`;
    text = next;
  }
  return text;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
