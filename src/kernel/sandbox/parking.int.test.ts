// A call that waits for what comes later leaves its host with its journal, and goes on from there by replay.
import { describe, expect, test } from 'vitest';
import type { CallOutcome, CallRequest } from './call.ts';
import type { Journal, JournalRequest } from './journal.ts';
import type { SandboxHost } from './sandbox-host.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

const GRANTED = { isolation: 'call' as const, capabilities: ['state', 'now', 'random', 'sleep', 'ask', 'probe'] as never };

interface Told {
  name: string;
  args: unknown;
}

/** A node that keeps state, answers what it has answers for, and parks the rest. */
function node(answers: Readonly<Record<number, unknown>> = {}) {
  const told: Told[] = [];
  let state = '0';
  const onRequest = async (name: string, args: unknown, seq: number): Promise<string> => {
    told.push({ name, args });
    if (name === 'state.get') return state;
    if (name === 'state.set') state = JSON.stringify(args);
    return Object.hasOwn(answers, seq) ? JSON.stringify(answers[seq]) : 'null';
  };
  const parks = ({ name, seq }: JournalRequest): boolean => (name === 'sleep' || name === 'ask') && !Object.hasOwn(answers, seq);
  return { told, onRequest, parks, write: (json: string) => (state = json) };
}

async function start(body: string): Promise<{ host: SandboxHost; request: (given: Partial<CallRequest>) => CallRequest }> {
  const host = await startTestHost();
  await host.load(loadRequest(moduleOf(body), GRANTED));
  return { host, request: (given) => callRequest({}, { key: 'k', ...given }) };
}

function openOf({ journal }: CallOutcome): number[] {
  const taken = new Set(journal.entries.flatMap((entry) => ('time' in entry ? [entry.seq] : [])));
  return journal.entries.flatMap((entry) => ('name' in entry && entry.name !== 'state.set' && !taken.has(entry.seq) ? [entry.seq] : []));
}

/** As it comes back from a store. */
const stored = (journal: Journal): Journal => JSON.parse(JSON.stringify(journal)) as Journal;

test('a call that only waits for an answer is ended there, with its journal, and gives its place back', async () => {
  const { host, request } = await start(`async handle(input, ctx) {
    const n = (await ctx.state.get()) + 1;
    await ctx.state.set(n);
    const name = await ctx.ask('who?', { schema: { type: 'string' }, timeoutMs: 1000 });
    return { n, name, now: await ctx.state.get() };
  }`);
  const first = node();
  const parked = await host.call(request(first));
  expect(parked).toMatchObject({ ok: false, failure: 'parked', suspect: false, suspects: 0, hadRequests: false });
  expect(first.told.map(({ name }) => name)).toEqual(['state.get', 'state.set']);
  expect(parked.journal.entries.at(-1)).toEqual({
    seq: 3,
    name: 'ask',
    args: { question: 'who?', schema: { type: 'string' }, timeoutMs: 1000 },
  });
  expect(host.stats().calls).toBe(0);

  const second = node({ 3: 'Ada' });
  second.write('70');
  const { outcome, divergence } = await host.replay({ ...request(second), journal: stored(parked.journal) });
  expect(divergence).toBeNull();
  // What it read before comes from its record, what it reads now from what is there now.
  expect(outputOf(outcome)).toEqual({ n: 1, name: 'Ada', now: 70 });
});

test('only the promises that wait are parked: others are answered first, in both lives', async () => {
  const { host, request } = await start(`async handle(input, ctx) {
    const slow = ctx.sleep(5000);
    const probed = [await ctx.probe('a'), await ctx.probe('b')];
    await slow;
    return probed;
  }`);
  const first = node();
  const parked = await host.call(request(first));
  expect(first.told.map(({ name }) => name)).toEqual(['probe', 'probe']);
  expect(openOf(parked)).toEqual([1]);
  const second = node({ 1: null });
  const { outcome } = await host.replay({ ...request(second), journal: stored(parked.journal) });
  expect(outputOf(outcome)).toEqual([null, null]);
  expect(second.told.map(({ name }) => name)).toEqual(['sleep']);
});

