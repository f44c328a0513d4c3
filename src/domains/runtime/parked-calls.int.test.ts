// Parked calls with a real host and a real database: every way in which one can be answered, taken up, cut off and ended.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { sql } from 'kysely';
import type { Database } from '#db/database.ts';
import { Sealing } from '#db/sealing.ts';
import { readStream } from '#db/streams.ts';
import { testDatabase } from '#db/testing.ts';
import type { Artifact } from '#kernel/compiler/artifact.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { AgentWorker } from '#kernel/runtime/agent-worker.ts';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import type { Parked, ResumedCall } from '#kernel/runtime/parked-call.ts';
import { testBroker } from '#kernel/runtime/capabilities/broker.fixture.ts';
import { Runtime } from '#kernel/runtime/runtime.ts';
import { ServingHosts } from '#kernel/runtime/serving-hosts.ts';
import { NO_HISTORY } from '#kernel/runtime/state-history.fixture.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import { uuidv7 } from '#lib/id.ts';
import { ParkedCallDesk } from './parked-call-desk.ts';
import { streamOf } from './parked-call-event.ts';
import { ParkedCallResumer } from './parked-call-resumer.ts';
import { parkedHashes, pruneParked, readParked } from './parked-call-store.ts';
import { stateStore } from './state-store.ts';
import { insertAgent } from './store.ts';

const PRINCIPAL = { kind: 'user', id: 'tester' };
const ONCE = { signal: new AbortController().signal, isFirstTry: true };
const HERE = { isRunning: () => true };
const NO_MAP = '{"version":3,"sources":[],"names":[],"mappings":""}';

let database: Database;
let host: SandboxHost;
const serving = new ServingHosts();
const sealing = new Sealing([{ keyId: 'k', key: randomBytes(32) }]);
beforeAll(async () => {
  [database, host] = await Promise.all([testDatabase(), SandboxHost.start()]);
  await serving.join('one', host);
});
afterAll(() => Promise.all([host.close(), database.close()]));

/** A node with one agent. @param probe what its capability with an effect does */
async function start(handle: string, probe: () => Promise<string> = () => Promise.resolve('null')) {
  const agent = `parking-${uuidv7().slice(-12)}`;
  await insertAgent(database, { name: agent, type: 'worker', summary: '', source: 'upload', owner: PRINCIPAL });
  const contract = {
    ...contractSchema.parse({
      contract: 1,
      name: agent,
      summary: '',
      exports: [{ kind: 'call', name: 'handle', input: {}, output: { type: ['number', 'string', 'array', 'null'] } }],
      limits: { cpuMs: 30_000, deadlineMs: 60_000 },
      isolation: 'call',
    }),
    capabilities: ['state', 'now', 'sleep', 'ask', 'probe'],
  };
  const js = `var __seed_module = (() => ({ default: { async handle(input, ctx) { ${handle} } } }))();`;
  const manifest = { manifest: 1, agent, contract, parent: null } as unknown as Artifact['manifest'];
  const artifact: Artifact = { hash: `hash-${agent}`, manifest, js, map: NO_MAP, evaluationJs: null, sources: {} };
  const desk = new ParkedCallDesk({ database, sealing, nodePrincipal: { kind: 'node', id: 'n1' } });
  const state = stateStore(database, 'n1', { parked: desk });
  const records: CallRecord[] = [];
  const runtime = new Runtime({
    ...{ hosts: serving, state, parked: desk, log: { record: (record: CallRecord) => void records.push(record) } },
    broker: testBroker({ capabilities: [{ names: ['probe'], serve: probe }] }).broker,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomSeed: () => 7,
    onLogLine: () => undefined,
  });
  const worker = new AgentWorker({
    ...{ agent, hosts: serving, state, history: NO_HISTORY, syncPath: true, monotonicMs: () => performance.now() },
    loadArtifact: () => Promise.resolve({ artifact, number: 1 }),
    onError: (error) => expect.unreachable(String(error)),
  });
  runtime.add(worker);
  await worker.switchTo(artifact.hash);
  onTestFinished(() => worker.close());
  const resumer = new ParkedCallResumer({
    desk,
    resume: (call, options) => runtime.resume(call, options),
    isRunning: (name) => runtime.find(name) !== undefined,
  });
  const { signal } = new AbortController();
  return {
    ...{ agent, hash: artifact.hash, desk, runtime, worker, resumer, records },
    invoke: (given: { key?: string; idempotencyKey?: string; input?: unknown } = {}) =>
      runtime.invokeOrPark({ agent, input: null, principal: PRINCIPAL, ...given }),
    park: async (given: { key?: string; idempotencyKey?: string; input?: unknown } = {}) => {
      const told = await runtime.invokeOrPark({ agent, input: null, principal: PRINCIPAL, ...given });
      expect(told.state).toBe('parked');
      return told as Parked;
    },
    answer: (id: string, answer: unknown, request?: number) =>
      desk.answer(agent, id, { answer, principal: PRINCIPAL, ...(request === undefined ? {} : { request }) }),
    run: (id: string, attempt = 1, jobId = '') => resumer.run(id, { signal, attempt, jobId }),
    row: async (id: string) => (await readParked(database, sealing, { id })) ?? expect.unreachable(id),
    stateOf: async (key = 'default') =>
      (await database.db.selectFrom('agent_states').select('state').where('agent', '=', agent).where('key', '=', key).executeTakeFirst())
        ?.state ?? null,
    events: async (id: string) => (await readStream(database, streamOf(id))).events.map(({ type }) => type),
  };
}

