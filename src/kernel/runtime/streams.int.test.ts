// Streams through the runtime: two real hosts, versions that are swapped, and the state that is kept or not.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SeedError } from '#lib/error.ts';
import type { Artifact } from '../compiler/artifact.ts';
import { contractSchema, type CallLimits, type ContractData } from '../compiler/contract.ts';
import { callRequest, moduleOf } from '../sandbox/test-host.ts';
import { SandboxHost } from '../sandbox/sandbox-host.ts';
import { testBroker } from './capabilities/broker.fixture.ts';
import { AgentWorker } from './agent-worker.ts';
import type { CallRecord } from './call-log.ts';
import { openStream, type OpenStream } from './open-stream.ts';
import type { Invoked, InvokeRequest } from './invoke-request.ts';
import { NOTHING_PARKED } from './parked-call.fixture.ts';
import { Runtime } from './runtime.ts';
import { ServingHosts } from './serving-hosts.ts';
import { NO_HISTORY } from './state-history.fixture.ts';
import type { Commit, IdempotentAnswer, StateStore } from './state-store.ts';

const WAIT = { timeout: 20_000, interval: 5 };

interface Given {
  body: string;
  before?: string;
  /** JSON Schema of a chunk. */
  output?: Record<string, unknown>;
  stream?: boolean;
  capabilities?: ContractData['capabilities'];
  limits?: Partial<CallLimits>;
  isolation?: ContractData['isolation'];
}

function artifactOf(hash: string, given: Given): Artifact {
  const contract = contractSchema.parse({
    contract: 1,
    name: 'tested',
    summary: '',
    exports: ['handle', 'other'].map((name) => ({
      kind: 'call',
      name,
      input: {},
      output: given.output ?? {},
      ...(given.stream === undefined || name !== 'handle' ? {} : { stream: given.stream }),
    })),
    capabilities: given.capabilities ?? [],
    // Limits that a busy machine does not reach, where they are not what is tested.
    limits: { cpuMs: 10_000, deadlineMs: 30_000, ...given.limits },
    isolation: given.isolation ?? 'version',
  });
  const js = moduleOf(given.body, given.before);
  return {
    hash,
    manifest: { agent: 'tested', contract } as Artifact['manifest'],
    js,
    map: '{"version":3,"sources":[],"names":[],"mappings":""}',
    evaluationJs: null,
    sources: {},
  };
}

/** One writer, no lease: what is committed is seen. */
function memoryStore(): StateStore & { commits: Commit[] } {
  const commits: Commit[] = [];
  const answers = new Map<string, IdempotentAnswer>();
  let stateJson: string | null = null;
  return {
    commits,
    claim: async () => ({
      ...{ fence: 1, revision: commits.length, stateJson, stateHash: null, stateVersion: 1, migrations: 0 },
      frozenHash: null,
    }),
    renew: async () => true,
    release: async () => undefined,
    async commit(commit) {
      commits.push(commit);
      stateJson = commit.instance?.stateJson ?? stateJson;
      if (commit.idempotency !== null) answers.set(commit.idempotency.key, commit.idempotency.answer);
    },
    findAnswer: async (_, key) => answers.get(key) ?? null,
  };
}

interface Bench {
  runtime: Runtime;
  worker: AgentWorker;
  hosts: SandboxHost[];
  store: ReturnType<typeof memoryStore>;
  records: CallRecord[];
  open: (request?: Partial<InvokeRequest>) => Promise<Invoked | OpenStream>;
  stream: (request?: Partial<InvokeRequest>) => Promise<OpenStream>;
  invoke: (request?: Partial<InvokeRequest>) => Promise<Invoked>;
}

