import { expect, test } from 'vitest';
import { seededRandom } from './random.ts';

test('a seed gives the same numbers for ever: recorded calls depend on it', () => {
  const random = seededRandom(7);
  expect([random(), random(), random()].map((number) => number * 2 ** 32)).toEqual([2427842431, 2917685297, 1525832735]);
});

test('every seed starts another stream, neighbours and high words too', () => {
  const first = [0, 1, 2, 0x1_0000_0000, 0x2_0000_0000, 2 ** 52].map((seed) => seededRandom(seed)());
  expect(new Set(first).size).toBe(first.length);
});

test('is uniform enough for sampling', () => {
  const random = seededRandom(1);
  const counts = Array.from({ length: 16 }, () => 0);
  for (let draw = 0; draw < 160_000; draw += 1) counts[Math.floor(random() * 16)]! += 1;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  // 15 degrees of freedom: one in a thousand is above 37.7. The seed is fixed, so this is no chance.
  expect(chiSquare).toBeLessThan(37.7);
});
