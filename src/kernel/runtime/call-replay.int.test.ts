import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Artifact } from '../compiler/artifact.ts';
import { checkContract } from '../compiler/contract-data.ts';
import { SandboxHost } from '../sandbox/sandbox-host.ts';
import { callRequest, moduleOf } from '../sandbox/test-host.ts';
import type { CallRecord } from './call-log.ts';
import { replayCall, type ReplayReport } from './call-replay.ts';
import { ServedVersion } from './served-version.ts';

const HANDLE = `async handle(input, ctx) {
  const before = (await ctx.state.get()) ?? 0;
  await ctx.state.set(before + input.n);
  if (input.n < 0) throw new RangeError('too little');
  return { n: before + input.n, at: ctx.now(), luck: Math.random() };
}`;

const NO_MAP = '{"version":3,"sources":[],"names":[],"mappings":""}';

let host: SandboxHost;
beforeAll(async () => {
  host = await SandboxHost.start();
});
afterAll(() => host.close());

function versionOf(body: string, extra: { input?: object; number?: number } = {}): ServedVersion {
  const { input = { type: 'object' }, number = 1 } = extra;
  const { contract } = checkContract({
    contract: 1,
    name: 'tested',
    summary: '',
    exports: [{ kind: 'call', name: 'handle', input, output: { type: 'object' } }],
    capabilities: ['state', 'now', 'random'],
    limits: { cpuMs: 1_000 },
    isolation: 'call',
  });
  const js = moduleOf(body);
  const artifact = { hash: `hash-${number}`, manifest: { agent: 'tested', contract }, js, map: NO_MAP } as unknown as Artifact;
  return new ServedVersion(artifact, { number, syncPath: false });
}

/** What a call left behind. */
async function recorded(version: ServedVersion, input: unknown, over: Partial<CallRecord> = {}): Promise<CallRecord> {
  await host.load(version.loadRequest);
  const request = callRequest(input, { hash: version.hash, key: 'k', onRequest: async (name) => (name === 'state.get' ? '40' : 'null') });
  const outcome = await host.call(request);
  await host.unload(version.hash);
  return {
    id: request.id,
    agent: 'tested',
    key: 'k',
    exportName: 'handle',
    version: version.number,
    hash: version.hash,
    inputJson: request.inputJson,
    // As it comes back from a store.
    journal: JSON.parse(JSON.stringify(outcome.journal)) as CallRecord['journal'],
    outputJson: outcome.ok ? outcome.outputJson : null,
    error: outcome.ok ? null : { code: 'agent_error', message: `${outcome.error.name}: ${outcome.error.message}` },
    logs: outcome.logs,
    principalKind: 'token',
    principalId: 'admin',
    startedAtMs: request.timeMs,
    durationUs: 1,
    cpuUs: 1,
    redacted: false,
    truncated: false,
    streamed: outcome.ok && outcome.streamed,
    ...over,
  };
}

const replay = (record: CallRecord, version: ServedVersion): Promise<ReplayReport> => replayCall(record, { host, version });

test('on its own version a call gives the same, its clock and its luck too', async () => {
  const version = versionOf(HANDLE);
  const report = await replay(await recorded(version, { n: 2 }), version);
  expect(report).toMatchObject({ verdict: 'same', reason: null, differences: [], divergence: null });
  expect(JSON.parse(report.replayed?.outputJson ?? '')).toMatchObject({ n: 42 });
});

test('a failure is the same when its code and message are, wherever the line stands', async () => {
  const version = versionOf(HANDLE);
  const record = await recorded(version, { n: -2 });
  expect(await replay(record, version)).toMatchObject({ verdict: 'same', replayed: { outputJson: null, error: { code: 'agent_error' } } });
  const other = versionOf(HANDLE.replace('too little', 'far too little'), { number: 2 });
  expect(await replay(record, other)).toMatchObject({
    verdict: 'different',
    differences: [{ path: 'error.message', before: 'RangeError: too little', after: 'RangeError: far too little' }],
  });
});

test('another answer to the same requests is shown member by member', async () => {
  const record = await recorded(versionOf(HANDLE), { n: 2 });
  const other = versionOf(HANDLE.replace('return { n: before', 'return { extra: [], n: 2 * before'), { number: 2 });
  expect(await replay(record, other)).toMatchObject({
    verdict: 'different',
    differences: [
      { path: 'output.n', before: 42, after: 82 },
      { path: 'output.extra', after: [] },
    ],
  });
});

