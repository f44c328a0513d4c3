// States under change, with real sandbox hosts on a real database: up lazily, tried out before, and back again without loss.
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { BenchHosts, StateBench, type CountingVersion, type StateNode } from './state-bench.fixture.ts';
import { frozenHashes, pruneSnapshots, stateHistory } from './state-history-store.ts';

let database: Database;
let hosts: BenchHosts;
beforeAll(async () => {
  [database, hosts] = await Promise.all([testDatabase(), BenchHosts.start()]);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await database.close();
});

/** n becomes total, and total n. */
const UP =
  '(state, { from, down }) => from === 1 ? { total: state.n } : down === 1 ? { n: state.total } : (() => { throw new RangeError("no way") })()';
/** Up only. */
const ONE_WAY = '(state, { from }) => { if (from === undefined) throw new RangeError("never down"); return { total: state.n }; }';

async function bench(): Promise<{ bench: StateBench; node: StateNode }> {
  const made = await StateBench.open(database, hosts);
  onTestFinished(() => made[Symbol.asyncDispose]());
  return { bench: made, node: await made.node() };
}

/** A first version live, with these counts, and a second one staged. */
async function two(second: CountingVersion, counts: Readonly<Record<string, number>> = { a: 1, b: 2 }) {
  const made = await bench();
  const first = made.bench.version();
  await made.node.promote(first);
  for (const [key, by] of Object.entries(counts)) await made.node.count(key, by);
  return { ...made, first, second: made.bench.version({ state: 2, member: 'total', codeChange: UP, ...second }) };
}

function until(isSo: () => Promise<boolean>): Promise<boolean> {
  return vi.waitUntil(isSo, { timeout: 60_000 });
}

async function settled(made: StateBench, key: string, stateVersion: number): Promise<void> {
  await until(async () => (await made.row(key)).state_version === stateVersion);
}

describe('up', () => {
  test('each state is changed at its first call, kept with it, and what it was stays as a snapshot', async () => {
    const { bench: made, node, first, second } = await two({});
    expect(await node.promote(second)).toMatchObject({ rehearsal: { states: 2, changed: 2, down: 'exact' } });
    expect(await made.row('a')).toMatchObject({ state: { n: 1 }, state_version: 1, revision: 1 });
    expect(await node.count('a')).toBe(2);
    expect(await made.row('a')).toMatchObject({ state: { total: 2 }, state_version: 2, revision: 2, migrations: 1, state_hash: second });
    expect(await made.row('b')).toMatchObject({ state: { n: 2 }, state_version: 1 });
    const snapshots = await database.db.selectFrom('state_snapshots').selectAll().where('agent', '=', made.agent).execute();
    expect(snapshots).toMatchObject([{ key: 'a', state: '{"n":1}', state_version: 1, state_hash: first, revision: 1 }]);
    expect(await node.count('new', 5)).toBe(5);
  });

  test('the state and the change come as they are, from the version that wrote it', async () => {
    const seen = '(state, change) => ({ total: 0, seen: [state, change, typeof ctx] })';
    const { bench: made, node, second } = await two({ codeChange: seen });
    await node.promote(second);
    await node.count('a');
    expect((await made.row('a')).state).toEqual({ total: 1, seen: [{ n: 1 }, { from: 1 }, 'undefined'] });
  });

  test('a call that only reads keeps the change too, and nothing counts as written', async () => {
    const { bench: made, node, second } = await two({ handle: 'return { n: (await ctx.state.get()).total };' });
    await node.promote(second);
    expect(await node.count('b')).toBe(2);
    expect(await made.row('b')).toMatchObject({ state: { total: 2 }, state_version: 2, revision: 2, written_revision: 1 });
  });

  test('a call that fails keeps nothing', async () => {
    const { bench: made, node, second } = await two({ handle: 'await ctx.state.set({ total: 9 }); throw new Error("boom");' });
    await node.promote(second);
    await expect(node.count('a')).rejects.toMatchObject({ code: 'agent_error' });
    expect(await made.row('a')).toMatchObject({ state: { n: 1 }, state_version: 1, revision: 1 });
  });

  test('versions without a state version neither change anything nor keep snapshots', async () => {
    const { bench: made, node } = await two({});
    await node.promote(made.version());
    expect(await node.count('a')).toBe(2);
    expect(await made.row('a')).toMatchObject({ state_version: 1, migrations: 0 });
  });

  test('from every version that is there to the live one at once', async () => {
    const { bench: made, node, second } = await two({}, { a: 1, b: 2, c: 3 });
    await node.promote(second);
    await node.count('b');
    const third = made.version({
      state: 3,
      member: 'sum',
      codeChange: '(state, { from }) => ({ sum: from === 1 ? state.n : state.total, from })',
    });
    expect(await node.promote(third)).toMatchObject({ rehearsal: { states: 3, changed: 3, down: 'lossy' } });
    await node.count('c');
    await node.count('a');
    await node.count('b');
    expect((await made.row('a')).state).toEqual({ sum: 2, from: 1 });
    expect((await made.row('b')).state).toEqual({ sum: 4, from: 2 });
    expect((await made.row('c')).state).toEqual({ sum: 4, from: 1 });
  });

  test('a swap while a state is being changed: the call ends on its version, the next one goes on from there', async () => {
    const slow =
      '(state) => { const end = 60; let n = 0; const t = []; for (let i = 0; i < 3e6; i += 1) n += i % 7; return { total: state.n }; }';
    const { bench: made, node, second } = await two({ codeChange: slow });
    const third = made.version({ state: 3, member: 'sum', codeChange: '(s, { from }) => ({ sum: from === 1 ? s.n : s.total, from })' });
    await node.promote(second);
    const calls = [node.count('a'), node.promote(third).then(() => -1), node.count('a'), node.count('a')];
    const counts = (await Promise.all(calls)).filter((count) => count > 0).toSorted((x, y) => x - y);
    expect(counts).toEqual([2, 3, 4]);
    expect(await node.count('a')).toBe(5);
    expect((await made.row('a')).state).toMatchObject({ sum: 5 });
  });

  test('on two nodes at once one of them does it, and no count is lost', async () => {
    const { bench: made, node, second } = await two({});
    await node.promote(second);
    const other = await made.node('n2');
    const all = await Promise.allSettled([node.count('a'), other.count('a'), node.count('a'), other.count('a')]);
    const answered = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(answered).not.toEqual([]);
    expect((await made.row('a')).state).toEqual({ total: 1 + answered.length });
    expect(await made.row('a')).toMatchObject({ migrations: 1 });
  });
});

