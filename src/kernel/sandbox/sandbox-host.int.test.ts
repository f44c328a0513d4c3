import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { CallPath, CallRequest } from './call.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

const PATHS: CallPath[] = ['sync', 'async'];

describe.each(PATHS)('a call on the %s path', (path) => {
  test('gives its output, its logs and what it used', async () => {
    const host = await startTestHost();
    const js = moduleOf(`
      handle(input, ctx) { ctx.log.info('seen', { n: input.n }); console.warn('also', { a: 1 }); return { n: input.n + 1 }; },
      async later(input) { await null; return [input, 'later']; },
      nothing() {}`);
    expect(await host.load(loadRequest(js))).toEqual({ calls: ['handle', 'later', 'nothing'], functions: [] });
    const outcome = await host.call(callRequest({ n: 1 }, { path }));
    expect(outcome).toMatchObject({
      ok: true,
      outputJson: '{"n":2}',
      path,
      logs: [
        { level: 'info', message: 'seen', fields: { n: 1 } },
        { level: 'warn', message: 'also {"a":1}' },
      ],
      journal: { journal: 1, time: callRequest(0).timeMs, seed: 7, entries: [] },
    });
    expect(outcome.stats.cpuUs).toBeGreaterThan(0);
    expect(outputOf(await host.call(callRequest('x', { path, exportName: 'later' })))).toEqual(['x', 'later']);
    expect(outputOf(await host.call(callRequest(0, { path, exportName: 'nothing' })))).toBeNull();
  });

  test('has only what its contract grants in ctx', async () => {
    const host = await startTestHost();
    const js = moduleOf(
      `handle(input, ctx) { return [Object.keys(ctx), ctx.agent, ctx.key, ctx.principal.id, Object.isFrozen(ctx.principal)]; }`,
    );
    await host.load(loadRequest(js, { capabilities: ['now'], agent: 'packer' }));
    expect(outputOf(await host.call(callRequest(0, { path, key: 'k1' })))).toEqual([
      ['agent', 'key', 'principal', 'now'],
      'packer',
      'k1',
      'u1',
      true,
    ]);
  });

  test('asks for its state once, sees what it has set, and journals both', async () => {
    const host = await startTestHost({ now: () => 50 });
    const js = moduleOf(`async handle(input, ctx) {
      const [first, again] = await Promise.all([ctx.state.get(), ctx.state.get()]);
      first.n += 1;
      await ctx.state.set(first);
      return [await ctx.state.get(), again, ctx.now()];
    }`);
    await host.load(loadRequest(js));
    const onRequest = vi.fn<CallRequest['onRequest']>(() => Promise.resolve('{\n"n": 41}'));
    const outcome = await host.call(callRequest(0, { path, timeMs: 10, onRequest }));
    expect(outputOf(outcome)).toEqual([{ n: 42 }, { n: 41 }, 50]);
    expect(onRequest.mock.calls).toEqual([
      ['state.get', null, 1],
      ['state.set', { n: 42 }, 2],
    ]);
    expect(outcome.journal).toEqual({
      journal: 1,
      time: 10,
      seed: 7,
      entries: [
        { seq: 1, name: 'state.get', args: null },
        { seq: 1, time: 50, value: { n: 41 } },
        { seq: 2, name: 'state.set', args: { n: 42 } },
      ],
    });
  });

  test('sees a refused capability as an error it can catch', async () => {
    const host = await startTestHost();
    const js = moduleOf(
      `async handle(input, ctx) { try { await ctx.state.get(); } catch (error) { return [error.name, error.message, error.code]; } }`,
    );
    await host.load(loadRequest(js));
    const onRequest = () => Promise.reject(Object.assign(new Error('no'), { name: 'SeedError', code: 'forbidden' }));
    const outcome = await host.call(callRequest(0, { path, onRequest }));
    expect(outputOf(outcome)).toEqual(['SeedError', 'no', 'forbidden']);
    expect(outcome.journal.entries[1]).toEqual({
      seq: 1,
      time: expect.any(Number),
      error: { name: 'SeedError', message: 'no', code: 'forbidden' },
    });
  });

  test('whose state can not be kept has failed', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf(`async handle(input, ctx) { await ctx.state.set({ a: 1 }); return 'fine'; }`)));
    const onRequest = () => Promise.reject(new Error('the state has too many bytes'));
    expect(await host.call(callRequest(0, { path, onRequest }))).toMatchObject({
      ok: false,
      failure: 'threw',
      error: { message: 'the state has too many bytes' },
    });
  });

  test('that throws says where, in positions of the built script', async () => {
    const host = await startTestHost();
    await host.load(
      loadRequest(moduleOf(`handle(input) { throw new RangeError('too ' + input); }, reject: async () => { throw 'text'; }`)),
    );
    const outcome = await host.call(callRequest('big', { path }));
    expect(outcome).toMatchObject({
      ok: false,
      failure: 'threw',
      suspect: true,
      suspects: 1,
      hadRequests: false,
      error: { name: 'RangeError', message: 'too big' },
    });
    expect(!outcome.ok && outcome.error.stack).toMatch(/at Object\.handle \(agent\.js:2:\d+\)/);
    expect(!outcome.ok && outcome.error.stack).not.toContain('seed:guest');
    expect(await host.call(callRequest(0, { path, exportName: 'reject' }))).toMatchObject({
      failure: 'threw',
      error: { name: 'Error', message: 'text' },
    });
    expect(await host.call(callRequest(0, { path, exportName: 'missing' }))).toMatchObject({
      failure: 'threw',
      error: { message: 'the default export has no function missing' },
    });
  });

  test.each([
    ['1n', 'unserialisable'],
    ['() => 1', 'unserialisable'],
    ['Symbol()', 'unserialisable'],
    ['(() => { const a = {}; a.a = a; return a; })()', 'unserialisable'],
    ['{ toJSON() { throw new Error("no"); } }', 'unserialisable'],
    ['(function* () { yield 1; })()', 'unserialisable'],
    ['"x".repeat(2_000_000)', 'output_limit'],
    ['"é".repeat(600_000)', 'output_limit'],
  ])('that answers %s is refused as %s', async (value, failure) => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf(`handle() { return ${value}; }`)));
    expect(await host.call(callRequest(0, { path }))).toMatchObject({ ok: false, failure, suspect: true });
  });

  test('can be cancelled while it waits, and its answer no longer matters', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf(`async handle(input, ctx) { return ctx.state.get(); }, ok: () => 1`)));
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    const call = host.call(callRequest(0, { path, signal: controller.signal, onRequest: () => (asked.resolve(), answer.promise) }));
    await asked.promise;
    controller.abort();
    expect(await call).toMatchObject({ ok: false, failure: 'cancelled', suspect: false });
    answer.resolve('1');
    expect(outputOf(await host.call(callRequest(0, { path, exportName: 'ok' })))).toBe(1);
    expect(host.stats().calls).toBe(0);
    expect(await host.call(callRequest(0, { path, signal: AbortSignal.abort() }))).toMatchObject({ failure: 'cancelled' });
  });

  test('goes on after a rejection nobody handles, and its log says so', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf(`handle() { void Promise.reject(new Error('forgotten')); return 5; }`)));
    const outcome = await host.call(callRequest(0, { path }));
    expect(outputOf(outcome)).toBe(5);
    expect(outcome.logs).toEqual([{ level: 'error', message: 'unhandled rejection: forgotten' }]);
  });
});