describe('several at once', () => {
  const BOTH = `async handle(input, ctx) {
    const order = [];
    const ask = async (name) => { order.push([name, await ctx.ask(name), ctx.random()]); };
    await Promise.all([ask('a'), ask('b'), ask('c')]);
    return order;
  }`;

  test('are answered in any order, and each answer parks the call again', async () => {
    const { host, request } = await start(BOTH);
    let parked = await host.call(request(node()));
    for (const [seq, left] of [
      [2, [1, 3]],
      [3, [1]],
    ] as const) {
      expect(parked).toMatchObject({ failure: 'parked' });
      const again = await host.replay({ ...request(node({ [seq]: `answer ${seq}` })), journal: stored(parked.journal) });
      expect(again.divergence).toBeNull();
      parked = again.outcome;
      expect(openOf(parked)).toEqual(left);
    }
    const { outcome } = await host.replay({ ...request(node({ 1: 'answer 1' })), journal: stored(parked.journal) });
    const order = outputOf(outcome) as [string, string, number][];
    expect(order.map(([name, answer]) => `${name} ${answer}`)).toEqual(['b answer 2', 'c answer 3', 'a answer 1']);
    expect(new Set(order.map(([, , luck]) => luck)).size).toBe(3);
  });

  test('two answers that came meanwhile go in one life', async () => {
    const { host, request } = await start(BOTH);
    const parked = await host.call(request(node()));
    const { outcome } = await host.replay({ ...request(node({ 1: 'x', 3: 'z' })), journal: stored(parked.journal) });
    expect(openOf(outcome)).toEqual([2]);
  });

  test('the first of a race ends the call, the others are forgotten', async () => {
    const { host, request } = await start(`async handle(input, ctx) {
      return Promise.race([ctx.ask('a'), ctx.sleep(9000).then(() => 'late')]);
    }`);
    const parked = await host.call(request(node()));
    expect(openOf(parked)).toEqual([1, 2]);
    const { outcome } = await host.replay({ ...request(node({ 2: null })), journal: stored(parked.journal) });
    expect(outputOf(outcome)).toBe('late');
  });
});

test('a call that parks twenty times is one call: its clock, its luck and its state go on', async () => {
  const { host, request } = await start(`async handle(input, ctx) {
    const seen = [];
    for (let round = 0; round < 20; round += 1) {
      seen.push(ctx.random());
      await ctx.state.set(round);
      await ctx.sleep(1000 * (round + 1));
    }
    return seen;
  }`);
  let outcome = await host.call(request(node()));
  for (let round = 0; round < 20; round += 1) {
    expect(outcome).toMatchObject({ failure: 'parked' });
    const [open] = openOf(outcome);
    const again = await host.replay({ ...request(node({ [open as number]: null })), journal: stored(outcome.journal) });
    expect(again.divergence).toBeNull();
    outcome = again.outcome;
  }
  expect(new Set(outputOf(outcome) as number[]).size).toBe(20);
});

test('what is told before is settled before the call is parked', async () => {
  const { host, request } = await start('async handle(input, ctx) { await ctx.state.set(1); await ctx.sleep(5000); }');
  const refused = { ...node(), onRequest: () => Promise.reject(new Error('too large')) };
  expect(await host.call(request(refused))).toMatchObject({ ok: false, failure: 'threw', error: { message: 'too large' } });
});

test.each(['-1', 'NaN', '"5"', 'undefined'])('ctx.sleep(%s) is refused inside', async (ms) => {
  const { host, request } = await start(`async handle(input, ctx) { await ctx.sleep(${ms}); }`);
  expect(await host.call(request(node()))).toMatchObject({ failure: 'threw', error: { name: 'TypeError' } });
});

test('without anybody who parks, a wait is a request like any other', async () => {
  const { host, request } = await start("async handle(input, ctx) { await ctx.sleep(5000); return ctx.ask('?'); }");
  const { onRequest } = node({ 2: 'now' });
  expect(outputOf(await host.call(request({ onRequest })))).toBe('now');
});