describe('a version that leaves the record is stopped, with both sides shown', () => {
  test('by other arguments', async () => {
    const record = await recorded(versionOf(HANDLE), { n: 2 });
    const other = versionOf(HANDLE.replace('set(before + input.n)', 'set(before - input.n)'), { number: 2 });
    expect(await replay(record, other)).toMatchObject({
      verdict: 'diverged',
      divergence: { index: 2, recorded: { seq: 2, name: 'state.set', args: 42 }, seen: { seq: 2, name: 'state.set', args: 38 } },
    });
  });

  test('by something it asks for when the record is at its end, which nobody answers', async () => {
    const record = await recorded(versionOf('handle: () => ({})'), {});
    const other = versionOf('async handle(input, ctx) { return { read: await ctx.state.get().catch((error) => error.code) }; }', {
      number: 2,
    });
    expect(await replay(record, other)).toMatchObject({
      verdict: 'diverged',
      reason: expect.stringContaining('is nothing; the replay made request 1 (state.get)'),
      divergence: { index: 0, recorded: null, seen: { seq: 1, name: 'state.get' } },
      replayed: { outputJson: '{"read":"invalid_state"}' },
    });
  });

  test('by something it does not ask for any more', async () => {
    const record = await recorded(versionOf(HANDLE), { n: 2 });
    expect(await replay(record, versionOf('handle: () => ({})', { number: 2 }))).toMatchObject({
      verdict: 'diverged',
      divergence: { index: 0, recorded: { name: 'state.get' }, seen: null },
    });
  });
});

test('an input that another contract refuses, and an answer that it does not allow, are differences', async () => {
  const record = await recorded(versionOf(HANDLE), { n: 2 });
  const stricter = versionOf(HANDLE, { number: 2, input: { type: 'object', required: ['m'] } });
  expect(await replay(record, stricter)).toMatchObject({ verdict: 'different', replayed: { error: { code: 'invalid_input' } } });
  const wrong = versionOf(HANDLE.replace('return {', 'return [{').replace('Math.random() }', 'Math.random() }]'), { number: 3 });
  expect(await replay(record, wrong)).toMatchObject({ verdict: 'different', replayed: { error: { code: 'agent_error' } } });
});

test('a record that is not whole, or a call that something else ended, can not say', async () => {
  const version = versionOf(HANDLE);
  const record = await recorded(version, { n: 2 });
  const reasons = await Promise.all(
    [
      { redacted: true, journal: null },
      { truncated: true, inputJson: null, journal: null },
      { journal: null },
      { outputJson: null, error: { code: 'cancelled', message: 'the caller has gone' } },
    ].map(async (over) => {
      const { verdict, reason, replayed } = await replay({ ...record, ...over }, version);
      expect({ verdict, replayed }).toEqual({ verdict: 'unknown', replayed: null });
      return reason;
    }),
  );
  expect(reasons).toEqual([
    expect.stringContaining('secret'),
    expect.stringContaining('too large'),
    expect.stringContaining('no journal'),
    expect.stringContaining('the caller has gone'),
  ]);
});

test('nothing of a version stays in the host', async () => {
  const version = versionOf(HANDLE);
  await replay(await recorded(version, { n: 2 }), version);
  expect(host.stats()).toMatchObject({ versions: 0, calls: 0 });
});

test('a stream is compared chunk by chunk, and by the same rules as when it ran', async () => {
  const stream = `async *handle(input, ctx) { yield { n: input.n }; yield { state: await ctx.state.get() }; }`;
  const record = await recorded(versionOf(stream), { n: 2 });
  expect(record).toMatchObject({ streamed: true, outputJson: '[{"n":2},{"state":40}]' });
  expect(await replay(record, versionOf(stream))).toMatchObject({ verdict: 'same' });
  const other = versionOf(stream.replace('n: input.n', 'n: 3'), { number: 2 });
  expect(await replay(record, other)).toMatchObject({ verdict: 'different', differences: [{ path: 'output[0].n' }] });
  const wrong = versionOf(stream.replace('yield { n: input.n }', 'yield 5'), { number: 3 });
  expect(await replay(record, wrong)).toMatchObject({
    replayed: { error: { code: 'agent_error', message: expect.stringMatching(/^chunk 1: /) } },
  });
  const earlier = versionOf(stream.replace('yield { n: input.n };', 'await ctx.state.get();'), { number: 4 });
  expect(await replay(record, earlier)).toMatchObject({ verdict: 'diverged', divergence: { recorded: { chunks: 1 } } });
});
