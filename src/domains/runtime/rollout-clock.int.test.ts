// A version is watched for as long as its contract says, whatever becomes of the clock on the wall.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '#db/testing.ts';
import type { Database } from '#db/database.ts';
import { BenchHosts, StateBench } from './state-bench.fixture.ts';

const HOUR_MS = 3_600_000;
/** Looked at every 250 ms. */
const OBSERVE_MS = 1_500;

let database: Database;
let hosts: BenchHosts;
beforeAll(async () => {
  [database, hosts] = await Promise.all([testDatabase(), BenchHosts.start()]);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await database.close();
});

async function observed(bench: StateBench) {
  const node = await bench.node();
  await node.promote(bench.version());
  const startedMs = performance.now();
  await node.promote(bench.version({ observeMs: OBSERVE_MS }));
  const phase = (): string | undefined => node.rollout.row?.phase;
  expect(phase()).toBe('observing');
  return { node, startedMs, phase };
}

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('the clock is set %s by an hour in the middle', async (_, jumpMs) => {
  await using bench = await StateBench.open(database, hosts);
  const { node, startedMs, phase } = await observed(bench);
  node.clockAheadMs = jumpMs;
  await expect.poll(phase, { timeout: 30_000 }).toBe('idle');
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(OBSERVE_MS - 20);
  expect(node.rollout.row?.reason).toMatch(/^unverified: /);
});

test('the clock is set back before another takes over: it watches once more, and no longer than that', async () => {
  await using bench = await StateBench.open(database, hosts);
  const { node } = await observed(bench);
  await node.close();
  const startedMs = performance.now();
  const next = await bench.node('n2', undefined, -HOUR_MS);
  await expect.poll(() => next.rollout.row?.phase, { timeout: 30_000 }).toBe('idle');
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(OBSERVE_MS - 20);
});
