import { expect, test } from 'vitest';
import { CallStats, type ObservedCall } from './call-stats.ts';

let nowMs = 0;

function observe(stats: CallStats, { atMs = nowMs, ...call }: Partial<ObservedCall> & { atMs?: number }): void {
  nowMs = atMs;
  stats.observe({ durationUs: 2_000, ownUs: 100, outcome: 'ok', ...call });
}

test('counts what happened since a time, and gives p95 within its bucket', () => {
  const stats = new CallStats(() => nowMs);
  for (let call = 0; call < 100; call += 1) observe(stats, { atMs: 1_000, durationUs: call < 90 ? 1_000 : 40_000 });
  for (let call = 0; call < 100; call += 1) observe(stats, { atMs: 60_000, outcome: call < 10 ? 'limit' : 'ok' });
  const all = stats.figures();
  expect(all).toMatchObject({ calls: 200, errors: 10, limitHits: 10, errorRate: 0.05 });
  expect(all.p95Ms).toBeGreaterThanOrEqual(2);
  expect(all.p95Ms).toBeLessThan(2 * 1.15 * 1.15);
  expect(all.ownP95Ms).toBeLessThan(0.1 * 1.15 * 1.15);
  expect(stats.figures(30_000)).toMatchObject({ calls: 100, errors: 10 });
});

test('forgets what is older than two minutes', () => {
  const stats = new CallStats(() => nowMs);
  observe(stats, { atMs: 0, outcome: 'error' });
  for (let slice = 1; slice <= 24; slice += 1) observe(stats, { atMs: slice * 5_000 });
  expect(stats.figures()).toMatchObject({ calls: 24, errors: 0 });
});

test('has no latency without calls', () => {
  expect(new CallStats(() => nowMs).figures()).toEqual({ calls: 0, errors: 0, limitHits: 0, errorRate: 0, p95Ms: null, ownP95Ms: null });
});
