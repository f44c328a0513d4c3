// ctx.call between agents in real isolates: what the callee sees, what comes back, and what can not be.
import { expect, test, vi } from 'vitest';
import { replayCall } from '../call-replay.ts';
import { startAgents, type AgentBench, type GivenAgent } from './agents.fixture.ts';
import { callCapability } from './call.ts';

/** Does what its input says: `{ call: [agent, input, options] }`, or gives back what it sees. */
const FOLLOWER = `async handle(input, ctx) {
  if (input?.throws) throw new RangeError(input.throws);
  if (input?.never) await new Promise(() => {});
  if (input?.add) { const sum = ((await ctx.state.get()) ?? 0) + input.add; await ctx.state.set(sum); return sum; }
  if (!input?.call) return { key: ctx.key, principal: ctx.principal, input };
  try { return { answer: await ctx.call(...input.call) }; }
  catch (error) { return { code: error.code, message: error.message }; }
}`;

function follower(agents: readonly string[], given: Partial<GivenAgent> & { state?: boolean; call?: object } = {}): GivenAgent {
  const { state = false, call, ...rest } = given;
  return { body: FOLLOWER, capabilities: ['call', ...(state ? ['state'] : [])], grants: { call: { agents, ...call } }, ...rest };
}

function start(agents: Readonly<Record<string, GivenAgent>>): Promise<AgentBench> {
  return startAgents(agents, {
    capabilities: (runtime) => [callCapability({ invoke: (request) => runtime().invoke(request), monotonicMs: () => performance.now() })],
  });
}

test('an agent calls another, which sees it as its principal; both are recorded and the use is written down', async () => {
  const bench = await start({ a: follower(['b']), b: { ...follower([]), capabilities: [], grants: {} } });
  expect(await bench.call('a', { call: ['b', { x: 1 }] })).toEqual({
    answer: { key: null, principal: { kind: 'agent', id: 'a' }, input: { x: 1 } },
  });
  const [callee, caller] = bench.records;
  expect(callee).toMatchObject({ agent: 'b', principalKind: 'agent', principalId: 'a' });
  expect(caller).toMatchObject({
    agent: 'a',
    principalId: 'u1',
    journal: { entries: [{ name: 'call', args: ['b', { x: 1 }, null] }, { seq: 1 }] },
  });
  expect(bench.uses).toMatchObject([
    { agent: 'a', capability: 'call', target: 'b', outcome: 'ok', callId: caller?.id, detail: `call ${callee?.id}` },
  ]);
  const [host] = bench.hosts;
  const version = bench.runtime.worker('a').live;
  if (host === undefined || caller === undefined || version === null) throw new Error('nothing was recorded');
  const before = bench.records.length;
  expect(
    await replayCall(caller, {
      host: { load: async () => ({ calls: [], functions: [] }), unload: async () => undefined, replay: (request) => host.replay(request) },
      version,
    }),
  ).toMatchObject({ verdict: 'same' });
  expect(bench.records.length).toBe(before);
});

test('errors of the callee come back with their code, and what is not granted is refused', async () => {
  const bench = await start({
    a: follower(['b', 'gone']),
    b: follower([], { capabilities: [], grants: {}, limits: { deadlineMs: 50 } }),
  });
  const ask = (...call: unknown[]): Promise<unknown> => bench.call('a', { call });
  expect(await ask('b', { throws: 'too much' })).toEqual({ code: 'agent_error', message: 'ctx.call: b: RangeError: too much' });
  expect(await ask('b', { never: true })).toMatchObject({ code: 'deadline' });
  expect(await ask('gone', 1)).toMatchObject({ code: 'not_found' });
  expect(await ask('a', 1)).toMatchObject({ code: 'forbidden', message: expect.stringContaining('does not grant the agent "a"') });
  expect(await ask('bb', 1)).toMatchObject({ code: 'forbidden', message: expect.stringContaining('did you mean b?') });
  expect(await ask('b', 1, { export: 'nothing' })).toMatchObject({ code: 'not_found' });
  expect(await ask('b', 1, { key: 'k' })).toMatchObject({ code: 'invalid_input' });
  expect(await ask('b', 1, { hash: 'x' })).toMatchObject({ code: 'invalid_input' });
  expect(await ask(null, 1)).toMatchObject({ code: 'invalid_input' });
  expect(await ask()).toMatchObject({ code: 'invalid_input' });
});

test('calls below one another end at the eighth', async () => {
  const deeper = `async handle(input, ctx) { return ctx.call('a', input + 1).then((n) => n, (error) => [input, error.code]); }`;
  const bench = await start({ a: follower(['a'], { body: deeper }) });
  expect(await bench.call('a', 1)).toEqual([8, 'invalid_state']);
  expect(bench.records.length).toBe(8);
});

