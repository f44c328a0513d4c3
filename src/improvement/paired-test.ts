// Is a candidate better than its base, or only luckier? Both are scored on the same draws, so their differences are tested.
import type { PairedReport, PairedScores } from './events.ts';

/** Up to so many draws every assignment of signs is counted; above, this many are drawn. */
const EXACT_DRAWS = 14;
const RESAMPLES = 20_000;

/**
 * A paired permutation test: were the two the same, each difference could as well have had the other sign.
 * @param random in [0, 1); only used above 14 draws
 */
export function pairedReport(scores: PairedScores, options: { direction: 'minimize' | 'maximize'; random: () => number }): PairedReport {
  const { base, candidate } = scores;
  const draws = base.length;
  const sign = options.direction === 'minimize' ? 1 : -1;
  const gains = base.map((value, index) => sign * (value - (candidate[index] ?? value)));
  const baseMean = mean(base);
  const gain = mean(gains);
  return {
    draws,
    baseMean,
    mean: mean(candidate),
    gain,
    relativeGain: baseMean === 0 ? (gain === 0 ? 0 : Math.sign(gain)) : gain / Math.abs(baseMean),
    wins: gains.filter((value) => value > 0).length,
    losses: gains.filter((value) => value < 0).length,
    p: permutationP(gains, options.random),
  };
}

function permutationP(gains: readonly number[], random: () => number): number {
  const observed = gains.reduce((sum, value) => sum + value, 0);
  // Rounding must not make an assignment that is equal look smaller.
  const threshold = observed - Math.abs(observed) * 1e-12;
  if (gains.length <= EXACT_DRAWS) {
    const assignments = 2 ** gains.length;
    let atLeast = 0;
    for (let bits = 0; bits < assignments; bits += 1) {
      if (gains.reduce((sum, value, index) => sum + (bits & (1 << index) ? -value : value), 0) >= threshold) atLeast += 1;
    }
    return atLeast / assignments;
  }
  let atLeast = 1;
  for (let resample = 0; resample < RESAMPLES; resample += 1) {
    if (gains.reduce((sum, value) => sum + (random() < 0.5 ? -value : value), 0) >= threshold) atLeast += 1;
  }
  return atLeast / (RESAMPLES + 1);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
