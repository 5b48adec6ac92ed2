import { UsageError } from './usage-error.js';

/**
 * A whole number that was typed; undefined where nothing was.
 * @throws UsageError naming what it is for and its range.
 */
export function wholeNumber(
  what: string,
  given: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (given === undefined) return undefined;
  const read = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (read >= min && read <= max) return read;
  throw new UsageError(`${what} is a whole number from ${min} to ${max}, not "${given}"`);
}
