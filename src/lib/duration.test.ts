import { expect, test } from 'vitest';
import { isSeedError } from './error.ts';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  ['250ms', 250],
  ['60s', 60_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['3', 3_000],
])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(['', 's', '-1s', '1w', '1 s', 'Infinity'])('%j is not a duration', (text) => {
  expect(() => parseDuration(text)).toThrow(expect.toSatisfy((error) => isSeedError(error) && error.code === 'invalid_input'));
});

test.each([
  [0, '0 ms'],
  [949.6, '950 ms'],
  [12_340, '12.3 s'],
  [59_949, '59.9 s'],
  [59_960, '1 m 0 s'],
  [119_700, '2 m 0 s'],
  [250_000, '4 m 10 s'],
  [3_599_700, '1 h 0 m'],
  [11_100_000, '3 h 5 m'],
])('%d ms for people', (ms, text) => expect(formatDuration(ms)).toBe(text));
