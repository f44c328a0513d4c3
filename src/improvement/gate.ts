// What a candidate must show before it may go live. Pure: scores in, a decision out.
import type { PairedReport } from './events.ts';

/**
 * So likely may any gain of one improvement be luck and still count. Candidates share it (Bonferroni): of four that are nothing but
 * different one would pass far too often otherwise, and an agent may be improved a hundred times a day.
 */
const MAX_P = 0.01;

export interface GatePolicy {
  /** The smallest relative gain on validation that is worth a swap, 0..1. */
  minGain: number;
  /** How many were compared with the same base on the same draws. */
  candidates: number;
}

/** Why it is refused, or null when it passes. */
export function refusal(report: PairedReport, policy: GatePolicy): string | null {
  if (!Number.isFinite(report.mean) || !Number.isFinite(report.gain)) return 'its score is not a number';
  if (report.gain <= 0) return `not better: ${report.mean.toFixed(3)} against ${report.baseMean.toFixed(3)}`;
  if (report.relativeGain < policy.minGain) {
    return `gains ${(report.relativeGain * 100).toFixed(2)} %, at least ${(policy.minGain * 100).toFixed(2)} % is asked for`;
  }
  const maxP = MAX_P / policy.candidates;
  if (report.p > maxP) {
    const among = policy.candidates === 1 ? '' : ` to one of ${policy.candidates} candidates`;
    return `could be luck: p ${report.p.toPrecision(2)} over ${report.draws} draws, at most ${maxP} is allowed${among}`;
  }
  return null;
}

/** The index of the best candidate that passes, or null. */
export function chooseWinner(
  reports: ReadonlyMap<number, PairedReport>,
  policy: GatePolicy,
): { index: number; report: PairedReport } | null {
  let best: { index: number; report: PairedReport } | null = null;
  for (const [index, report] of reports) {
    if (refusal(report, policy) !== null) continue;
    if (best === null || report.gain > best.report.gain) best = { index, report };
  }
  return best;
}
