// A version that ends its sandbox hosts: each death costs the one call that caused it, the third puts the version into quarantine
// and brings the one before back, and a person may let it out again, with a reason.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentOf, COUNTER, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { traffic, type Traffic } from './traffic.ts';
import { until } from './until.ts';

interface Envelope<T> {
  data: T;
  error?: string;
  code?: string;
  hint?: string;
  details?: Record<string, unknown>;
}
interface VersionItem {
  version: number;
  status: string;
  verdict: string;
  quarantined: string | null;
  hash: string;
}
interface Status {
  version: number;
  strikes: number;
  resting_until: string | null;
  quarantined: { hash: string; reason: string; strikes: number }[];
  rollout: { phase: string; reason: string };
}

const POISON = 666;
/** V8 gives its process up over this. */
const POISONED = `if (input.n === ${POISON}) 'a'.repeat(5e8).split(''); ${DOUBLE}`;
const ROLLOUT = 'rollout: { observeMs: 200, minCalls: 10 }, limits: { cpuMs: 2_000, deadlineMs: 5_000 },';
/** Whichever is seen first: the death of the process, or its growth. */
const OWN_FAILURES = ['agent_error', 'memory_limit', 'cpu_limit'];
const WHY = /^it ended its sandbox host 3 times within 10 minutes$/;

let dataDir: string;
let seed: SeedProcess;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'seed-strikes-'));
  seed = await startSeed({ dataDir });
  await createAgents(seed, [
    upload('poisoned', DOUBLE, ROLLOUT),
    upload('only', POISONED, ROLLOUT),
    upload('flooded', POISONED, ROLLOUT),
    upload('cornered', POISONED, ROLLOUT.replace('observeMs: 200', 'observeMs: 60_000')),
    upload('double', DOUBLE),
    upload('counter', COUNTER, "capabilities: ['state'],"),
  ]);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

const call = (agent: string, n: number) =>
  seed.api<Envelope<{ n: number }> & { version: number }>('POST', `/api/agents/${agent}/invoke`, { input: { n } });
const versions = async (agent: string) => (await seed.api<Envelope<VersionItem[]>>('GET', `/api/code/${agent}/versions`)).body.data;
const versionOf = async (agent: string, number: number) => (await versions(agent)).find(({ version }) => version === number);
const status = async (agent: string) => (await seed.api<Envelope<Status>>('GET', `/api/agents/${agent}`)).body.data;
const promote = (agent: string, version: string, body: object = {}) =>
  seed.api<Envelope<{ version: number }>>('POST', `/api/code/${agent}/versions/${version}/promote`, body, { 'x-confirm': 'code:promote' });
const rollback = (agent: string, body: object = {}) =>
  seed.api<Envelope<{ version: number }>>('POST', `/api/code/${agent}/rollback`, body, { 'x-confirm': 'code:rollback' });
const deep = async (check: string) =>
  (await seed.api<{ checks: Record<string, [{ status: string; output?: string }]> }>('GET', '/health/deep')).body.checks[check]?.[0];

/** Eight that must lose nothing: six that keep no state, two that do. */
function neighbours(): { stop: () => Promise<void> } {
  const all: Traffic[] = [
    ...Array.from({ length: 6 }, () => traffic(seed, { agent: 'double', input: { n: 4 }, restMs: 2 })),
    ...['a', 'b'].map((key) => traffic(seed, { agent: 'counter', input: { n: 1 }, key, restMs: 2 })),
  ];
  const counted = async (key: string): Promise<number> =>
    (await seed.api<Envelope<{ n: number }>>('POST', '/api/agents/counter/invoke', { input: { n: 0 }, key })).body.data.n;
  const before = Promise.all(['a', 'b'].map(counted));
  return {
    stop: async () => {
      const ends = await Promise.all(all.map((one) => one.stop()));
      for (const { statuses } of ends) expect(new Set(statuses)).toEqual(new Set([200]));
      expect(ends.every(({ acknowledged }) => acknowledged > 0)).toBe(true);
      // Run again on another host or not: every answer is in the state exactly once. What was counted before may have been under way.
      const [a = 0, b = 0] = await before;
      const after = await Promise.all(['a', 'b'].map(counted));
      for (const [index, [first, last]] of [[a, after[0] ?? 0] as const, [b, after[1] ?? 0] as const].entries())
        expect(last - first).toBeLessThanOrEqual(ends[6 + index]?.acknowledged ?? 0);
    },
  };
}

async function poison(agent: string): Promise<void> {
  expect(OWN_FAILURES).toContain((await call(agent, POISON)).body.code);
}

test('a stable version that ends its host three times is taken back and quarantined, and nobody else notices', async () => {
  const staged = await seed.api<Envelope<VersionItem>>('POST', '/api/code/poisoned/versions', { from: { 'agent.ts': agentOf(POISONED) } });
  expect(staged.status).toBe(201);
  expect((await promote('poisoned', 'v2')).status).toBe(200);
  // Long after its observation.
  await until(
    () => status('poisoned'),
    ({ rollout }) => rollout.phase === 'idle',
  );
  const others = neighbours();
  for (const strikes of [1, 2]) {
    await poison('poisoned');
    await until(
      () => status('poisoned'),
      (now) => now.strikes === strikes,
    );
    expect((await call('poisoned', 2)).body).toMatchObject({ data: { n: 4 }, version: 2 });
  }
  await poison('poisoned');
  const taken = await until(
    () => status('poisoned'),
    ({ version }) => version === 1,
  );
  expect(taken.quarantined).toEqual([
    expect.objectContaining({ hash: staged.body.data.hash, strikes: 3, reason: expect.stringMatching(WHY) }),
  ]);
  expect(taken.rollout.reason).toMatch(WHY);
  expect((await call('poisoned', 2)).body).toMatchObject({ data: { n: 4 }, version: 1 });
  await others.stop();
  expect(
    await until(
      () => versionOf('poisoned', 2),
      (one) => one?.verdict === 'rolled_back',
    ),
  ).toMatchObject({ quarantined: expect.stringMatching(WHY) });
});

