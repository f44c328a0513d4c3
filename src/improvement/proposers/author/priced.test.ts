import { expect, test } from 'vitest';
import type { Author, AuthorOutcome, AuthorTask, AuthorUsage } from './author.ts';
import { priced } from './priced.ts';

const PRICE = { input: 2, cachedInput: 0.5, output: 10 };

async function usageOf(given: AuthorUsage, outcome: Omit<Extract<AuthorOutcome, { ok: false }>, 'usage'> | null): Promise<AuthorUsage> {
  const author: Author = {
    name: 'scripted',
    async *write() {
      yield { type: 'activity', activity: { kind: 'text', text: 'so' } };
      yield { type: 'ended', outcome: { ...(outcome ?? { ok: true, text: '', changes: [] }), usage: given } };
    },
  };
  const seen = [];
  for await (const event of priced(author, PRICE).write({} as AuthorTask)) seen.push(event);
  expect(seen.map(({ type }) => type)).toEqual(['activity', 'ended']);
  const last = seen.at(-1);
  if (last?.type !== 'ended') throw new Error('no end');
  return last.outcome.usage;
}

test('tokens become money, of attempts that failed too', async () => {
  const usage = { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 50, costMicroUsd: null };
  expect(await usageOf(usage, null)).toEqual({ ...usage, costMicroUsd: 1_900 });
  expect(await usageOf(usage, { ok: false, failure: 'timeout', message: 'late' })).toEqual({ ...usage, costMicroUsd: 1_900 });
});

test('what the author says itself counts', async () => {
  const usage = { inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 50, costMicroUsd: 7 };
  expect(await usageOf(usage, null)).toEqual(usage);
});
