import { expect, test } from 'vitest';
import { Strikes, STRIKES_OUT, STRIKES_WINDOW_MS } from './strikes.ts';

let nowMs = 0;
const strikes = (): Strikes => new Strikes(() => nowMs);

test('the third within the window is out', () => {
  const its = strikes();
  for (let strike = 1; strike < STRIKES_OUT; strike += 1) its.add();
  expect([its.count, its.isOut, its.restingMs]).toEqual([2, false, 0]);
  its.add();
  expect([its.count, its.isOut, its.restingMs]).toEqual([3, true, 30_000]);
});

test('one now and then is not', () => {
  const its = strikes();
  for (let strike = 0; strike < 20; strike += 1) {
    its.add();
    nowMs += STRIKES_WINDOW_MS / 2;
    expect(its.isOut).toBe(false);
  }
});

test('it rests twice as long after each further one, up to a limit, and deaths while it rests change nothing', () => {
  const its = strikes();
  for (let strike = 0; strike < STRIKES_OUT; strike += 1) its.add();
  const rests: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    rests.push(its.restingMs);
    its.add();
    nowMs += its.restingMs;
    expect(its.restingMs).toBe(0);
    its.add();
  }
  expect(rests).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  nowMs += STRIKES_WINDOW_MS * 2;
  its.add();
  expect([its.count, its.restingMs]).toEqual([1, 0]);
});
