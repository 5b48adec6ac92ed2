/** What moves the cursor, clears the screen, breaks the line, or turns text around. */
const DOES_SOMETHING = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A line that a terminal shows and does nothing else with, whatever a mail, a model or a person wrote into it. */
export function harmless(line: string): string {
  return line.replaceAll('\t', ' ').replace(DOES_SOMETHING, '\uFFFD').toWellFormed();
}
