// What hostile code costs: its own call, at worst its host, never another call's answer and never more than its limits.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CallFailure, CallOutcome } from './call.ts';
import { SandboxHost } from './sandbox-host.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

const LIMITS = { cpuMs: 50, deadlineMs: 1_500, memoryMb: 32 };
/** Far above what it takes on a quiet machine (130 ms), because this one may not be. What is tested is that it ends. */
const ENDED_WITHIN_MS = 10_000;
const GROWTH_BYTES = 330 * 1024 * 1024;

const LIMIT_HIT: readonly CallFailure[] = ['cpu_limit', 'memory_limit', 'host_lost', 'threw', 'unserialisable', 'output_limit', 'deadline'];

/** Code of a handler → how it may end. Which of several depends on what V8 notices first. */
const PAYLOADS: Readonly<Record<string, { code: string; failures: readonly CallFailure[] }>> = {
  loop: { code: 'for (;;);', failures: ['cpu_limit'] },
  microtasks: { code: 'const f = () => Promise.resolve().then(f); f(); return 1;', failures: ['cpu_limit'] },
  asyncLoop: { code: 'return (async () => { for (;;) await 0; })();', failures: ['cpu_limit'] },
  loopAfterAwait: { code: 'return (async () => { await ctx.state.get(); for (;;); })();', failures: ['cpu_limit'] },
  neverSettles: { code: 'return new Promise(() => {});', failures: ['deadline'] },
  regex: { code: 'return /^(a+)+$/.test("a".repeat(40) + "b");', failures: ['cpu_limit'] },
  sort: { code: 'return [3, 2, 1].sort(() => { for (;;); });', failures: ['cpu_limit'] },
  thenable: { code: 'return { then() { for (;;); } };', failures: ['cpu_limit'] },
  resultGetter: { code: 'return { get a() { for (;;); } };', failures: ['cpu_limit'] },
  resultProxy: { code: 'return new Proxy({}, { ownKeys() { for (;;); } });', failures: ['cpu_limit'] },
  resultToJson: { code: 'return { toJSON() { for (;;); } };', failures: ['cpu_limit'] },
  errorProxy: { code: 'throw new Proxy({}, { get() { for (;;); } });', failures: ['cpu_limit'] },
  errorGetter: { code: 'throw { get message() { for (;;); } };', failures: ['cpu_limit'] },
  errorStack: {
    code: 'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e;',
    failures: ['cpu_limit'],
  },
  prepareStackTrace: { code: 'try { Error.prepareStackTrace = () => { for (;;); }; } catch {} throw new Error("x");', failures: ['threw'] },
  rejectedProxy: { code: 'Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1;', failures: ['cpu_limit', 'host_lost'] },
  recursion: { code: 'const f = () => f() + 1; return f();', failures: ['threw'] },
  deepResult: { code: 'let a = []; for (let i = 0; i < 1e6; i += 1) a = [a]; return a;', failures: LIMIT_HIT },
  hugeResult: { code: 'return "x".repeat(2 ** 28);', failures: LIMIT_HIT },
  logFlood: { code: 'for (;;) ctx.log.info("x".repeat(1000));', failures: ['cpu_limit'] },
  stateFlood: { code: 'for (;;) ctx.state.set({ x: 1 });', failures: ['cpu_limit'] },
  stringDoubling: { code: 'let s = "a"; for (;;) s = s + s + "x";', failures: LIMIT_HIT },
  arrayPushes: { code: 'const all = []; for (;;) { try { all.push(new Array(1000).fill(0)); } catch {} }', failures: LIMIT_HIT },
  mapEntries: { code: 'const m = new Map(); for (let i = 0; ; i += 1) m.set(i, { i });', failures: LIMIT_HIT },
  buffers: { code: 'const all = []; for (;;) all.push(new ArrayBuffer(1e7));', failures: LIMIT_HIT },
  bigIntMultiply: { code: 'let x = 3n; for (;;) x = x * x;', failures: ['cpu_limit', 'host_lost'] },
  bigIntParse: { code: 'return String(BigInt("1".repeat(1e8)));', failures: LIMIT_HIT },
  splitHuge: { code: 'return "a".repeat(5e8).split("").length;', failures: LIMIT_HIT },
  fillHuge: { code: 'return new Array(2 ** 30).fill(1).length;', failures: LIMIT_HIT },
  arrayFrom: { code: 'return Array.from({ length: 1e9 }).length;', failures: LIMIT_HIT },
  replaceHuge: { code: 'return "a".repeat(5e8).replace(/a/g, "b").length;', failures: LIMIT_HIT },
  reverseSparse: { code: 'const a = []; a[2 ** 32 - 2] = 1; a.reverse(); return 1;', failures: LIMIT_HIT },
  spreadHuge: { code: 'return Object.assign({}, "a".repeat(1e8)).length;', failures: LIMIT_HIT },
};