async function start(...versions: Given[]): Promise<Bench> {
  const [serving, store, records] = [new ServingHosts(), memoryStore(), [] as CallRecord[]];
  const hosts = await Promise.all([SandboxHost.start(), SandboxHost.start()]);
  await Promise.all(
    hosts.map(async (host, n) => {
      await serving.join(`host-${n}`, host);
      void host.exited.then(() => serving.leave(`host-${n}`, host));
    }),
  );
  onTestFinished(() => Promise.all(hosts.map((host) => host.close())).then(() => undefined));
  const runtime = new Runtime({
    hosts: serving,
    state: store,
    parked: NOTHING_PARKED,
    log: { record: (record) => void records.push(record) },
    broker: testBroker().broker,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomSeed: () => 7,
    onLogLine: () => undefined,
  });
  const worker = new AgentWorker({
    agent: 'tested',
    hosts: serving,
    state: store,
    history: NO_HISTORY,
    onError: (error) => {
      throw error;
    },
    loadArtifact: async (_, hash) => ({
      artifact: artifactOf(hash, versions[Number(hash.slice(1)) - 1] as Given),
      number: Number(hash.slice(1)),
    }),
    syncPath: true,
    monotonicMs: () => performance.now(),
  });
  runtime.add(worker);
  await worker.switchTo('v1');
  const asked = (request: Partial<InvokeRequest> = {}): InvokeRequest => ({
    agent: 'tested',
    input: 0,
    principal: { kind: 'user', id: 'u' },
    ...request,
  });
  const open = (request?: Partial<InvokeRequest>): Promise<Invoked | OpenStream> =>
    openStream(runtime, asked(request)) as Promise<Invoked | OpenStream>;
  return {
    runtime,
    worker,
    hosts,
    store,
    records,
    open,
    invoke: (request) => runtime.invoke(asked(request)),
    async stream(request) {
      const opened = await open(request);
      if (!('chunks' in opened)) throw new Error('it did not stream');
      return opened;
    },
  };
}

async function all(stream: OpenStream): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const json of stream.chunks) chunks.push(JSON.parse(json));
  return chunks;
}

test('chunks reach their reader while the call runs, and those who do not read get their list', async () => {
  const { stream, open, invoke, records } = await start({
    body: 'async *handle(n) { for (let i = 0; i < n; i += 1) yield { i }; }, other: () => "plain"',
  });
  const opened = await stream({ input: 3 });
  expect(opened).toMatchObject({ version: 1, hash: 'v1', callId: expect.any(String) });
  expect(await all(opened)).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
  expect(await opened.ended).toMatchObject({ callId: opened.callId, streamed: true, recorded: true });
  expect(await invoke({ input: 2 })).toMatchObject({ streamed: true, outputJson: '[{"i":0},{"i":1}]' });
  expect(await open({ exportName: 'other' })).toMatchObject({ streamed: false, outputJson: '"plain"' });
  await expect(open({ exportName: 'missing' })).rejects.toMatchObject({ code: 'not_found' });
  expect(records.map(({ outputJson, streamed, truncated }) => [outputJson, streamed, truncated])).toEqual([
    ['[{"i":0},{"i":1},{"i":2}]', true, false],
    ['[{"i":0},{"i":1}]', true, false],
    ['"plain"', false, false],
  ]);
});

test('a long stream that somebody read is recorded without its chunks', async () => {
  const { stream, invoke, records } = await start({ body: `async *handle() { for (let i = 0; i < 100; i += 1) yield 'x'.repeat(1000); }` });
  expect(await all(await stream())).toHaveLength(100);
  expect(JSON.parse((await invoke()).outputJson)).toHaveLength(100);
  expect(records.map(({ outputJson, truncated }) => [outputJson?.length ?? null, truncated])).toEqual([
    [null, true],
    [100_301, false],
  ]);
});

describe('the contract', () => {
  const NUMBER = { output: { type: 'number' } };
  test('describes one chunk, and the first that does not fit ends the stream', async () => {
    const { stream, invoke, records, worker } = await start({
      ...NUMBER,
      before: 'let ended = 0;',
      body: `async *handle() { try { yield 1; yield 'two'; yield 3; } finally { ended += 1; } }, other: () => ended`,
    });
    const refused = { code: 'agent_error', message: 'chunk 2: the output must be number' };
    await expect(invoke()).rejects.toMatchObject(refused);
    const chunks = (await stream()).chunks[Symbol.asyncIterator]();
    expect(await chunks.next()).toEqual({ done: false, value: '1' });
    await expect(chunks.next()).rejects.toMatchObject(refused);
    expect(records.map(({ error }) => error?.message)).toEqual([refused.message, refused.message]);
    expect(worker.live?.stats.figures()).toMatchObject({ calls: 2, errors: 2 });
    expect((await invoke({ exportName: 'other' })).outputJson).toMatch(/^[12]$/);
  });

  test('may say whether an export streams', async () => {
    const body = 'async *handle() { yield 1; }';
    const plain = await start({ stream: false, body });
    await expect(plain.invoke()).rejects.toMatchObject({ code: 'agent_error', message: expect.stringContaining('does not stream') });
    await expect(plain.open()).rejects.toMatchObject({ code: 'agent_error' });
    const streams = await start({ stream: true, body: 'handle: (n) => n === 0 ? 1 : (async function* () { yield 2; })()' });
    await expect(streams.invoke()).rejects.toMatchObject({ code: 'agent_error', message: expect.stringContaining('it streams') });
    expect(await streams.invoke({ input: 1 })).toMatchObject({ outputJson: '[2]' });
  });

  test('secrets are taken out of each chunk that is recorded', async () => {
    const output = { type: 'object', properties: { pin: { type: 'string', secret: true } } };
    const { invoke, records } = await start({ output, body: `async *handle() { yield { pin: '1' }; yield { pin: '2', n: 2 }; }` });
    expect((await invoke()).outputJson).toBe('[{"pin":"1"},{"pin":"2","n":2}]');
    expect(records[0]).toMatchObject({ redacted: true, journal: null, outputJson: '[{"pin":"[redacted]"},{"pin":"[redacted]","n":2}]' });
  });
});