test('isolation: version shares variables, key shares them within a key, call with nobody', async () => {
  const host = await startTestHost();
  const js = moduleOf('handle() { count += 1; return count; }', 'let count = 0;');
  for (const isolation of ['version', 'key', 'call'] as const) await host.load(loadRequest(js, { hash: isolation, isolation }));
  const counts = async (hash: string, path: CallPath): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for (const key of ['a', 'b', 'a', null]) seen.push(outputOf(await host.call(callRequest(0, { hash, key, path }))));
    return seen;
  };
  expect(await counts('version', 'sync')).toEqual([1, 2, 3, 4]);
  expect(await counts('version', 'async')).toEqual([5, 6, 7, 8]);
  expect(await counts('key', 'async')).toEqual([1, 1, 2, 1]);
  expect(await counts('key', 'sync')).toEqual([3, 2, 4, 2]);
  expect(await counts('call', 'sync')).toEqual([1, 1, 1, 1]);
  expect(await counts('call', 'async')).toEqual([1, 1, 1, 1]);
});

test('isolation key keeps a bounded number of contexts', async () => {
  const host = await startTestHost();
  const js = moduleOf('handle() { count += 1; return count; }', 'let count = 0;');
  await host.load(loadRequest(js, { isolation: 'key' }));
  for (let key = 0; key < 40; key += 1) expect(outputOf(await host.call(callRequest(0, { key: `k${key}` })))).toBe(1);
  expect(outputOf(await host.call(callRequest(0, { key: 'k39' })))).toBe(2);
  // The oldest was let go.
  expect(outputOf(await host.call(callRequest(0, { key: 'k0' })))).toBe(1);
});

