// Calls that wait for an answer or a time, with the whole program: parked, answered, gone on with, and not lost to kill -9.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentOf, contractOf, createAgents } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

interface Answer<T> {
  data: T;
  code?: string;
  error?: string;
}
interface Invoked {
  call_id: string;
  state?: string;
  data?: { n: number };
  replayed?: boolean;
  open?: { request: number; kind: string; question: string | null; due_at: string | null }[];
}
interface Call {
  call_id: string;
  state: string;
  outcome: string | null;
  output: unknown;
  error: { code: string; message: string } | null;
  open: { request: number; question: string | null }[];
  journal: { entries: unknown[] } | null;
}

const GRANTED = "capabilities: ['state', 'sleep', 'ask', 'log'], isolation: 'call',";
/** Counts, waits, counts again. */
const ASKING = `return go();
    async function go() {
      const count = async (by: number) => { const n = ((await ctx.state.get<number>()) ?? 0) + by; await ctx.state.set(n); return n; };
      await count(input.n);
      const more = await ctx.ask<number>('how many more?', { schema: { type: 'integer' } });
      return { n: await count(more) };
    }`;
const BOTH = `return go();
    async function go() {
      const [a, b] = await Promise.all([ctx.ask<number>('a?'), ctx.ask<number>('b?')]);
      return { n: a * 10 + b };
    }`;
const SLEEPING = `return go();
    async function go() {
      await ctx.state.set(((await ctx.state.get<number>()) ?? 0) + 1);
      await ctx.sleep(input.n);
      return { n: (await ctx.state.get<number>()) ?? 0 };
    }`;
const body = (name: string, code: string) => ({ from: { 'contract.ts': contractOf(name, GRANTED), 'agent.ts': agentOf(code) } });

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
  await createAgents(seed, [body('asking', ASKING), body('both', BOTH), body('sleeping', SLEEPING)]);
});
afterAll(() => seed[Symbol.asyncDispose]());

const invoke = (agent: string, n: number, headers: Readonly<Record<string, string>> = {}, key?: string) =>
  seed.api<Invoked & Answer<unknown>>(
    'POST',
    `/api/agents/${agent}/invoke`,
    { input: { n }, ...(key === undefined ? {} : { key }) },
    headers,
  );
const get = async (agent: string, id: string, query = '') =>
  (await seed.api<Answer<Call>>('GET', `/api/agents/${agent}/calls/${id}${query}`)).body.data;
const answer = (agent: string, id: string, given: object) =>
  seed.api<Answer<{ state: string }>>('POST', `/api/agents/${agent}/calls/${id}/answer`, given);
const ended = (agent: string, id: string) =>
  until(
    () => get(agent, id, '?wait=5s'),
    ({ state }) => state !== 'parked' && state !== 'running',
  );
async function parked(agent: string, n: number, headers?: Readonly<Record<string, string>>, key?: string): Promise<string> {
  const { status, body: told } = await invoke(agent, n, headers, key);
  expect({ status, told }).toMatchObject({ status: 202, told: { state: 'parked' } });
  return told.call_id;
}
async function killNode(): Promise<void> {
  process.kill(seed.nodePid, 'SIGKILL');
  await seed.nodeAgain();
}

test('a call that asks is parked, survives kill -9, and what it counted is counted once', async () => {
  const id = await parked('asking', 5, { 'idempotency-key': 'once' }, 'k1');
  expect(await get('asking', id)).toMatchObject({ state: 'parked', outcome: null, open: [{ request: 3, question: 'how many more?' }] });
  await killNode();
  // What it had counted is there for others, whose turn it is meanwhile.
  expect(await invoke('asking', 100, { 'idempotency-key': 'once' }, 'k1')).toMatchObject({
    status: 409,
    body: { code: 'idempotency_mismatch' },
  });
  expect(await invoke('asking', 5, { 'idempotency-key': 'once' }, 'k1')).toMatchObject({ status: 202, body: { call_id: id } });
  const other = await parked('asking', 20, {}, 'k1');
  expect((await answer('asking', other, { answer: 1 })).status).toBe(200);
  expect(await ended('asking', other)).toMatchObject({ state: 'done', output: { n: 26 } });

  expect(await answer('asking', id, { answer: 'many' })).toMatchObject({ status: 422, body: { code: 'invalid_input' } });
  const [first, second] = await Promise.all([answer('asking', id, { answer: 7 }), answer('asking', id, { answer: 7 })]);
  expect(new Set([first.status, second.status])).toEqual(new Set([200, 409]));
  await killNode();
  expect(await ended('asking', id)).toMatchObject({ state: 'done', outcome: 'ok', output: { n: 33 } });
  expect(await invoke('asking', 5, { 'idempotency-key': 'once' }, 'k1')).toMatchObject({
    status: 200,
    body: { data: { n: 33 }, replayed: true },
  });
  expect(await answer('asking', id, { answer: 7 })).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
}, 120_000);

