// Disks that are full under a whole node: what can not be kept is refused with a clear error, what needs no room goes on,
// and whatever was acknowledged is there afterwards.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smallDisk, type SmallDisk } from '#lib/small-disk.fixture.ts';
import { agentOf, COUNTER, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess, type SeedProcessOptions } from './seed-process.ts';
import { traffic } from './traffic.ts';
import { until } from './until.ts';

interface Failure {
  error: string;
  code: string;
  hint?: string;
}
interface DeepHealth {
  status: string;
  checks: Record<string, [{ status: string; output?: string }]>;
}

const DATA_FULL = { error: 'the disk that holds the database is full', code: 'storage_full' };

let dataDisk: SmallDisk;
let codeDisk: SmallDisk;
let options: SeedProcessOptions;
let seed: SeedProcess;
let acknowledged = 0;
beforeAll(async () => {
  [dataDisk, codeDisk] = await Promise.all([smallDisk(256), smallDisk(8)]);
  options = { dataDir: join(dataDisk.path, 'data'), cwd: dataDisk.path, env: { CODE_ROOT: join(codeDisk.path, 'code') } };
  seed = await startSeed(options);
  const agents = [upload('double', DOUBLE), upload('counter', COUNTER, "capabilities: ['state'],")];
  await createAgents(seed, agents);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await Promise.all([dataDisk[Symbol.asyncDispose](), codeDisk[Symbol.asyncDispose]()]);
});

