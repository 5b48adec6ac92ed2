/** A stream of numbers from 0 (included) to 1 (left out), each one of 2^32 evenly spaced values. */
export type Random = () => number;

/**
 * A small generator that gives the same stream for the same seed on every machine: sfc32 (Chris Doty-Humphrey, PractRand
 * 0.94, 2018), its state filled from the seed and stirred 12 times as there. Good for resampling, never for secrets.
 * @param seed - Any integer; only its low 32 bits count.
 */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, 0, 1];
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return (result >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

/** An integer from 0 to `below` - 1. For `below` far under 2^32 the bias is at most `below` / 2^32 of a share. */
export function randomInt(random: Random, below: number): number {
  return Math.floor(random() * below);
}