test('many calls at once on both paths all find their own answer', async () => {
  const host = await startTestHost();
  const js = moduleOf(
    'async handle(input, ctx) { const state = await ctx.state.get(); return [input, state, ctx.key]; }, quick: (input) => input',
  );
  await host.load(loadRequest(js));
  await host.load(loadRequest(js, { hash: 'v2', isolation: 'call' }));
  const calls = Array.from({ length: 300 }, async (_, n) => {
    const path = n % 2 === 0 ? 'sync' : 'async';
    if (n % 3 === 0) return expect(outputOf(await host.call(callRequest(n, { path, exportName: 'quick' })))).toBe(n);
    const onRequest = () => sleep(n % 7).then(() => String(n * 2));
    const outcome = await host.call(callRequest(n, { path, key: `k${n}`, hash: n % 10 === 1 ? 'v2' : 'v1', onRequest }));
    return expect(outputOf(outcome)).toEqual([n, n * 2, `k${n}`]);
  });
  await Promise.all(calls);
  expect(host.stats()).toMatchObject({ calls: 0, versions: 2 });
});

test('large inputs and outputs pass, with every kind of character', async () => {
  const host = await startTestHost();
  await host.load(loadRequest(moduleOf('handle: (input) => input'), {}));
  const text = '\t\n\r\u2028é漢😀"\\'.repeat(20_000);
  for (const path of PATHS) expect(outputOf(await host.call(callRequest({ text }, { path })))).toEqual({ text });
});

test('a synchronous call that is too slow for it is run again on the asynchronous path', async () => {
  const host = await startTestHost();
  const js = moduleOf('handle() { let n = 0; for (let i = 0; i < 6e8; i += 1) n = (n * 31 + i) | 0; return n !== 0.5; }');
  await host.load(loadRequest(js, { limits: { cpuMs: 5_000, deadlineMs: 20_000 } }));
  const outcome = await host.call(callRequest(0, { path: 'sync' }));
  expect(outputOf(outcome)).toBe(true);
  expect(outcome.path).toBe('async');
});

test('a backlog of synchronous calls lets the host answer in between', async () => {
  const host = await startTestHost();
  const js = moduleOf('handle(input) { let n = 0; for (let i = 0; i < 1.5e7; i += 1) n = (n * 31 + i) | 0; return input; }');
  await host.load(loadRequest(js, { limits: { cpuMs: 5_000, deadlineMs: 60_000 } }));
  const paths: CallPath[] = ['async', ...Array.from({ length: 60 }, () => 'sync' as const)];
  const outcomes = await Promise.all(paths.map((path, n) => host.call(callRequest(n, { path }))));
  expect(outcomes.map(outputOf)).toEqual(paths.map((_, n) => n));
});

test('a version that is unloaded while it loads again takes its calls along as innocent', async () => {
  const host = await startTestHost();
  await host.load(loadRequest(moduleOf('handle: (input) => input, loop() { for (;;); }'), {}));
  expect(await host.call(callRequest(0, { exportName: 'loop' }))).toMatchObject({ failure: 'cpu_limit' });
  const call = host.call(callRequest(1));
  await host.unload('v1');
  const outcome = await call;
  if (!outcome.ok) expect(outcome).toMatchObject({ failure: 'host_lost', suspect: false });
});