const api = <T = Failure>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  seed.api<T>(method, path, body, headers);
const double = async () => (await api<{ data: { n: number } }>('POST', '/api/agents/double/invoke', { input: { n: 4 } })).body.data.n;
const stage = (factor: number) =>
  api('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf(`return { n: input.n * ${factor} };`) } });
const versions = async () =>
  (await api<{ data: { version: number; status: string }[] }>('GET', '/api/code/double/versions')).body.data.map(
    ({ version, status }) => `v${version} ${status}`,
  );
async function count(): Promise<{ status: number; body: Failure & { data: { n: number } } }> {
  const answer = await api<Failure & { data: { n: number } }>('POST', '/api/agents/counter/invoke', { input: { n: 1 }, key: 'a' });
  if (answer.status === 200) acknowledged += 1;
  return answer;
}
const counted = async () =>
  (await api<{ data: { n: number } }>('POST', '/api/agents/counter/invoke', { input: { n: 0 }, key: 'a' })).body.data.n;

test('under the code store: no version is lost or made live, and there is room for the next one afterwards', async () => {
  await codeDisk.fill(0);
  const staged = await stage(3);
  expect([staged.status, staged.body.code]).toEqual([507, 'storage_full']);
  expect(staged.body.error).toContain(codeDisk.path);
  expect(staged.body.hint).toMatch(/free space/);
  const created = await api('POST', '/api/agents', upload('late', DOUBLE));
  expect([created.status, created.body.code]).toEqual([507, 'storage_full']);
  // Nothing half of it is there.
  expect(await versions()).toEqual(['v1 active']);
  expect((await api('GET', '/api/agents/late')).status).toBe(404);
  expect(await double()).toBe(8);
  const told = await until(
    () => api<DeepHealth>('GET', '/health/deep'),
    ({ body }) => body.status !== 'ok',
  );
  // Calls go on: it is no reason to take the node out of a load balancer.
  expect(told.status).toBe(200);
  expect(told.body.checks['code:writable']).toEqual([
    expect.objectContaining({ status: 'fail', output: expect.stringContaining(codeDisk.path) as string }),
  ]);
  await codeDisk.free();
  await until(
    () => api<DeepHealth>('GET', '/health/deep'),
    ({ body }) => body.checks['code:writable']?.[0].status === 'pass' && body.status === 'ok',
  );
  expect((await stage(3)).status).toBe(201);
  expect((await api('POST', '/api/agents', upload('late', DOUBLE))).status).toBe(201);
  expect(await versions()).toEqual(['v2 staged', 'v1 active']);
});

test('under the data, seen coming: writes are refused, reads and stateless calls go on, health says so', async () => {
  for (let n = 0; n < 5; n += 1) expect((await count()).status).toBe(200);
  await dataDisk.fill(1_000_000);
  // Looked at every second.
  const refused = await until(count, ({ status }) => status !== 200);
  expect([refused.status, refused.body]).toEqual([507, expect.objectContaining(DATA_FULL)]);
  expect(refused.body.hint).toMatch(/free space/);
  // Twice: the first has lost the state it had in memory, the second can not claim it again.
  expect((await count()).body).toMatchObject(DATA_FULL);
  expect((await count()).body).toMatchObject(DATA_FULL);
  expect((await stage(4)).body).toMatchObject(DATA_FULL);
  expect((await api('POST', '/api/agents', upload('other', DOUBLE))).body).toMatchObject(DATA_FULL);
  expect((await api('POST', '/api/agents/packer/improvements', {})).body).toMatchObject(DATA_FULL);
  const once = await api('POST', '/api/agents/double/invoke', { input: { n: 4 } }, { 'idempotency-key': 'once' });
  expect(once.body).toMatchObject(DATA_FULL);
  // What needs no room goes on.
  expect(await double()).toBe(8);
  expect(await versions()).toEqual(['v2 staged', 'v1 active']);
  expect((await api('GET', '/api/agents')).status).toBe(200);
  const deep = await until(
    () => api<DeepHealth>('GET', '/health/deep'),
    ({ status }) => status === 503,
  );
  expect(deep.body.status).toBe('degraded');
  expect(deep.body.checks['disk:free']).toEqual([
    expect.objectContaining({ status: 'fail', output: expect.stringMatching(/MiB are free on the disk of .*; make room/) as string }),
  ]);
  expect((await fetch(`${seed.url}/health`)).status).toBe(200);
  await dataDisk.free();
  await until(count, ({ status }) => status === 200);
  expect(await counted()).toBe(acknowledged);
  expect((await stage(4)).status).toBe(201);
  const well = await until(
    () => api<DeepHealth>('GET', '/health/deep'),
    ({ status }) => status === 200,
  );
  expect(well.body.checks['disk:free']?.[0].status).not.toBe('fail');
  // The records of calls waited in memory meanwhile.
  expect(seed.output()).not.toContain('call_record.dropped');
});

test('under the data, all at once and under load: nobody else fails, and no agent is blamed for it', async () => {
  const before = await counted();
  const counting = [1, 2, 3, 4].map(() => traffic(seed, { agent: 'counter', input: { n: 1 }, key: 'a' }));
  const others = traffic(seed, { agent: 'double', input: { n: 4 }, restMs: 5 });
  await until(
    () => counting[0]?.acknowledged() ?? 0,
    (calls) => calls > 10,
  );
  await dataDisk.fill(0);
  let counts = 0;
  await until(count, ({ status }) => ((counts += 1), status !== 200));
  expect(await versions()).toEqual(['v3 staged', 'v2 staged', 'v1 active']);
  await dataDisk.free();
  await until(count, ({ status }) => ((counts += 1), status === 200));
  const ends = await Promise.all(counting.map((each) => each.stop()));
  expect(new Set((await others.stop()).statuses)).toEqual(new Set([200]));
  // Full, or the engine that was starting again after it: never the agent's fault.
  for (const { statuses } of ends) expect([200, 503, 507]).toEqual(expect.arrayContaining([...new Set(statuses)]));
  acknowledged += ends.reduce((sum, end) => sum + end.acknowledged, 0);
  const sent = ends.reduce((sum, end) => sum + end.statuses.length, 0);
  const after = await counted();
  // What broke off in the middle of its commit may be there or not; what was acknowledged is.
  expect(after).toBeGreaterThanOrEqual(acknowledged);
  expect(after).toBeLessThanOrEqual(before + sent + counts);
  acknowledged = after;
  const { body } = await api<{ data: { figures: { errors: number } } }>('GET', '/api/agents/counter');
  expect(body.data.figures.errors).toBe(0);
});

test('under a node that stops and starts: in good order, what is stored can be read, and everything acknowledged is there', async () => {
  await dataDisk.fill(1_000_000);
  await until(count, ({ status }) => status === 507);
  expect(await seed.stop()).toEqual({ code: 0, signal: null });
  seed = await startSeed(options);
  expect(await double()).toBe(8);
  expect(await versions()).toEqual(['v3 staged', 'v2 staged', 'v1 active']);
  expect((await count()).body).toMatchObject(DATA_FULL);
  await dataDisk.free();
  await until(count, ({ status }) => status === 200);
  expect(await counted()).toBe(acknowledged);
});
