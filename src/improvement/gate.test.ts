import { expect, test } from 'vitest';
import type { PairedReport } from './events.ts';
import { chooseWinner, refusal } from './gate.ts';

const good: PairedReport = { draws: 20, baseMean: 4, mean: 1, gain: 3, relativeGain: 0.75, wins: 20, losses: 0, p: 0.0001 };
const policy = { minGain: 0.01, candidates: 1 };

test.each([
  ['better on every draw', good, null],
  ['worse', { ...good, mean: 5, gain: -1, relativeGain: -0.25, p: 0.9 }, /not better/],
  ['the same', { ...good, mean: 4, gain: 0, relativeGain: 0, p: 1 }, /not better/],
  ['better by less than is asked for', { ...good, gain: 0.02, relativeGain: 0.005 }, /at least 1.00 %/],
  ['better by what may be luck', { ...good, p: 0.011 }, /could be luck: p 0.011 over 20 draws, at most 0.01 is allowed$/],
  ['no number', { ...good, mean: Number.NaN, gain: Number.NaN }, /not a number/],
  ['infinitely good', { ...good, mean: Number.NEGATIVE_INFINITY, gain: Number.POSITIVE_INFINITY }, /not a number/],
])('%s', (_name, report, expected) => {
  const reason = refusal(report, policy);
  if (expected === null) expect(reason).toBeNull();
  else expect(reason).toMatch(expected);
});

test('the more candidates are compared, the less luck is believed', () => {
  const report = { ...good, p: 0.004 };
  expect(refusal(report, { ...policy, candidates: 2 })).toBeNull();
  expect(refusal(report, { ...policy, candidates: 4 })).toMatch(/at most 0.0025 is allowed to one of 4 candidates/);
});

test('the winner is the one with the largest gain among those that pass', () => {
  const reports = new Map([
    [0, { ...good, gain: 1 }],
    [1, { ...good, gain: 3, p: 0.5 }],
    [2, { ...good, gain: 2 }],
  ]);
  expect(chooseWinner(reports, policy)?.index).toBe(2);
  expect(chooseWinner(new Map(), policy)).toBeNull();
});
