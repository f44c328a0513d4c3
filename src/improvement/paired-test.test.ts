import { expect, test } from 'vitest';
import { pairedReport } from './paired-test.ts';

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('a gain on every draw is hard to explain by luck: exactly 1 in 2^n', () => {
  const base = [4, 4.1, 3.9, 4.05, 4.2, 3.95, 4.1, 4];
  const report = pairedReport({ base, candidate: base.map((value) => value - 1) }, { direction: 'minimize', random: seeded(1) });
  expect(report).toMatchObject({ draws: 8, wins: 8, losses: 0, p: 1 / 256 });
  expect(report.gain).toBeCloseTo(1);
});

test('the direction of the objective decides what a gain is', () => {
  const scores = { base: [0.2, 0.3, 0.25], candidate: [0.9, 0.8, 0.95] };
  expect(pairedReport(scores, { direction: 'maximize', random: seeded(1) })).toMatchObject({ wins: 3, p: 1 / 8 });
  expect(pairedReport(scores, { direction: 'minimize', random: seeded(1) })).toMatchObject({ wins: 0, losses: 3, p: 1 });
});

test('no difference is no gain', () => {
  const same = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
  expect(pairedReport({ base: same, candidate: same }, { direction: 'minimize', random: seeded(1) })).toMatchObject({
    gain: 0,
    wins: 0,
    p: 1,
  });
});

test('noise alone is called a win at about the rate that p says', () => {
  const random = seeded(7);
  let called = 0;
  for (let round = 0; round < 60; round += 1) {
    const base = Array.from({ length: 20 }, () => random());
    const candidate = Array.from({ length: 20 }, () => random());
    if (pairedReport({ base, candidate }, { direction: 'minimize', random }).p <= 0.05) called += 1;
  }
  expect(called).toBeLessThanOrEqual(9);
});
