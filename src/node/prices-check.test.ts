import { expect, test } from 'vitest';
import { readTokenPrices } from '#lib/token-prices.ts';
import { loadConfig } from '../config.ts';
import { pricesCheck } from './prices-check.ts';

test.each<[string, Record<string, string>, string, string | null]>([
  ['nobody is set up', {}, '', null],
  ['all have a price', { CODEX_API_KEY: 'key-of-codex', IMPROVEMENT_MODEL: 'openai/m' }, 'codex=1/0/2, model=1/0/2', null],
  ['a model has none', { IMPROVEMENT_MODEL: 'openai/m' }, 'codex=1/0/2', 'there is no price for model:'],
  ['nobody has one', { CODEX_HOME: '/tmp/codex', IMPROVEMENT_MODEL: 'openai/m' }, '', 'there is no price for codex and model:'],
])('%s', async (_, env, prices, words) => {
  const config = loadConfig({ env: { ...env, ...(prices === '' ? {} : { TOKEN_PRICES: prices }) }, cwd: '/nonexistent' });
  expect(config.improvement.prices).toEqual(readTokenPrices(prices === '' ? null : prices));
  const result = await pricesCheck(config).run();
  expect(result.status).toBe(words === null ? 'pass' : 'warn');
  if (words !== null) expect(result.output).toContain(words);
});
