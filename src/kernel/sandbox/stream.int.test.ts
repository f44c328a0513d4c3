// Streams: a handler that is an async generator, pulled by a real host only as far as its reader has room.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CallRequest, StreamReader } from './call.ts';
import type { Journal } from './journal.ts';
import { SandboxHost } from './sandbox-host.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

const PATHS = ['sync', 'async'] as const;
const MB = 1_048_576;
const WAIT = { timeout: 20_000, interval: 10 };

/** Takes chunks when it is told to, and until then lets them wait. */
function pausedReader(): StreamReader & { chunks: string[]; takeAll: () => void; leave: () => void; signal: AbortSignal } {
  const leaving = new AbortController();
  let waiting: (() => void)[] = [];
  let isOpen = false;
  const chunks: string[] = [];
  return {
    chunks,
    signal: leaving.signal,
    begin: () => leaving.signal,
    chunk(json) {
      chunks.push(json);
      return isOpen ? undefined : new Promise((resolve) => waiting.push(resolve));
    },
    takeAll() {
      isOpen = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    leave: () => leaving.abort(),
  };
}

async function hostWith(body: string, given: Parameters<typeof loadRequest>[1] = {}): Promise<SandboxHost> {
  const host = await startTestHost({ now: () => 50 });
  // Limits that a busy machine does not reach, where they are not what is tested.
  const limits = { cpuMs: 10_000, deadlineMs: 30_000, ...given.limits };
  await host.load(loadRequest(moduleOf(body, 'let pulled = 0, ended = 0; const log = [];'), { ...given, limits }));
  return host;
}

const seen = async (host: SandboxHost, exportName = 'seen'): Promise<unknown> => outputOf(await host.call(callRequest(0, { exportName })));

describe.each(PATHS)('begun on the %s path', (path) => {
  test('the chunks are collected where nobody reads them, and what is returned is not one of them', async () => {
    const host = await hostWith(`
      async *handle(n) { for (let i = 0; i < n; i += 1) yield { i }; return 'ignored'; },
      async later() { await null; return (async function* () { yield 1; })(); },
      object: () => ({ [Symbol.asyncIterator]: () => { let n = 0; return { next: async () => ({ done: n === 2, value: n++ }) }; } })`);
    const outcome = await host.call(callRequest(3, { path }));
    expect(outcome).toMatchObject({ ok: true, streamed: true, path: 'async', outputJson: '[{"i":0},{"i":1},{"i":2}]' });
    expect(outputOf(await host.call(callRequest(0, { path })))).toEqual([]);
    expect(outputOf(await host.call(callRequest(200, { path })))).toHaveLength(200);
    expect(outputOf(await host.call(callRequest(0, { path, exportName: 'later' })))).toEqual([1]);
    expect(outputOf(await host.call(callRequest(0, { path, exportName: 'object' })))).toEqual([0, 1]);
    expect(await host.call(callRequest(0, { path, exportName: 'later', inputJson: '0' }))).toMatchObject({ streamed: true });
  });

  test('a reader has them in their order while it runs, and the same with capabilities between them', async () => {
    const host = await hostWith(`async *handle(input, ctx) {
      const state = await ctx.state.get();
      yield ctx.now();
      ctx.log.info('between');
      await ctx.state.set({ n: state.n + 1 });
      yield await ctx.state.get();
      yield ctx.random() < 1;
    }`);
    const chunks: string[] = [];
    const onRequest = vi.fn<CallRequest['onRequest']>(async () => '{"n":1}');
    const begin = vi.fn<StreamReader['begin']>();
    const stream = { begin, chunk: (json: string) => void chunks.push(json) };
    const outcome = await host.call(callRequest(0, { path, timeMs: 10, onRequest, stream }));
    expect(chunks).toEqual(['50', '{"n":2}', 'true']);
    expect(begin).toHaveBeenCalledOnce();
    expect(outcome).toMatchObject({ ok: true, streamed: true, outputJson: '', logs: [{ message: 'between' }] });
    expect(outcome.journal.entries).toEqual([
      { room: { chunks: 64, chars: 131_072 } },
      { seq: 1, name: 'state.get', args: null },
      { seq: 1, time: 50, value: { n: 1 } },
      { chunks: 1 },
      { seq: 2, name: 'state.set', args: { n: 2 } },
      { chunks: 2 },
    ]);
  });
});

test('an endless generator stands still while nobody reads, and goes on when somebody does', async () => {
  const host = await hostWith(`async *handle() { for (;;) yield { n: pulled++, more: 'x'.repeat(50) }; }, seen: () => pulled`, {
    limits: { deadlineMs: 1_000, outputBytes: 200_000 },
  });
  const reader = pausedReader();
  const outcome = host.call(callRequest(0, { stream: reader }));
  await vi.waitFor(() => expect(reader.chunks).toHaveLength(64), WAIT);
  // It costs nobody anything, and its host is not taken for one that has work and says nothing: well over its deadline.
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  expect(reader.chunks).toHaveLength(64);
  expect(await seen(host)).toBeLessThanOrEqual(65);
  reader.takeAll();
  await vi.waitFor(() => expect(reader.chunks.length).toBeGreaterThan(1_000), WAIT);
  expect(await outcome).toMatchObject({ ok: false, failure: 'output_limit', error: { message: expect.stringContaining('in all') } });
  expect(host.stats().calls).toBe(0);
});

test('large chunks are held back by their size', async () => {
  const host = await hostWith(
    `async *handle() { for (let i = 0; i < 20; i += 1) { pulled += 1; yield 'x'.repeat(200000); } }, seen: () => pulled`,
    {
      limits: { outputBytes: 4 * MB },
    },
  );
  const reader = pausedReader();
  const outcome = host.call(callRequest(0, { stream: reader }));
  await vi.waitFor(() => expect(reader.chunks).toHaveLength(1), WAIT);
  expect(await seen(host)).toBe(1);
  reader.takeAll();
  expect(await outcome).toMatchObject({ ok: true });
  expect(reader.chunks).toHaveLength(20);
});

describe('a reader that goes', () => {
  const BODY = `
    async *handle(how, ctx) {
      try { for (;;) yield pulled++; }
      finally {
        ended += 1;
        if (how === 'throws') throw new Error('in finally');
        if (how === 'yields') for (;;) yield 'after return';
        if (how === 'waits') await new Promise(() => {});
        if (how === 'loops') for (;;);
        if (how === 'asks') log.push(await ctx.state.get());
      }
    },
    async *stuck() { try { yield 0; await new Promise(() => {}); } finally { ended += 1; } },
    seen: () => ({ ended, log })`;
  test.each([
    ['plain', { failure: 'cancelled', logs: [] }, { ended: 1, log: [] }],
    ['throws', { failure: 'cancelled', logs: [{ level: 'error', message: expect.stringContaining('in finally') }] }, { ended: 1, log: [] }],
    ['yields', { failure: 'cancelled' }, { ended: 1, log: [] }],
    ['waits', { failure: 'cancelled' }, { ended: 1, log: [] }],
    ['asks', { failure: 'cancelled' }, { ended: 1, log: [{ n: 1 }] }],
    // What it does with its isolate is its own, unless a busy machine did not give it its processor time before it was given up.
    ['loops', { failure: expect.stringMatching(/^(cpu_limit|cancelled)$/) }, { ended: 0, log: [] }],
  ])('its generator is told to return: %s', async (how, expected, after) => {
    const host = await hostWith(BODY, how === 'loops' ? { limits: { cpuMs: 100 } } : {});
    const reader = pausedReader();
    const outcome = host.call(callRequest(how, { stream: reader, onRequest: async () => '{"n":1}' }));
    await vi.waitFor(() => expect(reader.chunks).toHaveLength(64), WAIT);
    reader.leave();
    expect(await outcome).toMatchObject({ ok: false, ...expected });
    expect(await seen(host)).toEqual(after);
    expect(host.stats().calls).toBe(0);
  });

  test('one that waits for what never comes is ended without it', async () => {
    const host = await hostWith(BODY);
    const reader = pausedReader();
    reader.takeAll();
    const outcome = host.call(callRequest(0, { stream: reader, exportName: 'stuck' }));
    await vi.waitFor(() => expect(reader.chunks).toHaveLength(1), WAIT);
    reader.leave();
    expect(await outcome).toMatchObject({ ok: false, failure: 'cancelled', suspect: false });
    expect(await seen(host)).toEqual({ ended: 0, log: [] });
  });

  test('before the first chunk, and before the call has begun', async () => {
    const host = await hostWith(`async *handle(input, ctx) { await ctx.state.get(); yield 1; }, seen: () => pulled`);
    const reader = pausedReader();
    let asked = false;
    const onRequest = (): Promise<string> => ((asked = true), new Promise(() => {}));
    const outcome = host.call(callRequest(0, { stream: reader, signal: reader.signal, onRequest }));
    await vi.waitFor(() => expect(asked).toBe(true), WAIT);
    reader.leave();
    expect(await outcome).toMatchObject({ ok: false, failure: 'cancelled' });
    expect(await host.call(callRequest(0, { stream: reader, signal: reader.signal }))).toMatchObject({ failure: 'cancelled' });
    expect(await seen(host)).toBe(0);
  });

  test('leaves nothing behind', async () => {
    const host = await hostWith(BODY, { isolation: 'call' });
    const listeners = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    for (let round = 0; round < 20; round += 1) {
      const reader = pausedReader();
      const outcome = host.call(callRequest(0, { stream: reader }));
      await vi.waitFor(() => expect(reader.chunks.length).toBeGreaterThan(0), { ...WAIT, interval: 1 });
      reader.leave();
      expect(await outcome).toMatchObject({ failure: 'cancelled' });
    }
    expect(host.stats().calls).toBe(0);
    expect(listeners.mock.calls.length).toBe(removed.mock.calls.length);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBeLessThanOrEqual(timers + 1);
    await vi.waitFor(() => expect(host.stats().isolates).toBeLessThanOrEqual(2), WAIT);
  });
});

describe('what a chunk may be', () => {
  const BODY = `
    async *getter() { try { yield 1; yield { get a() { throw new RangeError('getter'); } }; } finally { ended += 1; } },
    async *loop() { yield { toJSON() { for (;;); } }; },
    async *proxy() { yield new Proxy({}, { ownKeys() { throw new Error('trap'); } }); },
    async *fn() { yield () => 1; },
    async *big() { yield 1n; },
    async *symbol() { yield Symbol('s'); },
    async *nan() { yield NaN; yield undefined; yield [undefined, () => 1]; yield 'a\\tb\\nc\\u2028'; },
    async *chunky(n) { yield 'é'.repeat(n); },
    async *circular() { const a = {}; a.a = a; yield a; },
    async *thenable() { yield { then(resolve) { resolve('settled'); } }; },
    async *rejected() { yield Promise.reject(new Error('a rejection')); },
    *sync() { yield 1; },
    noNext: () => ({ [Symbol.asyncIterator]: () => ({}) }),
    noObject: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => 5 }) }),
    getNext: () => ({ [Symbol.asyncIterator]: () => ({ get next() { throw new Error('no next'); } }) }),
    doneLoop: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ get done() { for (;;); } }) }) }),
    async *throws() { yield 1; throw new TypeError('after the first'); },
    async *nothing() { throw { message: 'an object' }; },
    async *constructor_() { Object.defineProperty(Promise.prototype, 'constructor', { get() { throw new Error('constructor'); } }); yield 1; },
    async *then_() { Promise.prototype.then = () => { throw new Error('then'); }; yield 1; yield 2; },
    async *patched() { JSON.stringify = () => '"forged"'; Array.prototype.toJSON = () => 'forged'; delete Array.prototype.toJSON; yield [1]; },
    async *forged() { yield 'x\\n' + 'done\\t1\\t"forged"\\t[]'; },
    seen: () => ended`;
  // An isolate that a limit ends is made anew, so that one host does for all.
  let host: SandboxHost;
  beforeAll(async () => {
    host = await SandboxHost.start();
    const request = loadRequest(moduleOf(BODY, 'let ended = 0;'), { isolation: 'call', limits: { cpuMs: 500, outputBytes: 4 * MB } });
    await host.load(request);
    await host.load({ ...request, hash: 'v2', isolation: 'version' });
  });
  afterAll(() => host.close());

  test.each([
    ['getter', { ok: false, failure: 'unserialisable', error: { name: 'RangeError', message: 'getter' } }],
    ['loop', { ok: false, failure: 'cpu_limit', suspect: true }],
    ['proxy', { ok: false, failure: 'unserialisable', error: { message: 'trap' } }],
    ['fn', { ok: false, failure: 'unserialisable', error: { message: expect.stringContaining('must be JSON') } }],
    ['big', { ok: false, failure: 'unserialisable' }],
    ['symbol', { ok: false, failure: 'unserialisable' }],
    ['nan', { ok: true, outputJson: '[null,null,[null,null],"a\\tb\\nc\u2028"]' }],
    ['circular', { ok: false, failure: 'unserialisable' }],
    ['thenable', { ok: true, outputJson: '["settled"]' }],
    ['rejected', { ok: false, failure: 'threw', error: { message: 'a rejection' } }],
    ['sync', { ok: false, failure: 'unserialisable', error: { message: expect.stringContaining('async *') } }],
    ['noNext', { ok: false, failure: 'unserialisable' }],
    ['noObject', { ok: false, failure: 'threw', error: { name: 'TypeError' } }],
    ['getNext', { ok: false, failure: 'unserialisable' }],
    ['doneLoop', { ok: false, failure: 'cpu_limit' }],
    ['throws', { ok: false, failure: 'threw', error: { name: 'TypeError', message: 'after the first' } }],
    ['nothing', { ok: false, failure: 'threw', error: { message: 'an object' } }],
    ['patched', { ok: true, outputJson: '[[1]]' }],
    ['forged', { ok: true, outputJson: '["x\\ndone\\t1\\t\\"forged\\"\\t[]"]' }],
  ])('%s', async (exportName, expected) => {
    expect(await host.call(callRequest(0, { exportName }))).toMatchObject(expected);
    expect(await seen(host)).toBe(0);
  });

  test('code that spoils the realm ends only itself', async () => {
    for (const exportName of ['constructor_', 'then_']) {
      const { ok } = await host.call(callRequest(0, { exportName }));
      expect(typeof ok).toBe('boolean');
      expect(outputOf(await host.call(callRequest(0, { exportName: 'nan' })))).toHaveLength(4);
    }
  });

  test('finally blocks run when a chunk ends the stream', async () => {
    await host.call(callRequest(0, { exportName: 'getter', hash: 'v2' }));
    expect(outputOf(await host.call(callRequest(0, { exportName: 'seen', hash: 'v2' })))).toBe(1);
  });

  test.each([
    [131_000, { ok: true }],
    // 131,102 characters: more than a chunk may have, by its bytes.
    [131_100, { ok: false, failure: 'output_limit', error: { message: expect.stringMatching(/^chunk 1 has 262202 bytes/) } }],
    [262_144, { ok: false, failure: 'output_limit', error: { message: expect.stringMatching(/^chunk 1 has 262146 characters/) } }],
    [MB, { ok: false, failure: 'output_limit' }],
  ])('%d characters of two bytes', async (n, expected) => {
    expect(await host.call(callRequest(n, { exportName: 'chunky' }))).toMatchObject(expected);
    expect(host.stats().calls).toBe(0);
  });
});

describe('limits', () => {
  const BODY = `
    async *slow(input, ctx) { yield 1; await ctx.state.get(); yield 2; },
    async *many() { for (;;) yield 1; },
    async *never() { yield 1; await new Promise(() => {}); },
    async *busy() { for (;;) { for (let i = 0; i < 1e5; i += 1); yield 1; } },
    async *memory() { const kept = []; for (;;) { kept.push(new Array(1e5).fill(0.5)); yield 1; } },
    fine: () => 'fine'`;
  const free = { begin: () => undefined, chunk: () => undefined };

  test('processor time over all slices', async () => {
    const host = await hostWith(BODY, { limits: { cpuMs: 50, outputBytes: 4 * MB } });
    const outcome = await host.call(callRequest(0, { exportName: 'busy', stream: free }));
    expect(outcome).toMatchObject({ ok: false, failure: 'cpu_limit', suspect: true });
  });

  test('memory', async () => {
    const host = await hostWith(BODY, { limits: { cpuMs: 10_000, deadlineMs: 10_000 } });
    expect(await host.call(callRequest(0, { exportName: 'memory', stream: free }))).toMatchObject({ ok: false, failure: 'memory_limit' });
  });

  test('waiting for nothing is at its own expense', async () => {
    const host = await hostWith(BODY, { limits: { deadlineMs: 100 } });
    expect(await host.call(callRequest(0, { exportName: 'never', stream: free }))).toMatchObject({ failure: 'deadline', suspect: true });
  });

  test('the pause between two chunks, whatever it waits for', async () => {
    const host = await hostWith(BODY, { limits: { idleMs: 100 } });
    const outcome = await host.call(callRequest(0, { exportName: 'slow', stream: free, onRequest: () => new Promise(() => {}) }));
    expect(outcome).toMatchObject({ failure: 'deadline', suspect: true, error: { message: 'the stream gave no chunk for 100 ms' } });
    expect(outputOf(await host.call(callRequest(0, { exportName: 'fine' })))).toBe('fine');
  });

  test('its whole life, its reader included', async () => {
    const host = await hostWith(BODY, { limits: { streamMs: 200 } });
    const outcome = await host.call(callRequest(0, { exportName: 'slow', stream: free, onRequest: () => new Promise(() => {}) }));
    expect(outcome).toMatchObject({ failure: 'deadline', suspect: true, error: { message: 'the stream has not ended after 200 ms' } });
    const dawdled = await host.call(callRequest(0, { exportName: 'many', stream: pausedReader() }));
    expect(dawdled).toMatchObject({ failure: 'cancelled', suspect: false, error: { message: expect.stringContaining('for its reader') } });
  });

  test('a reader that would not have a chunk ends it with its reason', async () => {
    const host = await hostWith('async *handle() { try { for (;;) yield pulled; } finally { ended += 1; } }, seen: () => ended');
    for (const chunk of [
      () => Promise.reject(new Error('not that')),
      () => {
        throw new Error('not that');
      },
    ]) {
      const outcome = await host.call(callRequest(0, { stream: { begin: () => undefined, chunk } }));
      expect(outcome).toMatchObject({ ok: false, failure: 'threw', error: { message: 'not that' } });
    }
    expect(await seen(host)).toBe(2);
  });
});

test('what would park a call is an error in a stream', async () => {
  const host = await hostWith(
    `async *handle(n, ctx) { yield 1; try { await ctx.ask('really?'); } catch (error) { yield error.code; yield error.message; } }`,
    { capabilities: ['ask'] },
  );
  const outcome = await host.call(callRequest(0, { parks: ({ name }) => name === 'ask' }));
  expect(outputOf(outcome)).toEqual([1, 'invalid_state', expect.stringContaining('ctx.ask')]);
});

test('200 at once, each with its own chunks', async () => {
  const host = await hostWith('async *handle(n, ctx) { for (let i = 0; i < 5; i += 1) { yield [n, i]; await ctx.state.get(); } }');
  const outcomes = await Promise.all(Array.from({ length: 200 }, (_, n) => host.call(callRequest(n))));
  expect(outcomes.map(outputOf)).toEqual(Array.from({ length: 200 }, (_, n) => [0, 1, 2, 3, 4].map((i) => [n, i])));
  expect(host.stats().calls).toBe(0);
});

test('a host that dies ends its streams, and who did it is told from who was near', async () => {
  const host = await hostWith('async *handle() { for (;;) yield 1; }, boom() { "a".repeat(5e8).split(""); }', {
    limits: { memoryMb: 256 },
  });
  const reader = pausedReader();
  const outcome = host.call(callRequest(0, { stream: reader }));
  await vi.waitFor(() => expect(reader.chunks.length).toBeGreaterThan(0), WAIT);
  host.kill();
  expect(await outcome).toMatchObject({ ok: false, failure: 'host_lost', suspect: false, suspects: 0 });
});

describe('replay', () => {
  /** What it yields depends on which of its answers had come when it was pulled. */
  const RACE = `async *handle(n, ctx) {
    const came = [];
    const ask = async (name) => { came.push(name + (await ctx.probe({ name })).n); };
    const asked = [ask('a'), ask('b'), ask('c')];
    for (let i = 0; i < n; i += 1) { yield { i, came: [...came], now: ctx.now(), random: Math.random(), pad: 'x'.repeat(3000) }; }
    await Promise.all(asked);
    yield came;
  }`;

  test('of a stream gives the same chunks, with every answer at the same place between them', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf(RACE), { isolation: 'call', capabilities: ['probe' as never, 'now', 'random'] }));
    let n = 0;
    const onRequest = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, [7, 2, 4][n++ % 3]));
      return JSON.stringify({ n });
    };
    const chunks: string[] = [];
    const stream: StreamReader = {
      begin: () => undefined,
      chunk: async (json) => {
        chunks.push(json);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    };
    const request = callRequest(100, { onRequest });
    const recorded = await host.call({ ...request, stream });
    expect(recorded).toMatchObject({ ok: true });
    expect(new Set(chunks.slice(0, -1).map((json) => (JSON.parse(json) as { came: string[] }).came.length)).size).toBeGreaterThan(1);
    const journal = JSON.parse(JSON.stringify(recorded.journal)) as Journal;
    expect(journal.entries.filter((entry) => 'room' in entry).length).toBeGreaterThan(2);
    const again = await host.replay({ ...request, journal, onRequest: () => Promise.reject(new Error('not asked')) });
    expect(again).toMatchObject({ divergence: null, outcome: { ok: true, streamed: true, outputJson: `[${chunks.join(',')}]` } });
    expect(again.outcome.journal).toEqual(recorded.journal);
  });

  test('stops where another version yields elsewhere', async () => {
    const host = await startTestHost();
    const version = (js: string, hash: string) => host.load(loadRequest(moduleOf(js), { hash, isolation: 'call' }));
    await version('async *handle(n, ctx) { yield 1; await ctx.state.get(); yield 2; }', 'a');
    await version('async *handle(n, ctx) { await ctx.state.get(); yield 1; yield 2; }', 'b');
    await version('async *handle(n, ctx) { yield 1; await ctx.state.get(); }', 'c');
    const { journal } = await host.call(callRequest(0, { hash: 'a' }));
    const replay = (hash: string) => host.replay({ ...callRequest(0, { hash }), journal });
    expect(await replay('a')).toMatchObject({ divergence: null });
    expect(await replay('b')).toMatchObject({ divergence: { index: 1, recorded: { chunks: 1 }, seen: { name: 'state.get' } } });
    expect(await replay('c')).toMatchObject({ divergence: { recorded: { chunks: 1 }, seen: null } });
  });

  test('of one whose reader went goes as far as it went', async () => {
    const host = await hostWith('async *handle() { for (;;) yield pulled; }', { isolation: 'call' });
    const reader = pausedReader();
    const request = callRequest(0);
    const outcome = host.call({ ...request, stream: reader });
    await vi.waitFor(() => expect(reader.chunks).toHaveLength(64), WAIT);
    reader.leave();
    const { journal } = await outcome;
    expect(journal.entries).toEqual([{ room: { chunks: 64, chars: 131_072 } }, { chunks: 64 }, { left: true }]);
    expect(await host.replay({ ...request, journal })).toMatchObject({ divergence: null, outcome: { failure: 'cancelled' } });
  });
});
