import { withinBytes } from '../domain/short-text.js';

/** Errors below the one that is told. */
const DEPTH = 3;
const MESSAGE_BYTES = 300;
const STACK_LINES = 4;
const LINE_BYTES = 120;

/**
 * What led to an error, short: Temporal shows a pending activity's failure up to 4 KB in all, and in place of a longer one only
 * "Failure exceeds size limit."
 */
export function shortCause(error: unknown, depth = DEPTH): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = depth > 1 ? shortCause(error.cause, depth - 1) : undefined;
  const short = new Error(
    withinBytes(error.message, MESSAGE_BYTES),
    cause === undefined ? undefined : { cause },
  );
  short.name = error.name;
  short.stack = shortStack(error);
  return short;
}

/** Where an error came from: the first lines of its stack. */
export function shortStack({ name, message, stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const kept = frames.slice(0, STACK_LINES).map((line) => withinBytes(line, LINE_BYTES));
  return [withinBytes(`${name}: ${message}`, MESSAGE_BYTES), ...kept].join('\n');
}