describe('several questions', () => {
  test('are answered by number, in any order', async () => {
    const id = await parked('both', 0);
    expect(await answer('both', id, { answer: 1 })).toMatchObject({ status: 422, body: { error: expect.stringContaining('one of 1, 2') } });
    expect((await answer('both', id, { answer: 4, request: 2 })).status).toBe(200);
    expect((await answer('both', id, { answer: 3, request: 1 })).status).toBe(200);
    expect(await ended('both', id)).toMatchObject({ state: 'done', output: { n: 34 } });
  });
});

test('a sleep is over at its time, whatever became of the node meanwhile', async () => {
  const id = await parked('sleeping', 3_000, {}, 'k1');
  await killNode();
  expect(await ended('sleeping', id)).toMatchObject({ state: 'done', output: { n: 1 } });
  // A short one is waited for.
  expect(await invoke('sleeping', 20, {}, 'k2')).toMatchObject({ status: 200, body: { data: { n: 1 } } });
}, 120_000);

test('many at once on one key, and a node that is killed in the middle: each counts once before it waits and once after', async () => {
  const ids = await Promise.all(Array.from({ length: 16 }, () => parked('asking', 1, {}, 'many')));
  const answers = ids.map((id) => answer('asking', id, { answer: 1 }));
  // Some have been taken up by then, some answered, and some not even that.
  await Promise.race(answers.map((answered) => answered.catch(() => undefined)));
  await killNode();
  await Promise.allSettled(answers);
  for (const id of ids) await answer('asking', id, { answer: 1 });
  const all = await Promise.all(ids.map((id) => ended('asking', id)));
  expect(all.map(({ state }) => state)).toEqual(ids.map(() => 'done'));
  expect(Math.max(...all.map(({ output }) => (output as { n: number }).n))).toBe(32);
}, 120_000);

test('a cancelled call never goes on, and is listed as such', async () => {
  const id = await parked('asking', 1, {}, 'k2');
  const listed = await seed.api<Answer<Call[]>>('GET', '/api/agents/asking/calls?state=parked');
  expect(listed.body.data).toMatchObject([{ call_id: id, state: 'parked', outcome: null }]);
  expect((await seed.api('POST', `/api/agents/asking/calls/${id}/cancel`, { reason: 'enough' })).status).toBe(200);
  expect(await answer('asking', id, { answer: 1 })).toMatchObject({ status: 409 });
  expect(await get('asking', id)).toMatchObject({ state: 'cancelled', outcome: 'cancelled', error: { message: 'enough' }, open: [] });
  expect(await seed.api('POST', `/api/agents/asking/calls/${id}/cancel`, {})).toMatchObject({ status: 409 });
});

test('nothing that was asked or answered stands in the database, and an unknown call is none', async () => {
  const missing = '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01';
  expect(await answer('asking', missing, { answer: 1 })).toMatchObject({ status: 404 });
  const id = await parked('both', 0);
  const sql = `SELECT * FROM parked_calls WHERE id = '${id}'`;
  const { body: rows } = await seed.api('POST', '/api/database/query', { sql }, { 'x-confirm': 'database:query' });
  expect(JSON.stringify(rows)).toContain(id);
  expect(JSON.stringify(rows)).not.toContain('a?');
});
