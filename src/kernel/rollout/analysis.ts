// Is the version on trial worse than the one before it? Pure: figures and the contract's policy in, a verdict out.
import type { ContractData } from '../compiler/contract.ts';
import type { CallFigures } from './call-stats.ts';

export type RolloutPolicy = ContractData['rollout'];

/** continue: too early to say. successful, failed: proven. unverified: the time is over and there was too little traffic to prove anything. */
export type AnalysisPhase = 'continue' | 'successful' | 'failed' | 'unverified';

export interface Analysis {
  phase: AnalysisPhase;
  /** For people: which figure decided, with its limit. */
  reason: string;
  /** Of a failure: which kind of figure it was. */
  cause: 'errors' | 'latency' | 'limit_hits' | 'strikes';
  stable: CallFigures;
  canary: CallFigures;
}

/** Failed calls that condemn a version even when fewer than `minCalls` were seen, if nearly all failed. */
const FEW_FAILURES = 3;

/**
 * @param stable the version before, over a window that ended when it was replaced.
 * @param ended whether the observation's time is over.
 */
export function analyse(stable: CallFigures, canary: CallFigures, options: { policy: RolloutPolicy; ended: boolean }): Analysis {
  const { policy, ended } = options;
  const answer = (phase: AnalysisPhase, reason: string, cause: Analysis['cause'] = 'errors'): Analysis => ({
    phase,
    reason,
    cause,
    stable,
    canary,
  });

  if (canary.limitHits > policy.maxLimitHits) {
    return answer('failed', `${canary.limitHits} calls hit their limits (at most ${policy.maxLimitHits})`, 'limit_hits');
  }
  const increase = canary.errorRate - stable.errorRate;
  const enough = canary.calls >= policy.minCalls;
  if (increase > policy.maxErrorRateIncrease && (enough || (canary.errors >= FEW_FAILURES && canary.errorRate > 0.5))) {
    return answer('failed', `${percent(canary.errorRate)} of its calls fail, ${percent(stable.errorRate)} did before`);
  }
  // p95 of a few calls is their slowest one: it is only compared when both sides have enough, and early only with plenty.
  const p95Counts = enough && stable.calls >= policy.minCalls && (ended || canary.calls >= 5 * policy.minCalls);
  if (p95Counts && canary.p95Ms !== null && stable.p95Ms !== null) {
    const slower = canary.p95Ms - stable.p95Ms;
    const ownSlower = (canary.ownP95Ms ?? 0) - (stable.ownP95Ms ?? 0);
    const isWorse = canary.p95Ms > stable.p95Ms * policy.maxP95Ratio && slower >= policy.minP95IncreaseMs;
    // A machine that became busy makes every version slower: what condemns this one must for the most part be its own doing.
    if (isWorse && ownSlower >= slower / 2) {
      return answer('failed', `p95 is ${canary.p95Ms.toFixed(1)} ms, ${stable.p95Ms.toFixed(1)} ms before`, 'latency');
    }
  }
  if (!ended) return answer('continue', 'observing');
  if (canary.calls === 0) return answer('unverified', 'no traffic while it was observed');
  if (!enough) return answer('unverified', `only ${canary.calls} of ${policy.minCalls} calls were seen while it was observed`);
  return answer('successful', `${canary.calls} calls, ${percent(canary.errorRate)} failed`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
