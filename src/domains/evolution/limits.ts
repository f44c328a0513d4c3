// How many improvements there may be, and what they may cost. Pure.
import { SeedError } from '#lib/error.ts';

export const DAY_MS = 86_400_000;

export interface Limits {
  /** Improvements of one agent asked for within 24 hours, however they ended. */
  perAgentAndDay: number;
  /** Of one agent within 24 hours. 0: nothing that is paid for. */
  agentMicroUsdPerDay: number;
  /** Of all agents together. */
  totalMicroUsdPerDay: number;
}

/** What was used of them within the last 24 hours. */
export interface Used {
  count: number;
  /** ms since the epoch: when the first of those was asked for; null when there was none. */
  firstAtMs: number | null;
  agentMicroUsd: number;
  totalMicroUsd: number;
  /** When the first of the money was spent. */
  firstSpentAtMs: number | null;
}

/** @returns why there may be no other one now: SeedError `rate_limited` with the time from which on there may be; null when there may */
export function countRefusal(limits: Limits, used: Used, now: { agent: string; nowMs: number }): SeedError | null {
  const { perAgentAndDay } = limits;
  if (used.count < perAgentAndDay) return null;
  return refusal(`${now.agent} was given ${used.count} improvements within 24 hours, and ${perAgentAndDay} are allowed`, {
    hint: 'wait, or raise IMP_LIMIT_PER_DAY',
    firstMs: used.firstAtMs,
    nowMs: now.nowMs,
  });
}

/** For what is paid for. A cap is looked at before an improvement begins: one that runs may pass it by its own price. */
export function moneyRefusal(limits: Limits, used: Used, now: { agent: string; nowMs: number }): SeedError | null {
  const { agentMicroUsdPerDay, totalMicroUsdPerDay } = limits;
  const at = { firstMs: used.firstSpentAtMs, nowMs: now.nowMs };
  if (used.agentMicroUsd >= agentMicroUsdPerDay) {
    const words = `improvements of ${now.agent} have cost ${usd(used.agentMicroUsd)} of ${usd(agentMicroUsdPerDay)} within 24 hours`;
    return refusal(words, { ...at, hint: otherwise('IMP_AGENT_MICRO_USD_PER_DAY') });
  }
  if (used.totalMicroUsd >= totalMicroUsdPerDay) {
    const words = `improvements of all agents have cost ${usd(used.totalMicroUsd)} of ${usd(totalMicroUsdPerDay)} within 24 hours`;
    return refusal(words, { ...at, hint: otherwise('IMP_TOTAL_MICRO_USD_PER_DAY') });
  }
  return null;
}

function otherwise(setting: string): string {
  return `wait, raise ${setting}, or take the proposer genetic, which costs nothing`;
}

function refusal(message: string, { hint, firstMs, nowMs }: { hint: string; firstMs: number | null; nowMs: number }): SeedError {
  return new SeedError('rate_limited', message, {
    hint,
    // From then on the oldest is not counted any more.
    retryAfterMs: Math.max(1_000, (firstMs ?? nowMs) + DAY_MS - nowMs),
  });
}

function usd(microUsd: number): string {
  return `${(microUsd / 1e6).toFixed(2)} USD`;
}
