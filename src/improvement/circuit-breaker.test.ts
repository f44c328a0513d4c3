import { expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { ProposalRequest, ProposerEvent } from './proposer.ts';

function breaker() {
  const state = { nowMs: 0, error: null as Error | null, asked: 0, told: [] as string[] };
  const proposer = circuitBreaker(
    {
      name: 'codex',
      async *propose() {
        state.asked += 1;
        yield await Promise.resolve<ProposerEvent>({ type: 'activity', activity: { kind: 'text', text: 'hm' } });
        if (state.error !== null) throw state.error;
      },
    },
    { monotonicMs: () => state.nowMs, restMs: 60_000, onFailed: (...told) => state.told.push(told.join(' ')) },
  );
  const run = async (): Promise<number> => {
    let events = 0;
    for await (const _ of proposer.propose({} as ProposalRequest)) events += 1;
    return events;
  };
  return { state, run };
}

const missing = new SeedError('unavailable', 'codex has no credential', { details: { failure: 'missing_api_key' } });

test('after three failures in a row it is left alone, and one may try again later', async () => {
  const { state, run } = breaker();
  state.error = missing;
  for (let attempt = 0; attempt < 3; attempt += 1) await expect(run()).rejects.toBe(missing);
  expect(state.told).toEqual(Array.from({ length: 3 }, () => 'codex missing_api_key'));
  await expect(run()).rejects.toMatchObject({
    code: 'unavailable',
    message: 'codex is left alone for 1 m 0 s: codex has no credential',
    retryAfterMs: 60_000,
  });
  expect(state.asked).toBe(3);
  state.nowMs = 60_000;
  await expect(run()).rejects.toBe(missing);
  await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('is left alone') });
  state.nowMs = 120_000;
  state.error = null;
  expect(await run()).toBe(1);
  state.error = missing;
  await expect(run()).rejects.toBe(missing);
  await expect(run()).rejects.toBe(missing);
});

test('what becomes of its work is not its failure', async () => {
  const { state, run } = breaker();
  state.error = new SeedError('validation_failed', 'the version to better could not be scored');
  for (let attempt = 0; attempt < 5; attempt += 1) await expect(run()).rejects.toBe(state.error);
  expect([state.asked, state.told]).toEqual([5, []]);
});
