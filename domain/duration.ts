const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Milliseconds of a duration that `durationSchema` accepts, such as `'30 minutes'`.
 * @throws RangeError for anything else.
 */
export function durationMs(duration: string): number {
  const parts = /^(\d+(?:\.\d+)?) ?(ms|[smhdw])/.exec(
    duration.replace('milliseconds', 'ms').replace('millisecond', 'ms'),
  );
  const unitMs = UNIT_MS[parts?.[2] ?? ''];
  if (!parts || unitMs === undefined) throw new RangeError(`"${duration}" is not a duration`);
  return Number(parts[1]) * unitMs;
}
