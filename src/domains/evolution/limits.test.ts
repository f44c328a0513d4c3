import { expect, test } from 'vitest';
import { countRefusal, DAY_MS, moneyRefusal, type Limits, type Used } from './limits.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const LIMITS: Limits = { perAgentAndDay: 3, agentMicroUsdPerDay: 1_000_000, totalMicroUsdPerDay: 5_000_000 };
const USED: Used = { count: 0, firstAtMs: null, agentMicroUsd: 0, totalMicroUsd: 0, firstSpentAtMs: null };
const now = { agent: 'packer', nowMs: NOW_MS };

test('so many in a day, and the next when the first of them is a day old', () => {
  expect(countRefusal(LIMITS, { ...USED, count: 2, firstAtMs: NOW_MS - 5 }, now)).toBeNull();
  const refused = countRefusal(LIMITS, { ...USED, count: 3, firstAtMs: NOW_MS - DAY_MS + 90_000 }, now);
  expect(refused).toMatchObject({
    code: 'rate_limited',
    message: 'packer was given 3 improvements within 24 hours, and 3 are allowed',
    retryAfterMs: 90_000,
  });
  expect(countRefusal({ ...LIMITS, perAgentAndDay: 0 }, USED, now)).toMatchObject({ code: 'rate_limited', retryAfterMs: DAY_MS });
});

test('money: what is spent to the last micro-USD is spent, of one agent and of all', () => {
  expect(moneyRefusal(LIMITS, { ...USED, agentMicroUsd: 999_999, totalMicroUsd: 4_999_999 }, now)).toBeNull();
  expect(moneyRefusal(LIMITS, { ...USED, agentMicroUsd: 1_000_000, totalMicroUsd: 1_000_000 }, now)?.message).toBe(
    'improvements of packer have cost 1.00 USD of 1.00 USD within 24 hours',
  );
  expect(moneyRefusal(LIMITS, { ...USED, totalMicroUsd: 5_000_000 }, now)?.message).toBe(
    'improvements of all agents have cost 5.00 USD of 5.00 USD within 24 hours',
  );
  expect(moneyRefusal({ ...LIMITS, agentMicroUsdPerDay: 0 }, USED, now)).toMatchObject({ code: 'rate_limited' });
});