const COUNT = 'const n = ((await ctx.state.get()) ?? 0) + 1; await ctx.state.set(n);';
/** What was due then is due now. */
const passTime = (id: string, ms: number) =>
  sql`UPDATE parked_calls SET open = (SELECT jsonb_agg(jsonb_set(w, '{dueMs}', to_jsonb((w ->> 'dueMs')::float8 - ${ms}::float8)))
    FROM jsonb_array_elements(open) AS w WHERE w ->> 'dueMs' IS NOT NULL) WHERE id = ${id}`.execute(database.db);

test('what a call did before it waits is kept at once, what it does after with its end, and its stream tells all of it', async () => {
  const node = await start(
    `${COUNT} const more = await ctx.ask('more?'); await ctx.state.set((await ctx.state.get()) + more); return ctx.state.get();`,
  );
  const { callId } = await node.park({ idempotencyKey: 'i' });
  expect(await node.stateOf()).toBe('1');
  // Others have their turn, and see it.
  const other = await node.park();
  expect(await node.stateOf()).toBe('2');
  await node.answer(callId, 10);
  await node.run(callId);
  expect(await node.row(callId)).toMatchObject({ state: 'done', end: { ok: true, outputJson: '12' }, answers: {} });
  expect(await node.stateOf()).toBe('12');
  expect(await node.events(callId)).toEqual(['call_parked', 'call_answered', 'call_resumed', 'call_completed']);
  expect(await node.invoke({ idempotencyKey: 'i' })).toMatchObject({ state: 'done', outputJson: '12', replayed: true, callId });
  expect(node.records).toMatchObject([{ id: callId, outputJson: '12', journal: { entries: { length: 8 } } }]);
  expect(await parkedHashes(database)).toContain(node.hash);
  await node.answer(other.callId, 1);
  await node.run(other.callId);
  expect(await parkedHashes(database)).not.toContain(node.hash);
  // Woken once more it finds nothing to do.
  await node.run(callId);
  expect(await node.stateOf()).toBe('13');
});

test('a run that lost its right keeps nothing', async () => {
  const node = await start(`await ctx.ask('?'); ${COUNT} return n;`);
  const { callId } = await node.park();
  await node.answer(callId, 1);
  const first = (await node.desk.take(callId, HERE)) as ResumedCall;
  const second = (await node.desk.take(callId, HERE)) as ResumedCall;
  expect(second.fence).toBe(first.fence + 1);
  await expect(node.runtime.resume(first, ONCE)).rejects.toMatchObject({ code: 'conflict' });
  expect(await node.stateOf()).toBeNull();
  await node.runtime.resume(second, ONCE);
  expect(await node.stateOf()).toBe('1');
  await expect(node.runtime.resume(second, ONCE)).rejects.toMatchObject({ code: 'conflict' });
  expect(await node.stateOf()).toBe('1');
});