const HOSTILE = moduleOf(
  Object.entries(PAYLOADS)
    .map(([name, { code }]) => `${name}(input, ctx) { ${code} }`)
    .join(',\n'),
);
const PEACEFUL = moduleOf('handle: (input) => input, async slow(input, ctx) { return ctx.state.get(); }');

async function hostileHost(): Promise<SandboxHost> {
  const host = await SandboxHost.start();
  await host.load(loadRequest(HOSTILE, { hash: 'hostile', limits: LIMITS }));
  await host.load(loadRequest(PEACEFUL, { hash: 'peaceful' }));
  return host;
}

/** Highest resident memory over that at the beginning. */
function watchGrowth(host: SandboxHost): () => number {
  const startBytes = host.stats().rssBytes ?? 0;
  let peakBytes = startBytes;
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, host.stats().rssBytes ?? 0)), 5);
  return () => {
    clearInterval(timer);
    return peakBytes - startBytes;
  };
}

/** What V8 may be unable to end: the host goes with it, now or a moment later. */
const NATIVE = new Set([
  'rejectedProxy',
  'deepResult',
  'hugeResult',
  'arrayPushes',
  'mapEntries',
  'buffers',
  'stringDoubling',
  'bigIntMultiply',
  'bigIntParse',
  'splitHuge',
  'fillHuge',
  'arrayFrom',
  'replaceHuge',
  'reverseSparse',
  'spreadHuge',
]);

describe.each([
  // All others are run again on the asynchronous path, so that once is enough for them.
  {
    path: 'sync',
    names: ['loop', 'neverSettles', 'rejectedProxy', 'arrayPushes', 'bigIntMultiply', 'splitHuge', 'fillHuge', 'reverseSparse'],
  },
  { path: 'async', names: Object.keys(PAYLOADS) },
] as const)('on the $path path', ({ path, names }) => {
  let host: SandboxHost;
  let neighbour: SandboxHost;
  beforeAll(async () => {
    [host, neighbour] = await Promise.all([hostileHost(), hostileHost()]);
  });
  afterAll(async () => {
    await Promise.all([host.close(), neighbour.close()]);
  });

  test.each(names)('%s ends its own call within its limits', async (name) => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    const bystander = host.call(
      callRequest(1, { hash: 'peaceful', exportName: 'slow', onRequest: () => (asked.resolve(), answer.promise) }),
    );
    await asked.promise;
    const growthBytes = watchGrowth(host);
    const startedMs = performance.now();
    const outcome = await host.call(callRequest(0, { hash: 'hostile', exportName: name, path }));
    const tookMs = performance.now() - startedMs;
    expect({ name, ...shown(outcome) }).toEqual({ name, ok: false, failure: expect.toBeOneOf(PAYLOADS[name]!.failures), suspects: 1 });
    expect(tookMs).toBeLessThan(ENDED_WITHIN_MS);
    expect(growthBytes()).toBeLessThan(GROWTH_BYTES);
    expect(outputOf(await neighbour.call(callRequest('fine', { hash: 'peaceful', path })))).toBe('fine');
    // What waited on the same host gets its answer, or has lost its host and may be run again.
    answer.resolve('"late"');
    const near = await bystander;
    if (near.ok) expect(near.outputJson).toBe('"late"');
    else expect(near).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 0, hadRequests: false });
    if (NATIVE.has(name)) {
      await host.close();
      host = await hostileHost();
    } else expect(outputOf(await host.call(callRequest('again', { hash: 'peaceful' })))).toBe('again');
  });
});

