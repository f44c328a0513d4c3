// Calls that are near when a host ends, through the runtime, with real hosts that are replaced as a supervisor does: the guilty one
// fails, the innocent ones are answered, and what had an effect is never done twice.
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Artifact } from '../compiler/artifact.ts';
import { contractSchema, type ContractData } from '../compiler/contract.ts';
import { moduleOf } from '../sandbox/test-host.ts';
import { SandboxHost } from '../sandbox/sandbox-host.ts';
import { AgentWorker } from './agent-worker.ts';
import { testBroker } from './capabilities/broker.fixture.ts';
import type { Capability } from './capabilities/capability.ts';
import { NOTHING_PARKED } from './parked-call.fixture.ts';
import { Runtime } from './runtime.ts';
import { ServingHosts } from './serving-hosts.ts';
import { NO_HISTORY } from './state-history.fixture.ts';
import type { StateStore } from './state-store.ts';

const WAIT = { timeout: 20_000, interval: 5 };
const POISON = 'handle: () => { "a".repeat(5e8).split(""); }';

function artifactOf(name: string, body: string, capabilities: ContractData['capabilities']): Artifact {
  const contract = contractSchema.parse({
    contract: 1,
    name,
    summary: '',
    exports: [{ kind: 'call', name: 'handle', input: {}, output: {} }],
    capabilities,
    limits: { cpuMs: 5_000, deadlineMs: 20_000 },
  });
  const map = '{"version":3,"sources":[],"names":[],"mappings":""}';
  return {
    hash: name,
    manifest: { agent: name, contract } as Artifact['manifest'],
    js: moduleOf(body),
    map,
    evaluationJs: null,
    sources: {},
  };
}

/** Two hosts; one that ends is followed by another, and the version that ended it has a strike. */
async function start(
  agents: Readonly<Record<string, string>>,
  { capabilities = [], granted = [] }: { capabilities?: readonly Capability[]; granted?: ContractData['capabilities'] } = {},
) {
  const serving = new ServingHosts();
  let closing = false;
  const running = new Set<SandboxHost>();
  const deaths: (string | null)[] = [];
  const keepRunning = async (id: string): Promise<void> => {
    const host = await SandboxHost.start();
    running.add(host);
    void host.exited.then(() => {
      running.delete(host);
      serving.leave(id, host);
      if (closing) return;
      deaths.push(host.culprit);
      if (host.culprit !== null) runtime.find(host.culprit)?.strikes(host.culprit).add();
      void keepRunning(id);
    });
    if (closing) return host.close();
    // It may be gone again before it has joined.
    await serving.join(id, host).catch(() => undefined);
  };
  const state = { findAnswer: async () => null } as unknown as StateStore;
  const runtime = new Runtime({
    hosts: serving,
    state,
    log: { record: () => undefined },
    broker: testBroker({ capabilities }).broker,
    parked: NOTHING_PARKED,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomSeed: () => 7,
    onLogLine: () => undefined,
  });
  onTestFinished(async () => {
    closing = true;
    await Promise.all([...running].map((host) => host.close()));
  });
  await Promise.all(['one', 'two'].map(keepRunning));
  for (const [name, body] of Object.entries(agents)) {
    const worker = new AgentWorker({
      agent: name,
      hosts: serving,
      state,
      loadArtifact: async () => ({ artifact: artifactOf(name, body, granted), number: 1 }),
      syncPath: true,
      monotonicMs: () => performance.now(),
      history: NO_HISTORY,
      onError: (error) => expect.unreachable(String(error)),
    });
    runtime.add(worker);
    await worker.switchTo(name);
  }
  const invoke = (agent: string, input: unknown = 0) => runtime.invoke({ agent, input, principal: { kind: 'user', id: 'u' } });
  return { runtime, invoke, deaths, running };
}

test('poisoned calls end a host each, and eight neighbours with long calls lose none', async () => {
  // Half of the time in the isolate, half of it waiting for its turn beside the others.
  const { invoke, deaths } = await start({
    poison: POISON,
    slow: 'handle: (n) => { let x = 0; for (let i = 0; i < 3e6; i += 1) x += i % 7; return x > 0 ? n * 2 : 0; }',
  });
  let going = true;
  let answered = 0;
  const neighbours = Array.from({ length: 8 }, async (_, n) => {
    while (going) {
      expect((await invoke('slow', n)).outputJson).toBe(String(n * 2));
      answered += 1;
    }
  });
  for (let round = 1; round <= 3; round += 1) {
    const before = answered;
    await vi.waitFor(() => expect(answered).toBeGreaterThan(before + 16), WAIT);
    await expect(invoke('poison')).rejects.toMatchObject({ code: expect.stringMatching(/^(agent_error|memory_limit|cpu_limit)$/) });
    await vi.waitFor(() => expect(deaths.filter((culprit) => culprit === 'poison')).toHaveLength(round), WAIT);
  }
  // It rests now, so nobody can end another one.
  await expect(invoke('poison')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('is not called for') });
  going = false;
  await Promise.all(neighbours);
  // A death in company may have been anybody's: it is run again alone on a host, and tells by its second one.
  expect(new Set(deaths)).not.toContain('slow');
  expect(deaths.length).toBeLessThanOrEqual(6);
});

test('calls wait while both hosts are gone', async () => {
  const { invoke, running } = await start({ good: 'handle: (n) => n + 1' });
  const gone = [...running];
  for (const host of gone) host.kill();
  await Promise.all(gone.map(({ exited }) => exited));
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => invoke('good', n)));
  expect(answers.map(({ outputJson }) => outputJson)).toEqual(Array.from({ length: 20 }, (_, n) => String(n + 1)));
});

test('a call whose effect was served is not run again, and says so', async () => {
  let calls = 0;
  const { promise: never } = Promise.withResolvers<string>();
  // The first is served; the second is under way when the host ends.
  const calling: Capability = { names: ['call'], serve: () => ((calls += 1) === 1 ? Promise.resolve('{"n":1}') : never) };
  const body = 'handle: async (n, ctx) => { await ctx.call("other", 1); await ctx.call("other", 2); return n; }';
  const { invoke, running } = await start({ effective: body }, { capabilities: [calling], granted: ['call'] });
  const call = invoke('effective', 1).catch((error: unknown) => error);
  await vi.waitFor(() => expect(calls).toBe(2), WAIT);
  for (const host of running) host.kill();
  expect(await call).toMatchObject({
    code: 'unavailable',
    details: { failure: 'host_lost', had_effects: true },
    hint: 'look at what it has done before calling again',
  });
  expect(calls).toBe(2);
});