describe('time', () => {
  test('a sleep is over by the clock of the database, whatever this process thinks the time is', async () => {
    const node = await start('await ctx.sleep(3600000); return 1;');
    const { callId, open } = await node.park();
    const { rows } = await sql<{ due: number }>`
      SELECT (extract(epoch FROM run_at) * 1000)::float8 AS due FROM jobs WHERE args ->> 'id' = ${callId}`.execute(database.db);
    // Never woken before it is due, by the clock that says so.
    expect(rows[0]?.due).toBeGreaterThanOrEqual(open[0]?.dueMs ?? Number.NaN);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(await node.desk.take(callId, HERE)).toBeNull();
    vi.useRealTimers();
    // Should the database's clock have been set back, its alarm waits on.
    const { dueJob } = await node.row(callId);
    expect(await node.run(callId, 1, dueJob ?? expect.unreachable())).toEqual({ snoozeMs: expect.closeTo(3_600_000, -5) as number });
    await passTime(callId, 3_600_001);
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ state: 'done', end: { outputJson: '1' } });
  });

  test('a question whose time is over fails inside, and can not be answered any more', async () => {
    const node = await start("return ctx.ask('?', { timeoutMs: 60000 }).catch((error) => error.name + ' ' + error.code);");
    const { callId } = await node.park();
    await passTime(callId, 60_001);
    await expect(node.answer(callId, 1)).rejects.toMatchObject({ code: 'invalid_state' });
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ state: 'done', end: { outputJson: '"TimeoutError deadline"' } });
  });

  test('a time that was going on goes on from where it was when the call is parked again', async () => {
    const node = await start("const late = ctx.sleep(3600000); await ctx.ask('?'); await late; return 1;");
    const { callId, open } = await node.park();
    await node.answer(callId, 1, 2);
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ state: 'parked', open: [{ request: 1, dueMs: open[0]?.dueMs }] });
    const jobs = await sql<{ state: string }>`SELECT state FROM jobs WHERE args ->> 'id' = ${callId} AND run_at > now()`.execute(
      database.db,
    );
    // The alarm of before was taken back.
    expect(jobs.rows.map(({ state }) => state).toSorted((a, b) => a.localeCompare(b))).toEqual(['cancelled', 'scheduled']);
  });
});

