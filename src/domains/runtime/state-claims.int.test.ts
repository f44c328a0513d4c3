// Who may write an instance, and what a call that was told nothing can rely on: two nodes on one database, a holder that is paused,
// commits whose answer got lost, and keys that come twice.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { sql } from 'kysely';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { SeedError } from '#lib/error.ts';
import type { StateStore } from '#kernel/runtime/state-store.ts';
import { BenchHosts, MAX_INSTANCES, StateBench } from './state-bench.fixture.ts';

let database: Database;
let hosts: BenchHosts;
beforeAll(async () => {
  [database, hosts] = await Promise.all([testDatabase(), BenchHosts.start()]);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await database.close();
});

async function open(): Promise<StateBench> {
  const bench = await StateBench.open(database, hosts);
  onTestFinished(() => bench[Symbol.asyncDispose]());
  return bench;
}

/** As time does on the database's clock. */
async function endLease(bench: StateBench, key: string): Promise<void> {
  await database.db
    .updateTable('agent_states')
    .set({ lease_until: sql<Date>`now() - interval '1 second'` })
    .where('agent', '=', bench.agent)
    .where('key', '=', key)
    .execute();
}

/** A store whose next commit waits until it is let go. */
function pausing() {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let armed = false;
  const wrap = (store: StateStore): StateStore => ({
    ...store,
    async commit(commit, leaseMs) {
      if (armed) {
        armed = false;
        reached.resolve();
        await released.promise;
      }
      return store.commit(commit, leaseMs);
    },
  });
  return { wrap, arm: () => (armed = true), reached: reached.promise, release: () => released.resolve() };
}

/** A store whose next commit is made, and nobody hears of it. */
function deaf() {
  let armed = false;
  const wrap = (store: StateStore): StateStore => ({
    ...store,
    async commit(commit, leaseMs) {
      await store.commit(commit, leaseMs);
      if (!armed) return;
      armed = false;
      throw new SeedError('database_unavailable', 'the connection was lost');
    },
  });
  return { wrap, arm: () => (armed = true) };
}

describe('two nodes', () => {
  test('that want one instance at the same time: every count that was told is kept, and no other', async () => {
    const bench = await open();
    const one = await bench.node('n1');
    await one.promote(bench.version());
    const two = await bench.node('n2');
    const tried = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).count('k')));
    const told = tried.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(told.toSorted((a, b) => a - b)).toEqual(Array.from({ length: told.length }, (_, n) => n + 1));
    expect((await bench.row('k')).state).toEqual({ n: told.length });
    const refused = tried.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const reason of refused) expect(reason).toMatchObject({ code: 'conflict' });
  });

  test('a holder that was paused over the end of its lease keeps nothing, its idempotent answer included', async () => {
    const bench = await open();
    const pause = pausing();
    const one = await bench.node('n1', pause.wrap);
    await one.promote(bench.version());
    await one.count('k');
    pause.arm();
    const late = one.count('k', 100, { idempotencyKey: 'late' });
    await pause.reached;
    const two = await bench.node('n2');
    await expect(two.count('k')).rejects.toMatchObject({ code: 'conflict', retryAfterMs: expect.any(Number) });
    await endLease(bench, 'k');
    expect(await two.count('k')).toBe(2);
    pause.release();
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    expect((await bench.row('k')).state).toEqual({ n: 2 });
    expect(await two.count('k', 100, { idempotencyKey: 'late' })).toBe(102);
  });

  test('a node that stops gives its instances back at once', async () => {
    const bench = await open();
    const one = await bench.node('n1');
    await one.promote(bench.version());
    await one.count('k');
    const two = await bench.node('n2');
    await expect(two.count('k')).rejects.toMatchObject({ code: 'conflict' });
    await one.close();
    expect(await two.count('k')).toBe(2);
  });

  test('the same idempotency key on both: one of them does it, both give the same answer', async () => {
    const bench = await open();
    const one = await bench.node('n1');
    await one.promote(bench.version());
    const two = await bench.node('n2');
    const call = (node: typeof one, key: string) => node.invoke(key, { by: 5 }, { idempotencyKey: 'same', key: 'k' });
    const [first, second] = await Promise.allSettled([call(one, 'k'), call(two, 'k')]);
    const answers = [first, second].flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(answers).not.toEqual([]);
    expect(new Set(answers.map(({ callId }) => callId)).size).toBe(1);
    expect((await bench.row('k')).state).toEqual({ n: 5 });
    expect(await two.invoke('k', { by: 5 }, { idempotencyKey: 'same' })).toMatchObject({ callId: answers[0]?.callId, replayed: true });
  });
});

