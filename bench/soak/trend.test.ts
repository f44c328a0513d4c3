import { expect, test } from 'vitest';
import { trendOf } from './trend.ts';

/** The same numbers each time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647 - 0.5;
}

const series = (seed: number, value: (minute: number, random: number) => number) => {
  const random = noise(seed);
  return Array.from({ length: 240 }, (_, index) => ({ atS: index * 2, value: value((index * 2) / 60, random()) }));
};

test('a leak is seen through its noise, with its size', () => {
  const { slope, low, high, rises } = trendOf(series(7, (minute, random) => 100 + minute * 2 + random * 10));
  expect(rises).toBe(true);
  expect(low).toBeLessThan(2);
  expect(high).toBeGreaterThan(2);
  expect(slope).toBeCloseTo(2, 0);
});

test('noise alone rarely rises, and what falls or stands still never does', () => {
  const rising = Array.from({ length: 200 }, (_, seed) => trendOf(series(seed + 1, (_minute, random) => 100 + random * 10)).rises);
  // One in 286 is what is meant.
  expect(rising.filter(Boolean).length).toBeLessThan(5);
  expect(trendOf(series(7, (minute) => 100 - minute)).rises).toBe(false);
  expect(trendOf(series(7, () => 3)).rises).toBe(false);
});
