// A version goes live, is watched under traffic, and is taken back by itself when it is worse.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentOf, contractOf, DOUBLE } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

interface Version {
  version: number;
  status: string;
  verdict: string;
  reason: string;
}

const ROLLOUT = 'rollout: { observeMs: 2_000, minCalls: 10 },';
let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
});
afterAll(() => seed[Symbol.asyncDispose]());

async function create(name: string): Promise<void> {
  const from = { 'contract.ts': contractOf(name, ROLLOUT), 'agent.ts': agentOf(DOUBLE) };
  expect((await seed.api('POST', '/api/agents', { from })).status).toBe(201);
}

async function goLive(name: string, body: string): Promise<number> {
  const staged = await seed.api<{ data: { version: number } }>('POST', `/api/code/${name}/versions`, {
    from: { 'agent.ts': agentOf(body) },
  });
  expect(staged.status).toBe(201);
  const { version } = staged.body.data;
  const promoted = await seed.api<{ data: { observing: boolean; from_version: number } }>(
    'POST',
    `/api/code/${name}/versions/v${version}/promote`,
    {},
    { 'x-confirm': 'code:promote' },
  );
  expect(promoted.body.data).toMatchObject({ observing: true, from_version: version - 1 });
  return version;
}

async function call(name: string, n: number): Promise<{ status: number; version?: number; n?: number }> {
  const { status, body } = await seed.api<{ data?: { n: number }; version?: number }>('POST', `/api/agents/${name}/invoke`, {
    input: { n },
  });
  return {
    status,
    ...(body.version === undefined ? {} : { version: body.version }),
    ...(body.data === undefined ? {} : { n: body.data.n }),
  };
}

async function versions(name: string): Promise<Version[]> {
  return (await seed.api<{ data: Version[] }>('GET', `/api/code/${name}/versions`)).body.data;
}

/** Calls until it is told to stop. */
function traffic(name: string): { stop: () => Promise<number[]> } {
  let going = true;
  const statuses: number[] = [];
  const done = (async () => {
    for (let n = 0; going; n += 1) statuses.push((await call(name, n % 10)).status);
  })();
  return {
    stop: async () => {
      going = false;
      await done;
      return statuses;
    },
  };
}

test('a version that does as well as the one before is healthy after its observation', async () => {
  await create('good');
  const load = traffic('good');
  const version = await goLive('good', 'return { n: input.n + input.n };');
  const settled = await until(
    () => versions('good'),
    (all) => all.find((one) => one.version === version)?.verdict !== 'observing',
  );
  expect(settled.find((one) => one.version === version)).toMatchObject({ status: 'active', verdict: 'healthy' });
  expect(new Set(await load.stop())).toEqual(new Set([200]));
});

test('a version whose calls fail is taken back by itself, and says why', async () => {
  await create('bad');
  const load = traffic('bad');
  await until(
    () => call('bad', 1),
    (answer) => answer.version === 1,
  );
  const version = await goLive('bad', "if (input.n % 2 === 0) throw new Error('worse'); return { n: input.n * 2 };");
  const settled = await until(
    () => versions('bad'),
    (all) => all.find((one) => one.version === version)?.verdict === 'rolled_back',
  );
  await load.stop();
  expect(settled.find((one) => one.version === version)?.reason).toMatch(/calls fail/);
  expect(settled.find((one) => one.version === 1)?.status).toBe('active');
  expect(await call('bad', 4)).toEqual({ status: 200, version: 1, n: 8 });
});

test('a version without traffic stays live and is called unverified, not proven', async () => {
  await create('quiet');
  const version = await goLive('quiet', 'return { n: input.n << 1 };');
  const settled = await until(
    () => versions('quiet'),
    (all) => all.find((one) => one.version === version)?.verdict !== 'observing',
  );
  expect(settled.find((one) => one.version === version)).toMatchObject({ status: 'active', verdict: 'unverified' });
});

test('code:rollback brings the version before back, and a pinned call still reaches the other', async () => {
  await create('pinned');
  await goLive('pinned', 'return { n: input.n * 3 };');
  expect(await call('pinned', 2)).toMatchObject({ version: 2, n: 6 });
  const back = await seed.api<{ data: { version: number } }>('POST', '/api/code/pinned/rollback', {}, { 'x-confirm': 'code:rollback' });
  expect(back.body.data.version).toBe(1);
  expect(await call('pinned', 2)).toMatchObject({ version: 1, n: 4 });
  const pinned = await seed.api<{ data: { n: number } }>('POST', '/api/agents/pinned/invoke', { input: { n: 2 }, version: 'v2' });
  expect(pinned.body.data.n).toBe(6);
});

test('what is live already is refused, and that is no failed swap', async () => {
  await create('same');
  const failures = async (): Promise<string[]> => {
    const metrics = await fetch(`${seed.url}/metrics`, { headers: { authorization: `Bearer ${seed.token}` } });
    return (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith('seed_agent_hot_reload') && line.includes('outcome="error"'));
  };
  const before = await failures();
  const again = await seed.api('POST', '/api/code/same/versions/v1/promote', {}, { 'x-confirm': 'code:promote' });
  expect(again).toMatchObject({ status: 409, body: { code: 'invalid_state', error: 'v1 of same is live already' } });
  expect(await failures()).toEqual(before);
});

test('a dry run says what would happen and changes nothing', async () => {
  await create('planned');
  await goLive('planned', 'return { n: input.n * 3 };');
  const planned = await seed.api<{ data: { version: number; applied: boolean } }>(
    'POST',
    '/api/code/planned/rollback?dry_run=true',
    {},
    { 'x-confirm': 'code:rollback' },
  );
  expect(planned.body.data).toMatchObject({ version: 1, applied: false });
  expect(await call('planned', 2)).toMatchObject({ version: 2 });
});

test('calls in flight end on the version they began on', async () => {
  const slow = (factor: number): string =>
    `let x = 0; for (let i = 0; i < 60_000_000; i += 1) x += i % 3; return { n: input.n * ${factor} + (x > 0 ? 0 : 1) };`;
  const from = {
    'contract.ts': contractOf('inflight', `${ROLLOUT} limits: { cpuMs: 10_000, deadlineMs: 20_000 },`),
    'agent.ts': agentOf(slow(2)),
  };
  expect((await seed.api('POST', '/api/agents', { from })).status).toBe(201);
  const before = call('inflight', 5);
  await until(
    () => seed.api<{ data: { in_flight: number } }>('GET', '/api/agents/inflight'),
    ({ body }) => body.data.in_flight > 0,
  );
  await goLive('inflight', slow(3));
  expect(await before).toEqual({ status: 200, version: 1, n: 10 });
  expect(await call('inflight', 5)).toEqual({ status: 200, version: 2, n: 15 });
});
