import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const names = ['agents:list', 'agents:status', 'code:list', 'code:promote', 'system:logs'];

test.each([
  ['agents:lsit', 'agents:list'],
  ['agent:list', 'agents:list'],
  ['code:promot', 'code:promote'],
  ['CODE:LIST', 'code:list'],
  ['promote', 'code:promote'],
  ['zebra', undefined],
  ['', undefined],
])('%j → %j', (word, expected) => {
  expect(nearest(word, names)).toBe(expected);
});

test('a slip comes before a part of a longer name', () => {
  expect(nearest('logs', ['system:logs', 'lags'])).toBe('lags');
});

test('a very long word costs no more than its beginning', () => {
  expect(nearest('x'.repeat(1_000_000), names)).toBeUndefined();
});
