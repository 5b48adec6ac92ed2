import type { Say } from './benchmark.js';

/** Measures once; resolves to the time it took, in milliseconds, or to what else `unit` says. */
export type Measure = () => Promise<number>;

/** Every value that was taken of each side, in order. */
export interface Taken {
  readonly ours: readonly number[];
  readonly other: readonly number[];
}

/**
 * Measures two sides in turn, so that what disturbs the machine disturbs both alike: one of ours, one of the other's, and in
 * the next pair the other way round. Each is measured once before, and that is not counted; not so where both are warm.
 */
export async function interleave(
  sides: { readonly ours: Measure; readonly other: Measure },
  given: {
    readonly rounds: number;
    readonly perRound: number;
    readonly say: Say;
    readonly areWarm?: boolean;
    /** Default `ms`. */
    readonly unit?: string;
  },
): Promise<Taken> {
  const { unit = 'ms' } = given;
  const ours: number[] = [];
  const other: number[] = [];
  if (given.areWarm !== true) {
    await sides.ours();
    await sides.other();
  }
  for (let round = 1; round <= given.rounds; round += 1) {
    for (let each = 0; each < given.perRound; each += 1) {
      if ((round + each) % 2 === 0) {
        ours.push(await sides.ours());
        other.push(await sides.other());
      } else {
        other.push(await sides.other());
        ours.push(await sides.ours());
      }
    }
    const last = (taken: readonly number[]) => median(taken.slice(-given.perRound)).toFixed(0);
    given.say(
      `round ${round} of ${given.rounds}: ${last(ours)} ${unit} against ${last(other)} ${unit}`,
    );
  }
  return { ours, other };
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, another) => one - another);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Smallest and largest, as text. */
export function spread(values: readonly number[], unit: string): string {
  return `${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)} ${unit}`;
}