describe('several waits', () => {
  const TWO =
    "const order = []; const ask = async (q) => order.push(await ctx.ask(q)); await Promise.all([ask('a'), ask('b')]); return order;";

  test('an answer that comes while the call runs is not lost', async () => {
    const node = await start(TWO);
    const { callId } = await node.park();
    await node.answer(callId, 'B', 2);
    const taken = (await node.desk.take(callId, HERE)) as ResumedCall;
    await node.answer(callId, 'A', 1);
    await expect(node.answer(callId, 'A', 1)).rejects.toMatchObject({ code: 'invalid_state' });
    await node.runtime.resume(taken, ONCE);
    expect(await node.row(callId)).toMatchObject({ state: 'parked', open: [], answers: { 1: { json: '"A"' } } });
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ state: 'done', end: { outputJson: '["B","A"]' } });
  });

  test('which question is meant must be said, and must be open', async () => {
    const node = await start(TWO);
    const { callId } = await node.park();
    await expect(node.answer(callId, 1)).rejects.toMatchObject({
      code: 'invalid_input',
      details: [{ path: 'request', message: 'one of 1, 2' }],
    });
    await expect(node.answer(callId, 1, 9)).rejects.toMatchObject({ code: 'invalid_state' });
    await expect(node.desk.answer('other', callId, { answer: 1, principal: PRINCIPAL })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('an end that is none of its own', () => {
  test('a journal that says something else stops the call, with both sides', async () => {
    const node = await start(`await ctx.state.get(); ${COUNT} await ctx.ask('?'); await ctx.state.set(50); return n;`);
    const { callId } = await node.park();
    await node.answer(callId, 1);
    const taken = (await node.desk.take(callId, HERE)) as ResumedCall;
    const entries = taken.journal.entries.map((entry) => ('name' in entry && entry.name === 'state.set' ? { ...entry, args: 41 } : entry));
    const { end } = await node.runtime.resume({ ...taken, journal: { ...taken.journal, entries } }, ONCE);
    expect(end).toMatchObject({
      ok: false,
      divergence: { recorded: { name: 'state.set', args: 41 }, seen: { name: 'state.set', args: 1 } },
    });
    expect(await node.row(callId)).toMatchObject({ state: 'failed', end: { ok: false, error: { code: 'agent_error' } } });
    expect(await node.events(callId)).toContain('call_diverged');
    expect(await node.stateOf()).toBe('1');
  });

  test('what was cut off after an effect is not done twice', async () => {
    let served = 0;
    const node = await start("await ctx.ask('?'); await ctx.probe('send'); return 1;", () => {
      served += 1;
      return new Promise(() => undefined);
    });
    const { callId } = await node.park();
    await node.answer(callId, 1);
    const taken = (await node.desk.take(callId, HERE)) as ResumedCall;
    const node_ = new AbortController();
    const running = node.runtime.resume(taken, { signal: node_.signal, isFirstTry: true });
    running.catch(() => undefined);
    await vi.waitFor(() => expect(served).toBe(1), { timeout: 30_000 });
    // As after kill -9: another takes it up.
    await node.run(callId, 2);
    expect(await node.row(callId)).toMatchObject({ state: 'failed', end: { error: { code: 'unavailable' } } });
    node_.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(served).toBe(1);
  });

  test('an effect that was made before it was parked is in the journal, and is not made again', async () => {
    let served = 0;
    const node = await start("const sent = await ctx.probe('send'); await ctx.ask('?'); return sent;", () =>
      Promise.resolve(String((served += 1))),
    );
    const { callId } = await node.park();
    await node.answer(callId, 1);
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ end: { outputJson: '1' } });
    expect(served).toBe(1);
  });

  test('a key whose state another version has changed meanwhile ends it with state_migrated', async () => {
    const node = await start(`${COUNT} await ctx.ask('?'); return n;`);
    const { callId } = await node.park();
    await node.answer(callId, 1);
    await node.worker.close();
    await sql`UPDATE agent_states SET state_version = 2, fence = fence + 1 WHERE agent = ${node.agent}`.execute(database.db);
    const later = await start(`${COUNT} await ctx.ask('?'); return n;`);
    const taken = (await node.desk.take(callId, HERE)) as ResumedCall;
    // A node that has never held the key goes on with it.
    const call = { ...taken, agent: later.agent, hash: later.hash };
    await sql`UPDATE agent_states SET agent = ${later.agent} WHERE agent = ${node.agent}`.execute(database.db);
    const { end } = await later.runtime.resume(call, ONCE);
    expect(end).toMatchObject({ ok: false, error: { code: 'conflict', reason: 'state_migrated' } });
  });

  test('the error of its code is its end, and what it has set since is forgotten', async () => {
    const node = await start(`${COUNT} await ctx.ask('?'); await ctx.state.set(99); throw new RangeError('no');`);
    const { callId } = await node.park({ idempotencyKey: 'e' });
    await node.answer(callId, 1);
    await node.run(callId);
    expect(await node.row(callId)).toMatchObject({ state: 'failed', end: { error: { code: 'agent_error', message: 'RangeError: no' } } });
    expect(await node.stateOf()).toBe('1');
    await expect(node.invoke({ idempotencyKey: 'e' })).rejects.toMatchObject({ code: 'agent_error', message: 'RangeError: no' });
    expect(await node.stateOf()).toBe('1');
  });

  test('one that never comes to its end is given up', async () => {
    const node = await start("await ctx.ask('?'); return 1;");
    const { callId } = await node.park();
    await node.answer(callId, 1);
    await node.run(callId, 6);
    expect(await node.row(callId)).toMatchObject({
      state: 'failed',
      end: { error: { code: 'unavailable', message: expect.stringContaining('5 times') } },
    });
  });

  test('cancelled while it runs it keeps nothing of the run', async () => {
    const node = await start(`await ctx.ask('?'); await ctx.sleep(500); ${COUNT} return n;`);
    const { callId } = await node.park();
    await node.answer(callId, 1);
    const running = node.run(callId);
    await vi.waitFor(async () => expect((await node.row(callId)).state).toBe('running'), { timeout: 30_000 });
    await node.desk.cancel(node.agent, callId, { reason: 'enough', principal: PRINCIPAL });
    node.resumer.abort(callId);
    await running;
    expect(await node.row(callId)).toMatchObject({ state: 'cancelled', end: { error: { code: 'cancelled', message: 'enough' } } });
    expect(await node.stateOf()).toBeNull();
  });
});

describe('a host that ends under a call', () => {
  const BUSY = "await ctx.ask('?'); for (;;);";
  /** A host of its own, so that the others of this file are not disturbed. */
  const killedWhile = async (run: () => Promise<unknown>) => {
    const running = run();
    running.catch(() => undefined);
    // Until its own code runs it would be innocent.
    await vi.waitFor(() => expect(host.stats()).toMatchObject({ calls: 1, executing: 1 }), { timeout: 30_000 });
    host.kill();
    await host.exited;
    serving.leave('one', host);
    host = await SandboxHost.start();
    await serving.join('one', host);
    return running;
  };

  test('once, and it is tried again; twice, and it is held responsible', async () => {
    const node = await start(BUSY);
    const { callId } = await node.park();
    await node.answer(callId, 1);
    await expect(killedWhile(() => node.run(callId))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await node.row(callId)).toMatchObject({ state: 'parked' });
    expect(await node.events(callId)).toContain('call_interrupted');
    await killedWhile(() => node.run(callId, 2));
    expect(await node.row(callId)).toMatchObject({ state: 'failed', end: { error: { code: 'agent_error' } } });
  });
});

test('while its agent does not run a call stays parked', async () => {
  const node = await start("await ctx.ask('?'); return 1;");
  const { callId } = await node.park();
  await node.answer(callId, 1);
  node.runtime.remove(node.worker);
  expect(await node.run(callId)).toEqual({ snoozeMs: 15_000 });
  expect(await node.row(callId)).toMatchObject({ state: 'parked', answers: { 1: { json: '1' } } });
  node.runtime.add(node.worker);
  await node.run(callId);
  expect(await node.row(callId)).toMatchObject({ state: 'done' });
});

describe('what is refused', () => {
  const told = (handle: string) => `try { await ${handle}; return 'went through'; } catch (error) { return error.code ?? error.name; }`;
  test.each([
    ["ctx.ask('')", 'invalid_input'],
    ["ctx.ask('x'.repeat(5000))", 'invalid_input'],
    ["ctx.ask('?', { timeoutMs: -1 })", 'invalid_input'],
    ["ctx.ask('?', { timeoutMs: Infinity })", 'invalid_input'],
    ["ctx.ask('?', { schema: 5 })", 'invalid_input'],
    ["ctx.ask('?', { schema: { type: 'nonsense' } })", 'invalid_input'],
    ["ctx.ask('?', { schema: { $ref: 'https://example.org/' } })", 'invalid_input'],
    ["ctx.ask('?', { schema: { pattern: '(?=x)' } })", 'invalid_input'],
    ["ctx.ask('?', { schema: { enum: Array.from({ length: 5000 }, (_, n) => n + 'xxxx') } })", 'invalid_input'],
    ["ctx.ask('?', { schema: { $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' } })", 'invalid_input'],
    ['ctx.ask(5)', 'TypeError'],
    ['ctx.sleep(31 * 86400000)', 'invalid_input'],
    ['ctx.sleep(Infinity)', 'invalid_input'],
  ])('%s', async (asked, code) => {
    const node = await start(told(asked));
    expect(await node.invoke()).toMatchObject({ state: 'done', outputJson: JSON.stringify(code) });
  });

  test('a call whose caller waits for its answer can not be parked', async () => {
    const node = await start(told("ctx.ask('?')"));
    const answer = await node.runtime.invoke({ agent: node.agent, input: null, principal: PRINCIPAL });
    expect(answer.outputJson).toBe('"invalid_state"');
  });

  test('an answer that does not fit what was asked for', async () => {
    const node = await start(
      "return ctx.ask('?', { schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } });",
    );
    const { callId } = await node.park();
    for (const wrong of [1, {}, { n: 'x' }]) await expect(node.answer(callId, wrong)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(node.answer(callId, { n: 1, more: 'x'.repeat(300_000) })).rejects.toMatchObject({ code: 'payload_too_large' });
    expect(await node.row(callId)).toMatchObject({ state: 'parked', answers: {} });
  });

  test('more parked calls of an agent than there may be: the last one fails, and keeps nothing', async () => {
    const node = await start(`${COUNT} await ctx.ask('?'); return 1;`);
    const { callId } = await node.park();
    await sql`
      INSERT INTO parked_calls (id, agent, export, version, hash, state, principal_kind, principal_id, sealed, started_at)
      SELECT gen_random_uuid(), agent, export, version, hash, 'parked', 'user', 'u', '', now() FROM parked_calls, generate_series(1, 999)
      WHERE id = ${callId}`.execute(database.db);
    await expect(node.invoke()).rejects.toMatchObject({ code: 'queue_full' });
    expect(await node.stateOf()).toBe('1');
  });
});

test('what has ended is forgotten after a while, what is parked is not', async () => {
  const node = await start("await ctx.ask('?'); return 1;");
  const [ended, waiting] = [await node.park(), await node.park()];
  await node.answer(ended.callId, 1);
  await node.run(ended.callId);
  expect(await pruneParked(database, new Date(Date.now() + 60_000))).toBeGreaterThan(0);
  expect(await readParked(database, sealing, { id: ended.callId })).toBeNull();
  expect(await node.row(waiting.callId)).toMatchObject({ state: 'parked' });
});