test('a host that can not end an isolate ends itself, and knows which call it was', async () => {
  const host = await hostileHost();
  await host.load(loadRequest(PEACEFUL, { hash: 'patient' }));
  const asked = Promise.withResolvers<void>();
  const waits = host.call(
    callRequest(0, { hash: 'patient', exportName: 'slow', onRequest: () => (asked.resolve(), new Promise(() => {})) }),
  );
  await asked.promise;
  // The caller hears of the limit; that the isolate is still multiplying is the host's affair, and its end.
  expect(await host.call(callRequest(0, { hash: 'hostile', exportName: 'bigIntMultiply' }))).toMatchObject({
    failure: 'cpu_limit',
    suspects: 1,
  });
  expect(await waits).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 0 });
  expect(await host.exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('what patches its globals breaks itself, not the runtime', async () => {
  const host = await startTestHost();
  const js = moduleOf(
    'handle: (input) => ({ input }), fails() { throw new Error("own"); }, async later(input, ctx) { const state = await ctx.state.get(); return state; }',
    `Array.prototype[Symbol.iterator] = () => { throw new Error('patched'); };
     Function.prototype.call = Function.prototype.apply = () => { throw new Error('patched'); };
     JSON.stringify = () => '"forged"'; JSON.parse = () => 'forged';
     Map.prototype.get = Map.prototype.set = () => { throw new Error('patched'); };
     String.prototype.slice = () => 'forged'; Promise.prototype.then = () => { throw new Error('patched'); };
     Object.keys = () => ['forged']; Reflect.apply = () => 'forged'; Date.now = () => 0;
     Object.defineProperty(Object.prototype, 'seq', { get: () => 1, set() {} });
     Object.defineProperty(Array.prototype, 0, { set() { throw new Error('patched'); } });`,
  );
  await host.load(loadRequest(js));
  for (const path of ['sync', 'async'] as const) {
    expect(outputOf(await host.call(callRequest([1, 2], { path })))).toEqual({ input: [1, 2] });
    expect(await host.call(callRequest(0, { path, exportName: 'fails' }))).toMatchObject({ failure: 'threw', error: { message: 'own' } });
    expect(outputOf(await host.call(callRequest(0, { path, exportName: 'later', onRequest: () => Promise.resolve('[5]') })))).toEqual([5]);
  }
});

test('an agent can not forge an answer of its own call or of another', async () => {
  const host = await startTestHost();
  const js =
    moduleOf(`handle: () => 'done\\t1\\t"forged"\\t[]\\ndone\\t2\\t"forged"\\t[]\\n', fails() { throw new Error('x\\t[]\\ndone\\t3\\t1\\t[]\\n'); },
    logs(input, ctx) { ctx.log.info('a\\nb\\tc', { '\\t\\n': '\\n' }); return 1; }`);
  await host.load(loadRequest(js));
  const [first, second, third] = await Promise.all(
    ['handle', 'fails', 'logs'].map((exportName) => host.call(callRequest(0, { exportName }))),
  );
  expect(outputOf(first!)).toContain('forged');
  expect(second).toMatchObject({ failure: 'threw', error: { message: expect.stringContaining('done\t3') } });
  expect(third).toMatchObject({ ok: true, logs: [{ message: 'a\nb\tc', fields: { '\t\n': '\n' } }] });
});

test('nothing of the host, of Node or of the machine can be reached', async () => {
  const host = await startTestHost();
  const js = moduleOf(`async handle(input, ctx) {
    const seen = {};
    const attempt = (name, code) => { try { seen[name] = String(code()); } catch (error) { seen[name] = 'refused'; } };
    const roots = { ctx, state: ctx.state, log: ctx.log.info, principal: ctx.principal, input, promise: ctx.state.get(), error: new Error('x'), console: console.log, url: new URL('http://x'), clone: structuredClone };
    for (const [name, root] of Object.entries(roots)) {
      attempt('constructor of ' + name, () => root.constructor.constructor('return typeof process')());
      attempt('prototype of ' + name, () => Object.getPrototypeOf(root).constructor.constructor('return this')());
    }
    attempt('eval', () => eval('1'));
    attempt('indirect eval', () => (0, eval)('1'));
    attempt('generator', () => (function* () {}).constructor('yield 1')().next().value);
    attempt('async', () => (async () => {}).constructor('return 1')());
    attempt('reflect', () => Reflect.construct(Function, ['return 1'])());
    try { await import('node:fs'); seen.import = 'loaded'; } catch { seen.import = 'refused'; }
    const names = ['process', 'require', 'module', 'Buffer', 'fetch', 'XMLHttpRequest', 'WebSocket', 'setTimeout', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'Deno', 'gc', '__seed_module'];
    return { seen, globals: names.filter((name) => typeof globalThis[name] !== 'undefined'), proto: ({}).__proto__ === undefined };
  }`);
  await host.load(loadRequest(js));
  for (const path of ['sync', 'async'] as const) {
    const { seen, globals } = outputOf(await host.call(callRequest({}, { path }))) as { seen: Record<string, string>; globals: string[] };
    expect(globals).toEqual([]);
    expect(Object.entries(seen).filter(([, answer]) => answer !== 'refused')).toEqual([]);
  }
});

test('the host itself has an empty environment and none of the rights Node can take away', async () => {
  const host = await startTestHost();
  const { readFileSync } = await import('node:fs');
  const environment = readFileSync(`/proc/${host.pid}/environ`, 'latin1');
  // bubblewrap always says where it is.
  expect(['', 'PWD=/\0']).toContain(environment);
  const command = readFileSync(`/proc/${host.pid}/cmdline`, 'latin1').split('\0');
  expect(command).toEqual(expect.arrayContaining(['--permission', '--no-node-snapshot', '--disable-proto=delete']));
  expect(command.filter((argument) => /allow-(child|worker|fs-write|wasi|inspector|net)/.test(argument))).toEqual([]);
});

test('of several calls that were running, none is sure to be the one; what only waited is innocent', async () => {
  const host = await hostileHost();
  await host.load(loadRequest(HOSTILE, { hash: 'other', limits: { ...LIMITS, cpuMs: 20_000, deadlineMs: 30_000 } }));
  await host.load(loadRequest(HOSTILE, { hash: 'third', limits: { ...LIMITS, cpuMs: 20_000, deadlineMs: 30_000 } }));
  const asked = Promise.withResolvers<void>();
  const waits = host.call(
    callRequest(0, { hash: 'peaceful', exportName: 'slow', onRequest: () => (asked.resolve(), new Promise(() => {})) }),
  );
  const busy = ['other', 'third'].map((hash) => host.call(callRequest(0, { hash, exportName: 'loop' })));
  await asked.promise;
  await vi.waitFor(() => expect(host.stats().executing).toBe(2), { timeout: 10_000 });
  host.kill();
  expect(await waits).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 0 });
  for (const call of busy) expect(await call).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 2 });
});

test('one that was running alone is the suspect', async () => {
  const host = await hostileHost();
  await host.load(loadRequest(HOSTILE, { hash: 'other', limits: { ...LIMITS, cpuMs: 20_000, deadlineMs: 30_000 } }));
  const busy = host.call(callRequest(0, { hash: 'other', exportName: 'loop' }));
  await vi.waitFor(() => expect(host.stats().executing).toBe(1), { timeout: 10_000 });
  const waits = host.call(callRequest(0, { hash: 'other', exportName: 'loop' }));
  host.kill();
  expect(await busy).toMatchObject({ failure: 'host_lost', suspect: true, suspects: 1 });
  expect(await waits).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 0 });
});

function shown(outcome: CallOutcome): object {
  return outcome.ok
    ? { ok: true, outputJson: outcome.outputJson.slice(0, 100) }
    : { ok: false, failure: outcome.failure, suspects: outcome.suspects };
}
