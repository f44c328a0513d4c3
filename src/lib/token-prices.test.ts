import { expect, test } from 'vitest';
import { costOf, readTokenPrices, TOKEN_PRICES_PATTERN } from './token-prices.ts';

test('prices are read by name, the last of a name', () => {
  const text = 'codex=1.25/0.125/10, model=0.25/0/2,codex=2/0.2/8';
  expect(text).toMatch(TOKEN_PRICES_PATTERN);
  expect([...readTokenPrices(text)]).toEqual([
    ['codex', { input: 2, cachedInput: 0.2, output: 8 }],
    ['model', { input: 0.25, cachedInput: 0, output: 2 }],
  ]);
  expect(readTokenPrices(null).size).toBe(0);
});

test.each([
  '',
  'codex',
  'codex=1',
  'codex=1/2',
  'codex=1/2/3/4',
  'codex=-1/0/2',
  'codex=1e3/0/2',
  'codex=1/0/2;model=1/0/2',
  'Codex=1/0/2',
])('%j is no list of prices', (text) => expect(text).not.toMatch(TOKEN_PRICES_PATTERN));

test('what was cached is cheaper, and a part of a micro-dollar is a whole one', () => {
  const price = { input: 1.25, cachedInput: 0.125, output: 10 };
  expect(costOf({ inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 100 }, price)).toBe(2_250);
  expect(costOf({ inputTokens: 1_000, cachedInputTokens: 800, outputTokens: 100 }, price)).toBe(1_350);
  expect(costOf({ inputTokens: 1, cachedInputTokens: 1, outputTokens: 0 }, price)).toBe(1);
  // A provider that counts them apart, as some do.
  expect(costOf({ inputTokens: 10, cachedInputTokens: 500, outputTokens: 0 }, { input: 1, cachedInput: 1, output: 1 })).toBe(10);
  expect(costOf({ inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }, price)).toBe(0);
});
