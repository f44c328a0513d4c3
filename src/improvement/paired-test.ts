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
    ...interval(gains),
    wins: gains.filter((value) => value > 0).length,
    losses: gains.filter((value) => value < 0).length,
    p: permutationP(gains, options.random),
  };
}

/** Student's t, two-sided 95 %, by degrees of freedom; beyond the list the normal one. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093,
];

function interval(gains: readonly number[]): Pick<PairedReport, 'gainLow' | 'gainHigh'> {
  if (gains.length < 2) return {};
  const middle = mean(gains);
  const variance = gains.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (gains.length - 1);
  const margin = (T_95[gains.length - 2] ?? 1.96) * Math.sqrt(variance / gains.length);
  return { gainLow: middle - margin, gainHigh: middle + margin };
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