describe('an idempotency key', () => {
  test('of a commit whose answer got lost gives that answer, and the state has it once', async () => {
    const bench = await open();
    const loss = deaf();
    const node = await bench.node('n1', loss.wrap);
    await node.promote(bench.version());
    loss.arm();
    expect(await node.invoke('k', { by: 3 }, { idempotencyKey: 'i' })).toMatchObject({ outputJson: '{"n":3}', replayed: true });
    expect(await node.count('k', 3, { idempotencyKey: 'i' })).toBe(3);
    expect((await bench.row('k')).state).toEqual({ n: 3 });
  });

  test('without one the caller is told that it is not known, and the next call sees what is there', async () => {
    const bench = await open();
    const loss = deaf();
    const node = await bench.node('n1', loss.wrap);
    await node.promote(bench.version());
    loss.arm();
    await expect(node.count('k', 3)).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await node.count('k', 1)).toBe(4);
  });

  test('with another input is refused, and with another instance too', async () => {
    const bench = await open();
    const node = await bench.node();
    await node.promote(bench.version());
    await node.count('k', 1, { idempotencyKey: 'i' });
    await expect(node.count('k', 2, { idempotencyKey: 'i' })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    await expect(node.count('other', 1, { idempotencyKey: 'i' })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    expect((await bench.row('k')).state).toEqual({ n: 1 });
  });

  test('sent many times at once runs once', async () => {
    const bench = await open();
    const node = await bench.node();
    await node.promote(bench.version());
    const answers = await Promise.all(Array.from({ length: 10 }, () => node.invoke('k', { by: 1 }, { idempotencyKey: 'i' })));
    expect(new Set(answers.map(({ callId }) => callId)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await bench.row('k')).state).toEqual({ n: 1 });
  });

  test('gives its answer after a restart, and after a swap to a version that would take the input for another', async () => {
    const bench = await open();
    const node = await bench.node();
    await node.promote(bench.version());
    const { callId } = await node.invoke('k', { by: 1 }, { idempotencyKey: 'i' });
    await node.promote(
      bench.version({ input: { type: 'object', properties: { by: { type: 'number' }, scale: { type: 'number', default: 10 } } } }),
    );
    expect(await node.invoke('k', { by: 1 }, { idempotencyKey: 'i' })).toMatchObject({ callId, version: 1, replayed: true });
    await node.promote(bench.version({ input: { type: 'object', properties: { by: { type: 'string' } } } }));
    await node.close();
    const again = await bench.node('n1');
    expect(await again.invoke('k', { by: 1 }, { idempotencyKey: 'i' })).toMatchObject({ callId, replayed: true });
  });

  test('for the default instance is the same whether it is named or not', async () => {
    const bench = await open();
    const node = await bench.node();
    await node.promote(bench.version());
    const unnamed = { agent: bench.agent, input: { by: 1 }, principal: { kind: 'user', id: 'u' }, idempotencyKey: 'i' };
    const { callId } = await node.runtime.invoke(unnamed);
    expect(await node.runtime.invoke({ ...unnamed, key: 'default' })).toMatchObject({ callId, replayed: true });
  });
});

test('more instances than are kept in memory: none loses anything', async () => {
  const bench = await open();
  const node = await bench.node();
  await node.promote(bench.version());
  const keys = Array.from({ length: MAX_INSTANCES * 3 }, (_, n) => `k${n}`);
  await Promise.all(keys.map((key) => node.count(key)));
  // Those that had to go, and some that are still there.
  const again = [...keys.slice(0, 40), ...keys.slice(-10)];
  expect(new Set(await Promise.all(again.map((key) => node.count(key))))).toEqual(new Set([2]));
  const { rows } = await sql<{
    n: number;
  }>`SELECT count(*)::int AS n FROM agent_states WHERE agent = ${bench.agent} AND revision = 2`.execute(database.db);
  expect(rows[0]?.n).toBe(again.length);
});
