import { expect, test } from 'vitest';
import { describe, type PairedReport } from './events.ts';

const REPORT: PairedReport = { draws: 20, baseMean: 4, mean: 1, gain: 3, relativeGain: 0.75, wins: 19, losses: 1, p: 0.00012 };

test('a test score in one line, with what it is beside', () => {
  const data = {
    report: REPORT,
    reported: [
      { task: 'uniform 1k', report: { ...REPORT, baseMean: 4.91, mean: 6.2 } },
      { task: 'nightly', failed: 'cpu_limit: too slow' },
    ],
  };
  expect(describe({ type: 'winner_tested', data }).split('; ')).toEqual([
    'on the test set: 1.000 against 4.000, better on 19 of 20 draws (p 0.00012)',
    'uniform 1k 4.910 → 6.200 (reported, decides nothing)',
    'nightly failed: cpu_limit: too slow (reported, decides nothing)',
  ]);
});

test('one from before there were tasks to report', () => {
  expect(describe({ type: 'winner_tested', data: { report: REPORT } })).not.toContain('reported');
});
