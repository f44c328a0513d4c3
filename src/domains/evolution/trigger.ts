// Whether an agent is to be improved without being asked for, and why or why not. Pure.
import type { AUTOMATIC_REASONS, ContractData } from '#kernel/compiler/contract.ts';

export type AutomaticTrigger = (typeof AUTOMATIC_REASONS)[number] | 'schedule';
export type AutomaticPolicy = NonNullable<ContractData['improvement']['automatic']>;

/** People's verdicts: below this share of good ones, of at least so many. */
const SCORE_BELOW = 0.75;
const MIN_VERDICTS = 8;
/** Failed calls: so much more than when the version was new, of at least so many calls. */
const ERROR_RATE_RISE = 0.05;
const MIN_CALLS = 20;
const IDLE_CYCLES = 30;
/** After one that came to nothing. */
const BACK_OFF_CYCLES = 10;

/** What one look at an agent has seen. */
export interface Seen {
  isPaused: boolean;
  /** The live version is new, and may be taken back yet. */
  isObserved: boolean;
  /** The improvement of it that waits or runs. */
  open: string | null;
  /** Of the last one that ended, if it came to nothing: how it ended, and how many cycles ago. */
  failure: { outcome: string; cycles: number } | null;
  /** People's verdicts on calls of the live version. */
  good: number;
  bad: number;
  /** Calls of the live version within the last two minutes, and the share of them that failed. */
  calls: number;
  errorRate: number;
  /** The share that failed while the version was new; 0 when it was not seen. */
  errorRateBefore: number;
  /** Since an improvement has ended or a version gone live. */
  idleCycles: number;
  /** Since one was asked for, or the version went live. */
  sinceLastMs: number;
}

export interface Decision {
  /** null: it stays as it is. */
  trigger: AutomaticTrigger | null;
  /** Why, or why not, with what was seen. */
  reason: string;
}

export function decide(policy: AutomaticPolicy, seen: Seen): Decision {
  const not = (reason: string): Decision => ({ trigger: null, reason });
  if (seen.isPaused) return not('improvements are paused: seed improvements:resume');
  if (seen.isObserved) return not('its live version is still compared with the one before');
  if (seen.open !== null) return not(`the improvement ${seen.open} has not ended`);
  if (seen.failure !== null && seen.failure.cycles < BACK_OFF_CYCLES) {
    return not(`the last one ended as ${seen.failure.outcome}: waiting for ${BACK_OFF_CYCLES - seen.failure.cycles} more cycles`);
  }
  const isOn = (trigger: AutomaticPolicy['on'][number]): boolean => policy.on.includes(trigger);
  const verdicts = seen.good + seen.bad;
  const score = scoreOf(seen);
  if (isOn('score_drop') && verdicts >= MIN_VERDICTS && score !== null && score < SCORE_BELOW) {
    return { trigger: 'score_drop', reason: `of ${verdicts} judged calls ${seen.good} were good` };
  }
  if (isOn('error_rate') && seen.calls >= MIN_CALLS && seen.errorRate - seen.errorRateBefore > ERROR_RATE_RISE) {
    const before = percent(seen.errorRateBefore);
    return { trigger: 'error_rate', reason: `${percent(seen.errorRate)} of ${seen.calls} calls fail, ${before} did when it was new` };
  }
  if (policy.everyMs !== undefined && seen.sinceLastMs >= policy.everyMs) {
    return { trigger: 'schedule', reason: `the last one was asked for ${Math.floor(seen.sinceLastMs / 1000)} s ago` };
  }
  if (isOn('stagnation') && seen.idleCycles >= IDLE_CYCLES) {
    return { trigger: 'stagnation', reason: `nothing has changed for ${seen.idleCycles} cycles` };
  }
  const judged = verdicts === 0 ? 'no judged calls' : `${seen.good} of ${verdicts} judged calls good`;
  return not(`nothing asks for it: ${judged}, ${percent(seen.errorRate)} of ${seen.calls} calls fail, idle for ${seen.idleCycles} cycles`);
}

/** Share of good verdicts; null without any. */
export function scoreOf({ good, bad }: Pick<Seen, 'good' | 'bad'>): number | null {
  return good + bad === 0 ? null : good / (good + bad);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