describe('state', () => {
  const COUNTER: Given = {
    capabilities: ['state'],
    body: `async *handle(how, ctx) {
      const n = ((await ctx.state.get()) ?? 0) + 1;
      yield n;
      await ctx.state.set(n);
      if (how === 'throws') throw new Error('late');
      if (how === 'endless') for (;;) yield n;
      yield 'last';
    }`,
  };
  test('is kept when the stream comes to its end, and not when it throws or its reader goes', async () => {
    const { stream, invoke, store, worker } = await start(COUNTER);
    expect(await all(await stream())).toEqual([1, 'last']);
    await expect(invoke({ input: 'throws' })).rejects.toMatchObject({ code: 'agent_error' });
    for await (const json of (await stream({ input: 'endless' })).chunks) {
      expect(json).toBe('2');
      break;
    }
    // The key is free again.
    expect(await all(await stream())).toEqual([2, 'last']);
    expect(store.commits.map(({ instance }) => instance?.stateJson)).toEqual(['1', '2']);
    expect(await worker.inFlight()).toBe(0);
    expect(worker.waiting).toBe(0);
  });

  test('with an idempotency key the chunks are kept, and given again', async () => {
    const { stream, open, invoke } = await start(COUNTER);
    const first = await stream({ idempotencyKey: 'k' });
    expect(await all(first)).toEqual([1, 'last']);
    const again = { callId: first.callId, streamed: true, replayed: true, outputJson: '[1,"last"]' };
    expect(await open({ idempotencyKey: 'k' })).toMatchObject(again);
    expect(await invoke({ idempotencyKey: 'k' })).toMatchObject(again);
    await expect(open({ idempotencyKey: 'k', input: 'other' })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  });
});

describe('a reader', () => {
  const ENDLESS: Given = { before: 'let pulled = 0;', body: `async *handle() { for (;;) yield pulled++; }, other: () => pulled` };

  test('that does not read stops the generator, wherever it is', async () => {
    const { stream, hosts } = await start(ENDLESS);
    const opened = await stream();
    const chunks = opened.chunks[Symbol.asyncIterator]();
    expect(await chunks.next()).toEqual({ done: false, value: '0' });
    const calls = (): number => hosts.reduce((sum, host) => sum + host.stats().calls, 0);
    await sleep(200);
    expect(calls()).toBe(1);
    for (let n = 1; n < 300; n += 1) expect(await chunks.next()).toEqual({ done: false, value: String(n) });
    await chunks.return?.();
    await expect(opened.ended).rejects.toMatchObject({ code: 'cancelled' });
    expect(calls()).toBe(0);
  });

  test('that goes before it has read anything ends the call too', async () => {
    const { open, worker } = await start(ENDLESS);
    const leaving = new AbortController();
    const opened = (await open({ signal: () => leaving.signal })) as OpenStream;
    leaving.abort();
    await expect(opened.ended).rejects.toMatchObject({ code: 'cancelled' });
    await expect(all(opened)).rejects.toMatchObject({ code: 'cancelled' });
    expect(await worker.inFlight()).toBe(0);
  });

  test('that stalls is gone', async () => {
    const { runtime } = await start(ENDLESS);
    const request = { agent: 'tested', input: 0, principal: { kind: 'user', id: 'u' } };
    const opened = (await openStream(runtime, request, { stalledMs: 50 })) as OpenStream;
    await expect(opened.ended).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('on the synchronous path can go as well', async () => {
    const { invoke, stream, worker } = await start({ body: 'handle: (n) => n < 1 ? 1 : (async function* () { for (;;) yield n; })()' });
    for (let n = 0; n < 600; n += 1) await invoke();
    const path = worker.live?.path.path;
    const opened = await stream({ input: 1 });
    const chunks = opened.chunks[Symbol.asyncIterator]();
    await chunks.next();
    await chunks.return?.();
    await expect(opened.ended).rejects.toMatchObject({ code: 'cancelled' });
    expect([path, worker.live?.path.path]).toEqual(['sync', 'async']);
  });
});

describe('hosts and versions', () => {
  test('a swap in the middle: the stream ends on its version, new calls go to the new one, and the old is let go after', async () => {
    const versions = Array.from({ length: 7 }, (_, n) => ({ body: `async *handle(n) { for (let i = 0; i < n; i += 1) yield ${n + 1}; }` }));
    const { stream, invoke, worker } = await start(...versions);
    const opened = await stream({ input: 400 });
    const chunks = opened.chunks[Symbol.asyncIterator]();
    await chunks.next();
    for (const hash of ['v2', 'v3', 'v4', 'v5', 'v6', 'v7']) await worker.switchTo(hash);
    expect(await invoke({ input: 1 })).toMatchObject({ version: 7, outputJson: '[7]' });
    let seen = 1;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      expect(next.value).toBe('1');
      seen += 1;
    }
    expect(seen).toBe(400);
    expect(await opened.ended).toMatchObject({ version: 1 });
    await vi.waitFor(() => expect(worker.loadedHashes()).not.toContain('v1'), WAIT);
  });

  test('a worker that stops waits for its streams', async () => {
    const { stream, worker } = await start({ body: 'async *handle() { for (let i = 0; i < 300; i += 1) yield i; }' });
    const opened = await stream();
    const closing = worker.close();
    expect(await all(opened)).toHaveLength(300);
    await closing;
  });

  test('and a worker that is not waited for any longer ends them', async () => {
    const { stream, worker } = await start({
      before: 'let ended = 0;',
      body: 'async *handle() { try { for (;;) yield 1; } finally { ended += 1; } }',
    });
    const opened = await stream();
    const closing = worker.close();
    worker.abandon();
    await expect(opened.ended).rejects.toMatchObject({ code: 'cancelled', message: 'the agent is stopping' });
    await closing;
    expect(worker.streams.size).toBe(0);
  });

  test('a host that dies after the first chunk ends an innocent stream, and it is not run again', async () => {
    const { stream, hosts } = await start({ body: 'async *handle() { for (let i = 0; i < 500; i += 1) yield i; }, other: () => 1' });
    const opened = await stream();
    const chunks = opened.chunks[Symbol.asyncIterator]();
    await chunks.next();
    const host = hosts.find((one) => one.stats().calls > 0) ?? expect.unreachable();
    // When this is answered nothing of the stream is inside.
    await host.call(callRequest(0, { hash: 'v1', exportName: 'other' }));
    host.kill();
    const rest = (async () => {
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next());
    })();
    await expect(rest).rejects.toMatchObject({ code: 'unavailable' });
    expect(await all(await stream())).toHaveLength(500);
  });

  test('one that dies before the first chunk costs an innocent stream nothing', async () => {
    let release: () => void = () => undefined;
    const bench = await start({ capabilities: ['state'], body: 'async *handle(n, ctx) { yield (await ctx.state.get()) ?? "fresh"; }' });
    const claim = bench.store.claim.bind(bench.store);
    const asked = vi.fn<() => void>();
    bench.store.claim = async (...args) => {
      asked();
      if (asked.mock.calls.length === 1) await new Promise<void>((resolve) => (release = resolve));
      return claim(...args);
    };
    const opened = await bench.stream();
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce(), WAIT);
    bench.hosts.find((host) => host.stats().calls > 0)?.kill();
    await vi.waitFor(() => expect(bench.hosts.filter((host) => host.stats().rssBytes === null)).toHaveLength(1), WAIT);
    release();
    expect(await all(opened)).toEqual(['fresh']);
  });

  test('what ends its host is the suspect, and is not run again', async () => {
    const { stream, worker } = await start({
      limits: { memoryMb: 256 },
      body: `async *handle() { yield 1; 'a'.repeat(5e8).split(''); yield 2; }`,
    });
    await expect(all(await stream())).rejects.toBeInstanceOf(SeedError);
    expect(worker.live?.stats.figures()).toMatchObject({ calls: 1, limitHits: 1 });
  });
});

test('200 streams at once, half of them left in the middle', async () => {
  const { stream, worker, hosts } = await start({ body: `async *handle(n) { for (let i = 0; i < 100; i += 1) yield [n, i]; }` });
  await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      let seen = 0;
      for await (const json of (await stream({ input: n })).chunks) {
        expect(json).toBe(`[${n},${seen}]`);
        seen += 1;
        if (n % 2 === 1 && seen === 50) break;
      }
      expect(seen).toBe(n % 2 === 1 ? 50 : 100);
    }),
  );
  await vi.waitFor(async () => expect(await worker.inFlight()).toBe(0), WAIT);
  expect(hosts.map((host) => host.stats().calls)).toEqual([0, 0]);
});
