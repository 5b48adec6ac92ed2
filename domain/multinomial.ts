import type { Random } from './random.js';

/**
 * Counts of `draws` draws with replacement from kinds that hold `sizes` rows each, written into `counts`. Each kind's count is
 * binomial, given those before it (Devroye 1986, "Non-Uniform Random Variate Generation", XI.1.4), so that it costs as much as
 * there are kinds, however many draws there are.
 */
export function drawCounts(
  sizes: Int32Array,
  draws: number,
  counts: Int32Array,
  random: Random,
): void {
  let left = draws;
  let rows = sizes.reduce((sum, size) => sum + size, 0);
  for (let kind = 0; kind < sizes.length; kind += 1) {
    const size = sizes[kind] ?? 0;
    const count = size === rows ? left : binomial(left, size / rows, random);
    counts[kind] = count;
    left -= count;
    rows -= size;
  }
}

/** Successes in `trials` independent trials, each with this probability (0 to 1). */
export function binomial(trials: number, probability: number, random: Random): number {
  if (trials === 0 || probability === 0) return 0;
  if (probability > 0.5) return trials - binomial(trials, 1 - probability, random);
  return trials * probability < 10
    ? byInversion(trials, probability, random)
    : byRejection(trials, probability, random);
}

/** Algorithm BINV: adds up probabilities until they pass a uniform number (Kachitvichyanukul and Schmeiser 1988). */
function byInversion(trials: number, probability: number, random: Random): number {
  const odds = probability / (1 - probability);
  let weight = (1 - probability) ** trials;
  let rest = random();
  let successes = 0;
  while (rest > weight && successes < trials) {
    rest -= weight;
    successes += 1;
    weight *= ((trials + 1) / successes - 1) * odds;
  }
  return successes;
}

/** Algorithm BTRS: transformed rejection with squeeze (Hörmann 1993, "The Generation of Binomial Random Variates"). */
function byRejection(trials: number, probability: number, random: Random): number {
  const deviation = Math.sqrt(trials * probability * (1 - probability));
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * probability;
  const centre = trials * probability + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  const odds = probability / (1 - probability);
  const mode = Math.floor((trials + 1) * probability);
  const scale = (2.83 + 5.1 / b) * deviation;
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return k;
    if (!(k >= 0 && k <= trials)) continue;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (trials - mode + 1))) +
      (trials + 1) * Math.log((trials - mode + 1) / (trials - k + 1)) +
      (k + 0.5) * Math.log((odds * (trials - k + 1)) / (k + 1)) +
      (stirlingTail(mode) + stirlingTail(trials - mode)) -
      (stirlingTail(k) + stirlingTail(trials - k));
    if (Math.log((v * scale) / (a / (us * us) + b)) <= bound) return k;
  }
}

/** What Stirling's formula leaves of log(k!): log(k!) - [log(sqrt(2 pi)) + (k + 1/2) log(k + 1) - (k + 1)], within 1e-8. */
function stirlingTail(k: number): number {
  const exact = SMALL_TAILS[k];
  if (exact !== undefined) return exact;
  const next = k + 1;
  return (1 / 12 - (1 / 360 - 1 / 1260 / (next * next)) / (next * next)) / next;
}

const SMALL_TAILS = Array.from({ length: 10 }, (_, k) => {
  const logFactorial = Math.log(
    Array.from({ length: k }, (_each, i) => i + 1).reduce((x, y) => x * y, 1),
  );
  return logFactorial - (0.5 * Math.log(2 * Math.PI) + (k + 0.5) * Math.log(k + 1) - (k + 1));
});
