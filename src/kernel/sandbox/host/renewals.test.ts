import { expect, test } from 'vitest';
import { renewals } from './renewals.ts';

function renewed(seed: number, calls: number): number[] {
  const renews = renewals(seed);
  return Array.from({ length: calls }, (_, call) => call).filter((call) => renews(call));
}

test('comes at once, several times in ten calls and not often in thousands', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    expect(renewed(seed, 5_000)[0]).toBe(0);
    expect(renewed(seed, 10).length).toBeGreaterThan(1);
    expect(renewed(seed, 5_000).length).toBeLessThan(60);
  }
  expect(renewed(1, 5_000)).toEqual(renewed(1, 5_000));
  expect(renewed(1, 5_000)).not.toEqual(renewed(2, 5_000));
});
