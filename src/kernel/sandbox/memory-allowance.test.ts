import { expect, test } from 'vitest';
import { MemoryAllowance } from './memory-allowance.ts';

const MB = 1024 * 1024;

test('a jump of more than 200 MB over the level of rest is too much', () => {
  const memory = new MemoryAllowance(50 * MB, 0);
  expect(memory.exceeded(249 * MB, 10)).toBe(false);
  expect(memory.exceeded(260 * MB, 20)).toBe(true);
});

test('slow growth while calls keep coming is followed', () => {
  const memory = new MemoryAllowance(50 * MB, 0);
  let rssMb = 50;
  for (let second = 1; second <= 100; second += 1) {
    rssMb += 5;
    expect(memory.exceeded(rssMb * MB, second * 1000)).toBe(false);
  }
  expect(memory.exceeded((rssMb + 201) * MB, 100_001)).toBe(true);
});

test('the level of rest follows what the host has between calls, down too', () => {
  const memory = new MemoryAllowance(50 * MB, 0);
  memory.rest(400 * MB, 1000);
  expect(memory.exceeded(590 * MB, 1001)).toBe(false);
  memory.rest(50 * MB, 2000);
  expect(memory.exceeded(590 * MB, 2001)).toBe(true);
});

test('a contract that grants more than usual is given more', () => {
  const memory = new MemoryAllowance(50 * MB, 0);
  memory.allow(32);
  expect(memory.limitBytes).toBe(250 * MB);
  memory.allow(256);
  expect(memory.limitBytes).toBe(442 * MB);
});
