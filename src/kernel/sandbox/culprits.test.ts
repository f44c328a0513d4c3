import { expect, test } from 'vitest';
import { Culprits, isFromOutside } from './culprits.ts';

const open = new Map([
  [1, 'a'],
  [2, 'a'],
  [3, 'b'],
]);
const hashOf = (number: number): string | undefined => open.get(number);

test('all that may have been the cause must be of one version', () => {
  const culprits = new Culprits();
  expect(culprits.versionOf([], hashOf)).toBeNull();
  expect(culprits.versionOf([1], hashOf)).toBe('a');
  expect(culprits.versionOf([1, 2], hashOf)).toBe('a');
  expect(culprits.versionOf([1, 3], hashOf)).toBeNull();
  expect(culprits.versionOf([9], hashOf)).toBeNull();
});

test('a call that has been told its end is known for a while', () => {
  const culprits = new Culprits();
  culprits.remember(9, 'c');
  expect(culprits.versionOf([9], hashOf)).toBe('c');
  for (let number = 10; number < 300; number += 1) culprits.remember(number, 'd');
  expect(culprits.versionOf([9], hashOf)).toBeNull();
});

test('a signal that the host could not have sent itself is from outside', () => {
  expect(isFromOutside({ code: null, signal: 'SIGKILL' })).toBe(true);
  expect(isFromOutside({ code: 137, signal: null })).toBe(true);
  for (const signal of ['SIGSEGV', 'SIGTRAP', 'SIGABRT'] as const) expect(isFromOutside({ code: null, signal })).toBe(false);
  expect(isFromOutside({ code: 133, signal: null })).toBe(false);
  expect(isFromOutside({ code: 1, signal: null })).toBe(false);
});
