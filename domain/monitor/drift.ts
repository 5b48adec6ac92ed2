/** A zero count in one distribution counts as this many where shares are compared. */
const ZERO_COUNT = 0.5;

/**
 * Population stability index: the sum over bins of (a - e) ln(a / e), where e and a are a bin's shares in the reference and in
 * what is compared with it (Siddiqi 2006, "Credit Risk Scorecards"; it is the symmetric Kullback-Leibler divergence of Jeffreys).
 * 0: the same; from about 0.25 on: another population. A zero count has no logarithm: it counts as one half, the correction of
 * Haldane and Anscombe (1956) that scorecards use for weights of evidence, and shares are taken after it.
 * @returns NaN where the lengths differ, there are fewer than two bins, or one side is empty or not made of counts.
 */
export function populationStabilityIndex(
  reference: readonly number[],
  actual: readonly number[],
): number {
  if (reference.length !== actual.length || reference.length < 2) return Number.NaN;
  const [expected, found] = [sharesOf(reference), sharesOf(actual)];
  if (expected === null || found === null) return Number.NaN;
  return expected.reduce((sum, share, bin) => {
    const other = found[bin] ?? Number.NaN;
    return sum + (other - share) * Math.log(other / share);
  }, 0);
}

/**
 * What the index comes to by chance where nothing has changed: its expectation is near (bins - 1)(1/n + 1/m) for samples of n and m
 * (Yurdakul 2018, "Statistical Properties of Population Stability Index"). A limit below it is missed by healthy windows.
 */
export function chanceIndex(reference: readonly number[], actual: readonly number[]): number {
  return (reference.length - 1) * (1 / sum(reference) + 1 / sum(actual));
}

function sharesOf(counts: readonly number[]): readonly number[] | null {
  if (counts.some((count) => !Number.isFinite(count) || count < 0) || sum(counts) === 0) {
    return null;
  }
  const mended = counts.map((count) => (count === 0 ? ZERO_COUNT : count));
  const total = sum(mended);
  return mended.map((count) => count / total);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