test('an instance that would wait for itself is told at once, with the way that leads there', async () => {
  const bench = await start({ a: follower(['a', 'b'], { state: true }), b: follower(['a'], { state: true }) });
  expect(await bench.call('a', { call: ['a', 1, { key: 'k' }] }, { key: 'k' })).toMatchObject({
    code: 'invalid_state',
    message: 'ctx.call: a: a "k" would wait for itself: a "k" → a "k"',
  });
  const round = { call: ['b', { call: ['a', 1, { key: 'k' }] }, { key: 'x' }] };
  expect(await bench.call('a', round, { key: 'k' })).toMatchObject({
    answer: { code: 'invalid_state', message: expect.stringContaining('a "k" → b "x" → a "k"') },
  });
  expect(await bench.call('a', round, { key: 'other' })).toMatchObject({ answer: { answer: { input: 1 } } });
});

test('two calls that hold what the other wants: one is told, the other goes on', async () => {
  const meeting = `async handle(input, ctx) {
    if (!input?.first) return 'there';
    await ctx.call('gate', null);
    try { return await ctx.call(...input.next); } catch (error) { return error.code; }
  }`;
  const both = Promise.withResolvers<void>();
  let waiting = 0;
  const bench = await startAgents(
    {
      a: follower(['gate', 'b'], { body: meeting, state: true }),
      b: follower(['gate', 'a'], { body: meeting, state: true }),
      gate: { body: 'handle(input) { return 0; }' },
    },
    {
      capabilities: (runtime) => [
        callCapability({
          invoke: async (request) => {
            // Both have their turn before either asks for the other's.
            if (request.agent === 'gate' && (waiting += 1) === 2) both.resolve();
            if (request.agent === 'gate') await both.promise;
            return runtime().invoke(request);
          },
          monotonicMs: () => performance.now(),
        }),
      ],
    },
  );
  const answers = await Promise.all([
    bench.call('a', { first: true, next: ['b', null, { key: '2' }] }, { key: '1' }),
    bench.call('b', { first: true, next: ['a', null, { key: '1' }] }, { key: '2' }),
  ]);
  expect(answers.toSorted()).toEqual(['invalid_state', 'there']);
});

test('the time of the caller is the time of all below it, in the queue too', async () => {
  const bench = await start({
    a: follower(['b', 'c'], { call: { timeoutMs: 200 } }),
    b: follower(['c'], { call: { timeoutMs: 60_000 } }),
    c: follower([], { state: true, capabilities: ['state'], grants: {} }),
  });
  expect(await bench.call('a', { call: ['b', { call: ['c', { never: true }] }] })).toMatchObject({
    code: 'deadline',
    message: expect.stringContaining('no answer from b within 200 ms'),
  });
  // What was below it has ended with it, so that the instance is free.
  expect(await bench.call('c', { add: 1 })).toBe(1);
  const holder = new AbortController();
  const held = bench.call('c', { never: true }, { signal: () => holder.signal }).catch(() => null);
  expect(await bench.call('a', { call: ['c', { add: 5 }] })).toMatchObject({ code: 'deadline' });
  holder.abort();
  await held;
  // It gave up before its turn came, and was not run for nobody.
  expect(await bench.call('c', { add: 1 })).toBe(2);
});

test('who goes away takes the calls below along', async () => {
  const bench = await start({ a: follower(['b']), b: follower([], { capabilities: [], grants: {} }) });
  const caller = new AbortController();
  const call = bench.call('a', { call: ['b', { never: true }] }, { signal: () => caller.signal });
  await vi.waitFor(async () => expect(await bench.runtime.worker('b').inFlight()).toBe(1), { timeout: 10_000 });
  caller.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  await vi.waitFor(async () => expect(await bench.runtime.worker('b').inFlight()).toBe(0), { timeout: 10_000 });
  expect(bench.records.map(({ agent, error }) => [agent, error?.code])).toEqual(
    expect.arrayContaining([
      ['a', 'cancelled'],
      ['b', 'cancelled'],
    ]),
  );
});

test('the same idempotency key runs the callee once, and is nobody else’s', async () => {
  const bench = await start({
    a: follower(['c']),
    b: follower(['c']),
    c: follower([], { state: true, capabilities: ['state'], grants: {} }),
  });
  const add = (agent: string, key: string): Promise<unknown> => bench.call(agent, { call: ['c', { add: 1 }, { idempotencyKey: key }] });
  expect(await add('a', 'x')).toEqual({ answer: 1 });
  expect(await add('a', 'x')).toEqual({ answer: 1 });
  expect(await add('b', 'x')).toEqual({ answer: 2 });
  expect(await bench.call('c', { add: 1 }, { idempotencyKey: 'x' })).toBe(3);
  expect(await bench.call('a', { call: ['c', { add: 7 }, { idempotencyKey: 'x' }] })).toMatchObject({ code: 'idempotency_mismatch' });
});

test('what a callee keeps out of its record is not in that of its caller', async () => {
  const secret = { type: 'object', properties: { pin: { type: 'string', secret: true } } };
  const bench = await start({
    a: follower(['vault']),
    vault: { body: 'handle(input) { return { pin: input.pin + "-9" }; }', input: secret, output: secret },
  });
  expect(await bench.call('a', { call: ['vault', { pin: '1234' }] })).toEqual({ answer: { pin: '1234-9' } });
  const caller = bench.records.find(({ agent }) => agent === 'a');
  expect(caller).toMatchObject({ redacted: true, journal: null });
  expect(JSON.stringify(bench.uses)).not.toContain('1234');
});