describe('loading', () => {
  test.each([
    ['var __seed_module = (() => { return { default: { handle( } }; })();', 'agent_error', /SyntaxError.*agent\.js/],
    ['throw new TypeError("at the top")', 'agent_error', /TypeError: at the top/],
    // On a machine that gives it no second of processor time within five, its wall clock ends it.
    ['for (;;);', expect.toBeOneOf(['cpu_limit', 'deadline']), /cpu_limit|deadline/],
    ['const all = []; for (;;) all.push(new Array(1000).fill(all));', 'memory_limit', /memory|grew/],
  ])('refuses %j as %s', async (js, code, message) => {
    const host = await startTestHost();
    await expect(host.load(loadRequest(js))).rejects.toMatchObject({ name: 'SeedError', code, message: expect.stringMatching(message) });
  });

  test.each([
    ['a top level that takes its time', 'let sum = 0; for (let i = 0; i < 3e7; i += 1) sum += i % 7; globalThis.sum = sum;'],
    ['a large module', `const text = ${JSON.stringify('x'.repeat(100_000))};`],
  ])('takes %s', async (_name, top) => {
    const host = await startTestHost();
    await host.load(loadRequest(`${top} ${moduleOf('handle: (input) => input')}`));
    expect(await host.call(callRequest(1))).toMatchObject({ ok: true });
  });

  test('a version that is not there, or no longer, answers nobody', async () => {
    const host = await startTestHost();
    expect(await host.call(callRequest(0))).toMatchObject({ failure: 'host_lost', suspect: false });
    await host.load(loadRequest(moduleOf('async handle(input, ctx) { return ctx.state.get(); }')));
    const asked = Promise.withResolvers<void>();
    const call = host.call(callRequest(0, { onRequest: () => (asked.resolve(), new Promise(() => {})) }));
    await asked.promise;
    await host.unload('v1');
    expect(await call).toMatchObject({ failure: 'host_lost', suspects: 0 });
    await vi.waitFor(() => expect(host.stats().isolates).toBe(0), { timeout: 5_000 });
  });

  test('the same version again answers at once, and what it offers is known', async () => {
    const host = await startTestHost();
    const js = 'var __seed_module = (() => ({ default: { handle: () => 1, n: 5 }, priority: () => 2, text: "x" }))();';
    expect(await host.load(loadRequest(js))).toEqual({ calls: ['handle'], functions: ['priority'] });
    expect(await host.load(loadRequest(js))).toEqual({ calls: ['handle'], functions: ['priority'] });
    await vi.waitFor(() => expect(host.stats()).toMatchObject({ isolates: 1, versions: 1 }), { timeout: 5_000 });
  });
});

describe('a bundle for one of its values', () => {
  test("gives a value, a function's answer, or a promise's", async () => {
    const host = await startTestHost();
    const js = 'var __seed_module = { value: { a: [1] }, make: () => ({ b: new URL("http://x/y").host }), later: async () => 3 };';
    const limits = { deadlineMs: 2_000, memoryMb: 64 };
    expect(await host.evaluateScript({ js, entry: 'value', ...limits })).toBe('{"a":[1]}');
    expect(await host.evaluateScript({ js, entry: 'make', ...limits })).toBe('{"b":"x"}');
    expect(await host.evaluateScript({ js, entry: 'later', ...limits })).toBe('3');
    await vi.waitFor(() => expect(host.stats().isolates).toBe(0), { timeout: 5_000 });
  });

  test.each([
    ['make: () => { throw new Error("bad contract"); }', 'agent_error', /bad contract/],
    ['make: () => { for (;;); }', 'deadline', /no value after 200 ms/],
    ['make: () => new Promise(() => {})', 'deadline', /nothing settles/],
    ['make: () => () => 1', 'agent_error', /not JSON/],
  ])('that is %s is refused as %s', async (body, code, message) => {
    const host = await startTestHost();
    const request = { js: `var __seed_module = { ${body} };`, entry: 'make', deadlineMs: 200, memoryMb: 32 };
    await expect(host.evaluateScript(request)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