describe('a codeChange that fails', () => {
  test.each<[string, CountingVersion, RegExp]>([
    ['throws', { codeChange: '(state) => { if (state.n === 2) throw new TypeError("two"); return state; }' }, /"b".*TypeError: two/],
    ['never ends', { codeChange: '() => { for (;;) {} }', cpuMs: 100 }, /processor time/],
    ['forgets to return', { codeChange: '() => {}' }, /undefined can not be returned/],
    ['gives too much', { codeChange: '() => ({ total: "x".repeat(500) })', stateBytes: 200 }, /bytes/],
    [
      'gives another shape than its schema',
      {
        codeChange: '(s) => ({ total: String(s.n) })',
        schema: { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] },
      },
      /total must be number/,
    ],
    ['is not the same twice', { codeChange: '(() => { let n = 0; return () => ({ total: n++ }); })()' }, /two different states/],
    ['is not there', { codeChange: 'null' }, /exports no function codeChange/],
  ])('%s: the version is not promoted, the key is named, nothing has changed', async (_, given, message) => {
    const { bench: made, node, first, second } = await two(given);
    const error: unknown = await node.promote(second).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'validation_failed', details: { key: expect.any(String), change: { from: 1 } } });
    expect((error as Error).message).toMatch(message);
    expect(node.worker.live?.hash).toBe(first);
    expect(await made.row('b')).toMatchObject({ state: { n: 2 }, state_version: 1, revision: 1 });
    expect(await node.count('b')).toBe(3);
  });

  test('later, on one key: that call says so, its version is blamed, the state stays, and after a rollback it works', async () => {
    const codeChange =
      '(state, { from, down }) => { if (from === 1 && state.n === 7) throw new RangeError("seven"); return down === 1 ? { n: state.total } : { total: state.n }; }';
    const { bench: made, node, second } = await two({ codeChange });
    await node.promote(second);
    // As if it had been there and not among those that were rehearsed.
    await database.db
      .insertInto('agent_states')
      .values({ agent: made.agent, key: 'seven', state: '{"n":7}' as never, state_hash: 'x', revision: 1, written_revision: 1 })
      .execute();
    const failed = node.count('seven');
    await expect(failed).rejects.toMatchObject({ code: 'agent_error', details: { failure: 'threw', key: 'seven', change: { from: 1 } } });
    await expect(failed).rejects.toThrow(/codeChange of v2 failed on the state of "seven".*RangeError: seven/);
    expect(node.worker.live?.stats.figures(0)).toMatchObject({ calls: 1, errors: 1 });
    expect(await made.row('seven')).toMatchObject({ state: { n: 7 }, state_version: 1, revision: 1 });
    expect(await node.count('a')).toBe(2);
    await node.rollback();
    expect(await node.count('seven')).toBe(8);
    expect(await node.count('a')).toBe(3);
  });

  test('a schema that is new for states that are there is tried on them too', async () => {
    const { node, bench: made } = await two({});
    const strict = made.version({ state: 1, schema: { type: 'object', properties: { n: { type: 'number', maximum: 1 } } } });
    await expect(node.promote(strict)).rejects.toMatchObject({ code: 'validation_failed', details: { key: 'b' } });
  });

  test('a state that does not fit the schema is not kept', async () => {
    const { node, bench: made } = await bench();
    await node.promote(made.version({ state: 1, schema: { type: 'object', properties: { n: { type: 'number', maximum: 2 } } } }));
    expect(await node.count('a', 2)).toBe(2);
    await expect(node.count('a')).rejects.toMatchObject({ code: 'agent_error', message: "the state's n must be <= 2" });
    expect((await made.row('a')).state).toEqual({ n: 2 });
  });
});