test('what is quarantined stays so over a restart, is no target of a rollback, and comes out with a reason only', async () => {
  await seed.stop();
  seed = await startSeed({ dataDir });
  expect(await status('poisoned')).toMatchObject({ version: 1, strikes: 0, quarantined: [{ strikes: 3 }] });
  for (const refused of [await promote('poisoned', 'v2'), await rollback('poisoned', { version: 'v2', reason: 'because' })]) {
    expect([refused.status, refused.body.code]).toEqual([409, 'invalid_state']);
    expect(refused.body.error).toMatch(/can not go live: it is in quarantine, because it ended its sandbox host 3 times/);
    expect(refused.body.hint).toMatch(/seed code:promote poisoned [0-9a-f]{12} --reason "…" --confirm/);
  }
  const planned = await seed.api<Envelope<never>>('POST', '/api/code/poisoned/versions/v2/promote?dry_run=true', {});
  expect([planned.status, planned.body.code]).toEqual([409, 'invalid_state']);
  // The same script again, as another version.
  const again = await seed.api<Envelope<VersionItem>>('POST', '/api/code/poisoned/versions', {
    from: { 'agent.ts': agentOf(POISONED), 'README.md': 'changed' },
  });
  expect(again.status).toBe(201);
  expect((await promote('poisoned', 'v3')).body.error).toMatch(/its script is that of [0-9a-f]{12}, which is in quarantine/);
  const unconfirmed = await seed.api<Envelope<never>>('POST', '/api/code/poisoned/versions/v2/promote', {
    reason: 'the caller was mended',
  });
  expect(unconfirmed.status).toBe(428);
  expect((await promote('poisoned', 'v2', { reason: 'the caller was mended' })).status).toBe(200);
  expect(await status('poisoned')).toMatchObject({ version: 2, quarantined: [], rollout: { reason: 'the caller was mended' } });
  expect(seed.output()).toMatch(/seed_agent.version.released/);
});

test('without a version before it, it stays live, rests, and is called again', async () => {
  for (let strike = 0; strike < 3; strike += 1) await poison('only');
  const resting = await until(
    () => status('only'),
    ({ resting_until }) => resting_until !== null,
  );
  expect(resting).toMatchObject({ version: 1, strikes: 3, quarantined: [{ strikes: 3 }] });
  const refused = await call('only', 2);
  expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
  expect(refused.body.error).toMatch(/^v1 of only ended its sandbox host 3 times or more, and is not called for \d+ s$/);
  expect(
    await until(
      () => deep('agents:quarantined'),
      (check) => check?.status === 'warn',
    ),
  ).toMatchObject({
    output: expect.stringContaining('live although in quarantine, for want of a version before: only'),
  });
  // A better version is live at once.
  const staged = await seed.api('POST', '/api/code/only/versions', { from: { 'agent.ts': agentOf(DOUBLE) } });
  expect(staged.status).toBe(201);
  expect((await promote('only', 'v2')).status).toBe(200);
  expect((await call('only', 2)).body).toMatchObject({ data: { n: 4 }, version: 2 });
  const back = await rollback('only');
  expect([back.status, back.body.code]).toEqual([409, 'invalid_state']);
});

test('a version that is worse than one in quarantine stays live, and says why', async () => {
  // It did well enough before, so that there is something to be worse than.
  await Promise.all(Array.from({ length: 20 }, () => call('cornered', 1)));
  for (let strike = 0; strike < 3; strike += 1) await poison('cornered');
  await until(
    () => status('cornered'),
    ({ quarantined }) => quarantined.length === 1,
  );
  const staged = await seed.api('POST', '/api/code/cornered/versions', { from: { 'agent.ts': agentOf("throw new Error('worse');") } });
  expect(staged.status).toBe(201);
  expect((await promote('cornered', 'v2')).status).toBe(200);
  await Promise.all(Array.from({ length: 5 }, () => call('cornered', 1)));
  const settled = await until(
    () => status('cornered'),
    ({ rollout }) => rollout.phase === 'idle',
  );
  expect(settled).toMatchObject({
    version: 2,
    rollout: { reason: expect.stringMatching(/calls fail.*; the version before is in quarantine/) },
  });
});

test('a flood of poisoned calls costs three hosts and themselves, and their neighbours nothing', async () => {
  const others = neighbours();
  const metric = async (): Promise<number> => {
    const text = await (await fetch(`${seed.url}/metrics`, { headers: { authorization: `Bearer ${seed.token}` } })).text();
    return Number(/seed_version_strikes_total\{agent="flooded"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const answers = await Promise.all(Array.from({ length: 30 }, () => call('flooded', POISON)));
  const codes = answers.map(({ body }) => body.code ?? '');
  expect(codes.filter((code) => OWN_FAILURES.includes(code)).length).toBeGreaterThanOrEqual(3);
  expect([...OWN_FAILURES, 'unavailable']).toEqual(expect.arrayContaining([...new Set(codes)]));
  await others.stop();
  // Those that had begun on the other host when the third one died may each have ended one more.
  expect(await metric()).toBeGreaterThanOrEqual(3);
  expect(await metric()).toBeLessThanOrEqual(5);
});
