import { expect, test } from 'vitest';
import { decide, type AutomaticPolicy, type Seen } from './trigger.ts';

const POLICY: AutomaticPolicy = { on: ['score_drop', 'error_rate', 'stagnation'], budgetMs: 60_000 };
const QUIET: Seen = {
  isPaused: false,
  isObserved: false,
  open: null,
  failure: null,
  good: 0,
  bad: 0,
  calls: 0,
  errorRate: 0,
  errorRateBefore: 0,
  idleCycles: 0,
  sinceLastMs: 0,
};
const DISCONTENT: Partial<Seen> = { good: 5, bad: 3 };
const FAILING: Partial<Seen> = { calls: 20, errorRate: 0.1, errorRateBefore: 0.04 };
const look = (seen: Partial<Seen>, policy: Partial<AutomaticPolicy> = {}) => decide({ ...POLICY, ...policy }, { ...QUIET, ...seen });

test.each<[string, Partial<Seen>, Partial<AutomaticPolicy>, string | null]>([
  ['nothing', {}, {}, null],
  ['below three quarters of eight', DISCONTENT, {}, 'score_drop'],
  ['of seven', { good: 4, bad: 3 }, {}, null],
  ['three quarters are enough', { good: 6, bad: 2 }, {}, null],
  ['more calls fail than when it was new', FAILING, {}, 'error_rate'],
  ['as many as ever', { ...FAILING, errorRateBefore: 0.05 }, {}, null],
  ['of too few calls', { ...FAILING, calls: 19 }, {}, null],
  ['nothing has happened for long', { idleCycles: 30 }, {}, 'stagnation'],
  ['not yet for long', { idleCycles: 29 }, {}, null],
  ['its time has come', { sinceLastMs: 3_600_000 }, { everyMs: 3_600_000 }, 'schedule'],
  ['its time has not come', { sinceLastMs: 3_599_999 }, { everyMs: 3_600_000 }, null],
  ['nobody asked for a schedule', { sinceLastMs: 3_600_000 }, {}, null],
  ['what the contract leaves out', { ...DISCONTENT, ...FAILING, idleCycles: 99 }, { on: [] }, null],
  ['people come first', { ...DISCONTENT, ...FAILING, idleCycles: 99 }, {}, 'score_drop'],
])('%s', (_, seen, policy, trigger) => {
  expect(look(seen, policy).trigger).toBe(trigger);
});

test('what stands in the way is said', () => {
  expect(look({ ...DISCONTENT, isPaused: true })).toEqual({ trigger: null, reason: 'improvements are paused: seed improvements:resume' });
  expect(look({ ...DISCONTENT, isObserved: true })).toEqual({
    trigger: null,
    reason: 'its live version is still compared with the one before',
  });
  expect(look({ ...DISCONTENT, open: 'i1' })).toEqual({ trigger: null, reason: 'the improvement i1 has not ended' });
  expect(look({ ...DISCONTENT, failure: { outcome: 'no_gain', cycles: 3 } })).toEqual({
    trigger: null,
    reason: 'the last one ended as no_gain: waiting for 7 more cycles',
  });
  expect(look({ ...DISCONTENT, failure: { outcome: 'failed', cycles: 10 } }).trigger).toBe('score_drop');
  expect(look({ good: 9, bad: 1, calls: 40, errorRate: 0.025, idleCycles: 4 }).reason).toBe(
    'nothing asks for it: 9 of 10 judged calls good, 2.5 % of 40 calls fail, idle for 4 cycles',
  );
});