describe('back', () => {
  test('down, where nothing is lost: by itself, without a call', async () => {
    const { bench: made, node, first, second } = await two({});
    await node.promote(second);
    await node.count('a', 10);
    await node.count('new', 4);
    await node.rollback();
    await settled(made, 'a', 1);
    await settled(made, 'new', 1);
    expect(await made.row('a')).toMatchObject({ state: { n: 11 }, state_hash: first, migrations: 2, frozen_hash: null });
    expect(await node.count('a')).toBe(12);
    expect(await node.count('new')).toBe(5);
    expect(await node.count('b')).toBe(3);
  });

  test('at once for a call that comes before its turn', async () => {
    const { node, second } = await two({});
    await node.promote(second);
    await node.count('a', 10);
    const [, count] = await Promise.all([node.rollback(), node.count('a')]);
    expect(count).toBe(12);
    expect(await node.count('a')).toBe(13);
  });

  test('the snapshot, where nobody has written since', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY, handle: 'return { n: (await ctx.state.get()).total };' });
    await node.promote(second);
    expect(await node.count('b')).toBe(2);
    await node.rollback();
    await settled(made, 'b', 1);
    expect(await made.row('b')).toMatchObject({ state: { n: 2 }, frozen_hash: null, migrations: 2 });
    expect(await node.count('b')).toBe(3);
  });

  test('frozen, where a call has written since: its version goes on answering, and a decision is asked for', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    expect(await node.count('a', 10)).toBe(11);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    expect(await node.invoke('a', { by: 1 })).toMatchObject({ hash: second, version: 2, outputJson: '{"n":12}' });
    expect(await node.invoke('b', { by: 1 })).toMatchObject({ version: 1, outputJson: '{"n":3}' });
    const frozen = await stateHistory(database).frozen(made.agent);
    expect(frozen).toMatchObject([{ key: 'a', hash: second, stateVersion: 2, kept: false, reason: expect.stringContaining('never down') }]);
    expect(await frozenHashes(database)).toContain(second);
    // However many versions come and go, the one that answers stays loaded.
    for (let n = 0; n < 6; n += 1) await node.promote(made.version({ member: 'n', handle: `return { n: ${n} };` }));
    expect(node.worker.loadedHashes()).toContain(second);
    expect(await node.count('a')).toBe(13);
  });

  test('a down that loses what was written since is not taken', async () => {
    const codeChange = '(state, { from }) => from === 1 ? { total: state.n, log: [] } : { n: state.total }';
    const handle =
      'const s = (await ctx.state.get()) ?? { total: 0, log: [] }; s.total += input.by; s.log.push(input.by); await ctx.state.set(s); return { n: s.total };';
    const { bench: made, node, second } = await two({ codeChange, handle });
    expect(await node.promote(second)).toMatchObject({ rehearsal: { down: 'exact' } });
    await node.count('a', 10);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    expect(await made.row('a')).toMatchObject({ state: { total: 11, log: [10] }, frozen_reason: expect.stringContaining('lose') });
  });

  test('discard: the state is what it was, what was written since stays to be looked up', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a', 10);
    await node.count('new', 4);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null && (await made.row('new')).frozen_hash !== null);
    await expect(node.worker.states.decide('b', 'discard')).rejects.toMatchObject({ code: 'not_found' });
    await node.worker.states.decide('a', 'discard');
    await node.worker.states.decide('new', 'discard');
    expect(await made.row('a')).toMatchObject({ state: { n: 1 }, frozen_hash: null });
    expect((await made.row('new')).state).toBeNull();
    expect(await node.count('a')).toBe(2);
    expect(await node.count('new')).toBe(1);
    const kept = await database.db
      .selectFrom('state_snapshots')
      .selectAll()
      .where('agent', '=', made.agent)
      .where('state_version', '=', 2)
      .execute();
    expect(kept.map(({ key, state }) => [key, state])).toEqual([
      ['a', '{"total":11}'],
      ['new', '{"total":4}'],
    ]);
  });

  test('keep: it stays, and nobody is asked again', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a', 10);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    await node.worker.states.decide('a', 'keep');
    await expect(node.worker.states.decide('b', 'keep')).rejects.toMatchObject({ code: 'not_found' });
    expect(await stateHistory(database).frozen(made.agent)).toMatchObject([{ key: 'a', kept: true }]);
    expect(await node.count('a')).toBe(12);
  });

  test('a version that reads the newer state thaws what was frozen', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a', 10);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    const mended = made.version({ state: 2, member: 'total', codeChange: UP });
    expect(await node.promote(mended)).toMatchObject({ rehearsal: { states: 2, changed: 1, down: 'exact' } });
    await until(async () => (await made.row('a')).frozen_hash === null);
    expect(await node.invoke('a', { by: 1 })).toMatchObject({ hash: mended, outputJson: '{"n":12}' });
    expect(await node.count('b')).toBe(3);
  });

  test('what was frozen, thawed and rolled back again is frozen again, for all to see', async () => {
    const { bench: made, node, second, first } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a', 10);
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    expect(await node.count('a')).toBe(12);
    const third = made.version({ state: 2, member: 'total', codeChange: ONE_WAY, handle: 'return { n: (await ctx.state.get()).total };' });
    await node.promote(third);
    await until(async () => (await made.row('a')).frozen_hash === null);
    expect(await node.invoke('a')).toMatchObject({ hash: third, outputJson: '{"n":12}' });
    await node.rollback(first);
    expect(await node.invoke('a', { by: 1 })).toMatchObject({ hash: second, outputJson: '{"n":13}' });
    expect(await made.row('a')).toMatchObject({ frozen_hash: second });
  });

  test('a swap beside it does not stop what is taken down, nor does a version without state hide it', async () => {
    const { bench: made, node, first, second } = await two({}, Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`k${n}`, n])));
    await node.promote(second);
    for (let n = 0; n < 12; n += 1) await node.count(`k${n}`);
    const stateless = made.version({ capabilities: [], handle: 'return { n: 0 };' });
    await node.promote(stateless);
    await expect(node.promote(made.version())).rejects.toMatchObject({ code: 'validation_failed' });
    await node.rollback(first);
    await node.promote(made.version());
    for (let n = 0; n < 12; n += 1) await settled(made, `k${n}`, 1);
    expect(await node.count('k7')).toBe(9);
  });

  test('a node that starts in the middle knows what is frozen and what is to be taken down', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a', 10);
    await node.rollback();
    await node.close();
    const again = await made.node('n1');
    expect(await again.invoke('a', { by: 1 })).toMatchObject({ hash: second, outputJson: '{"n":12}' });
    expect(await again.count('b')).toBe(3);
    expect(again.errors).toEqual([]);
  });

  test('to promote an older version is refused where states are above it, and says how to go back', async () => {
    const { bench: made, node, second } = await two({});
    await node.promote(second);
    await node.count('a');
    const forgetful = made.version({ handle: 'return { n: 0 };' });
    await expect(node.promote(forgetful)).rejects.toMatchObject({
      code: 'validation_failed',
      hint: expect.stringContaining('code:rollback'),
    });
    expect(node.worker.live?.hash).toBe(second);
  });

  test('a pinned version changes nobody’s state, and says so when it can not read one', async () => {
    const { bench: made, node, first, second } = await two({});
    const wrong = { code: 'conflict', details: { reason: 'state_migrated' } };
    await expect(node.count('a', 1, { hash: second })).rejects.toMatchObject(wrong);
    await node.promote(second);
    await node.count('a');
    await expect(node.count('a', 1, { hash: first })).rejects.toMatchObject(wrong);
    expect(await node.count('b', 1, { hash: first })).toBe(3);
    expect((await made.row('a')).state).toEqual({ total: 2 });
  });

  test('snapshots of ordinary instances go after a while, those of frozen ones stay', async () => {
    const { bench: made, node, second } = await two({ codeChange: ONE_WAY });
    await node.promote(second);
    await node.count('a');
    await node.rollback();
    await until(async () => (await made.row('a')).frozen_hash !== null);
    await pruneSnapshots(database, new Date(Date.now() + 60_000));
    await node.worker.states.decide('a', 'discard');
    expect(await node.count('a')).toBe(2);
    await pruneSnapshots(database, new Date(Date.now() + 60_000));
    const left = await database.db.selectFrom('state_snapshots').selectAll().where('agent', '=', made.agent).execute();
    expect(left).toEqual([]);
  });
});
