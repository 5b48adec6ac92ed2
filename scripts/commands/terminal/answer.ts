import { harmless } from './harmless.js';

/** What a command found or did. */
export interface Answer {
  /** For people. */
  readonly lines: readonly string[];
  /** The same for programs; `webUi` and `next` are added. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The page of the web UI that shows it; null where none is known. */
  readonly webUi: string | null;
  /** What to type next, the likeliest first. */
  readonly next: readonly string[];
  /** Default 0; 1 where what was asked for did not come about. */
  readonly exitCode?: 0 | 1;
  /** After the answer the command stays until this settles; rejected, its sentence is told. */
  readonly stays?: Promise<void>;
}

/** The answer as text: what happened, then where to look, then what to type. A line stays one line, and does nothing to the terminal. */
export function renderAnswer({ lines, webUi, next }: Answer): string {
  const [first, ...others] = next;
  const end = [
    ...(webUi === null ? [] : [`web UI: ${webUi}`]),
    ...(first === undefined ? [] : [`next:   ${first}`]),
    ...others.map((command) => `        ${command}`),
  ];
  const gap = end.length > 0 && lines.length > 0 ? [''] : [];
  return [...[...lines, ...gap, ...end].map(harmless), ''].join('\n');
}

/** The answer as one JSON object, in one line. */
export function answerJson({ facts, webUi, next }: Answer): string {
  return `${JSON.stringify({ ...facts, webUi, next })}\n`;
}
