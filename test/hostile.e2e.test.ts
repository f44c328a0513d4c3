// Agents that do their worst, on the whole program: each fails its own call, within its limits and with the code that says
// why, while the calls of other agents on the same node all succeed and the node's process stays what it was.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COUNTER, createAgents, DOUBLE, upload } from './fixtures.ts';
import { descendants } from './processes.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { traffic, type Traffic } from './traffic.ts';

interface Failure {
  error: string;
  code: string;
  details?: { failure?: string; stack?: string };
}

const LIMITS = 'limits: { cpuMs: 150, deadlineMs: 1_000, memoryMb: 32 },';
/** What a call costs beside its own time on a machine that is busy with everything else. What is tested is that it ends. */
const ENDED_WITHIN_MS = 30_000;
const AGENT_ERROR = [502, 'agent_error'];
const CPU_LIMIT = [504, 'cpu_limit'];
/** On a machine that gives it no processor its time is over first. */
const TOO_LONG = [CPU_LIMIT, [504, 'deadline']];
/** Too large for V8 to end in good order: which limit is seen first differs from run to run. */
const TOO_LARGE = [AGENT_ERROR, CPU_LIMIT, [502, 'memory_limit'], [504, 'deadline']];

/** Agent → what its handler does, and the answers it may get. */
const HOSTILE: Readonly<Record<string, { body: string; answers: readonly (readonly (string | number)[])[] }>> = {
  loops: { body: 'for (;;) {}', answers: TOO_LONG },
  'loops-after-await': { body: 'return (async () => { await null; for (;;) {} })();', answers: TOO_LONG },
  'storms-microtasks': { body: 'return (async () => { for (;;) await 0; })();', answers: TOO_LONG },
  'never-settles': { body: 'return new Promise<never>(() => {});', answers: [[504, 'deadline']] },
  'throws-error': { body: "throw new RangeError('no ' + input.n);", answers: [AGENT_ERROR] },
  'throws-string': { body: "throw 'just text';", answers: [AGENT_ERROR] },
  'throws-null': { body: 'throw null;', answers: [AGENT_ERROR] },
  'throws-getter': { body: 'throw { get message(): string { for (;;) {} } };', answers: TOO_LONG },
  'throws-proxy': { body: "throw new Proxy({}, { get() { throw new Error('caught you'); } });", answers: [AGENT_ERROR] },
  'throws-looping-proxy': { body: 'throw new Proxy({}, { get() { for (;;) {} } });', answers: TOO_LONG },
  'rejects-later': { body: "return (async () => { await null; throw new TypeError('later'); })();", answers: [AGENT_ERROR] },
  'returns-nothing': { body: 'return undefined as never;', answers: [AGENT_ERROR] },
  'returns-bigint': { body: 'return { n: 1n } as never;', answers: [AGENT_ERROR] },
  'returns-cycle': { body: 'const a: { n: unknown } = { n: 1 }; a.n = a; return a as never;', answers: [AGENT_ERROR] },
  'returns-function': { body: 'return { n: () => 1 } as never;', answers: [AGENT_ERROR] },
  'returns-nan': { body: 'return { n: Number.NaN };', answers: [AGENT_ERROR] },
  'returns-other-type': { body: "return { n: 'x' } as never;", answers: [AGENT_ERROR] },
  'returns-looping-json': { body: 'return { n: 1, toJSON() { for (;;) {} } } as never;', answers: TOO_LONG },
  'returns-100-mb': { body: "return { n: 'x'.repeat(100 * 2 ** 20) } as never;", answers: TOO_LARGE },
  'fills-memory': { body: 'const kept: number[][] = []; for (;;) kept.push(new Array(100_000).fill(input.n));', answers: TOO_LARGE },
  'fills-buffers': { body: 'const kept: ArrayBuffer[] = []; for (;;) kept.push(new ArrayBuffer(1e7));', answers: TOO_LARGE },
};

let seed: SeedProcess;
let others: Traffic[];
beforeAll(async () => {
  seed = await startSeed();
  const agents = [upload('double', DOUBLE), upload('counter', COUNTER, "capabilities: ['state'],")];
  for (const [name, { body }] of Object.entries(HOSTILE)) agents.push(upload(name, body, LIMITS));
  await createAgents(seed, agents);
  others = [
    traffic(seed, { agent: 'double', input: { n: 4 }, restMs: 10 }),
    traffic(seed, { agent: 'counter', input: { n: 1 }, key: 'a', restMs: 10 }),
  ];
});
afterAll(() => seed[Symbol.asyncDispose]());

async function invoke(agent: string): Promise<{ status: number; body: Failure; ms: number }> {
  const startedMs = performance.now();
  const answer = await seed.api<Failure>('POST', `/api/agents/${agent}/invoke`, { input: { n: 1 } });
  return { ...answer, ms: performance.now() - startedMs };
}

describe('each fails its own call', () => {
  test.each(Object.keys(HOSTILE))('%s', async (agent) => {
    const [first, second] = await Promise.all([invoke(agent), invoke(agent)]);
    for (const { status, body, ms } of [first, second]) {
      expect(HOSTILE[agent]?.answers).toContainEqual([status, body.code]);
      expect(body.error).toMatch(/\w/);
      expect(ms).toBeLessThan(ENDED_WITHIN_MS);
    }
  });

  test('all of them at once too', async () => {
    const answers = await Promise.all(Object.keys(HOSTILE).map(async (agent) => ({ agent, ...(await invoke(agent)) })));
    for (const { agent, status, body } of answers)
      expect([agent, HOSTILE[agent]?.answers]).toEqual([agent, expect.arrayContaining([[status, body.code]])]);
  });

  test('what was thrown is told, with the place in agent.ts', async () => {
    const { body } = await invoke('throws-error');
    expect(body.error).toBe('RangeError: no 1');
    expect(body.details?.stack).toMatch(/at .*agent\.ts:6:/);
    expect((await invoke('throws-string')).body.error).toContain('just text');
  });

  test('an answer against the contract names the place', async () => {
    expect((await invoke('returns-other-type')).body.error).toMatch(/\bn\b/);
  });
});

test('meanwhile every call of the others succeeded, none twice, and the node was never another process', async () => {
  const [double, counter] = await Promise.all(others.map((each) => each.stop()));
  expect(double?.statuses.length).toBeGreaterThan(50);
  expect(new Set(double?.statuses)).toEqual(new Set([200]));
  expect(new Set(counter?.statuses)).toEqual(new Set([200]));
  // Retried on another host or not: every answer is in the state exactly once.
  const { body } = await seed.api<{ data: { n: number } }>('POST', '/api/agents/counter/invoke', { input: { n: 0 }, key: 'a' });
  expect(body.data.n).toBe(counter?.statuses.length);
  expect(descendants(seed.handle.pid).map(({ pid }) => pid)).toContain(seed.nodePid);
  expect((await fetch(`${seed.url}/health`)).status).toBe(200);
});
