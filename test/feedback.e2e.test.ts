// What people say of calls becomes a reason for an improvement; and all improvements can be stopped, over restarts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentOf, createAgents, DOUBLE } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const CONTRACT = `import { contract, z } from 'seed-agent/agent';
export default contract({
  name: 'judged',
  summary: 'for tests',
  exports: {
    handle: {
      kind: 'call',
      input: z.object({ n: z.int() }),
      output: z.object({ n: z.int(), pin: z.string().optional().meta({ secret: true }) }),
    },
  },
  improvement: { automatic: { on: ['score_drop'], budgetMs: 5_000 } },
});
`;

let dataDir: string;
let seed: SeedProcess;
const start = async () => {
  seed = await startSeed({ dataDir, env: { IMP_CYCLE_MS: '200' } });
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'seed-'));
  await start();
  await createAgents(seed, [{ from: { 'contract.ts': CONTRACT, 'agent.ts': agentOf(DOUBLE) } }]);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

/** @returns the id of a call that is on record */
async function recordedCall(): Promise<string> {
  const { body } = await seed.api<{ call_id: string; recorded: boolean }>('POST', '/api/agents/judged/invoke', { input: { n: 4 } });
  expect(body.recorded).toBe(true);
  await until(
    () => seed.api('GET', `/api/agents/judged/calls/${body.call_id}`),
    ({ status }) => status === 200,
  );
  return body.call_id;
}
const judge = (call: string, said: object) => seed.api<Record<string, unknown>>('POST', '/api/agents/judged/feedback', { call, ...said });
const data = async <T>(path: string): Promise<T> => (await seed.api<{ data: T }>('GET', path)).body.data;

interface Search {
  state: string;
  progress: unknown[];
}
interface Look {
  trigger: string | null;
  reason: string;
  improvement: string | null;
}
const look = async (): Promise<Look | undefined> => (await data<Look[]>('/api/improvements/triggers?agent=judged'))[0];

test('a verdict stands once for each person and call, is checked against the contract, and keeps no secret', async () => {
  const call = await recordedCall();
  expect(await judge(call, { verdict: 'bad', expected: { n: 'nine' } })).toMatchObject({
    status: 422,
    body: { code: 'invalid_input', error: "expected's n must be integer", details: [{ path: 'expected.n', message: 'must be integer' }] },
  });
  expect(await judge('01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', { verdict: 'good' })).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
  expect((await judge(call, { verdict: 'fine' })).status).toBe(422);
  expect((await judge(call, { verdict: 'good' })).status).toBe(200);
  const said = await judge(call, { verdict: 'bad', expected: { n: 9, pin: '1234' }, note: 'nine' });
  const item = { by: 'token/admin', verdict: 'bad', expected: { n: 9, pin: '[redacted]' }, note: 'nine' };
  expect(said.body).toMatchObject({ data: { ...item, agent: 'judged', call_id: call, version: 1, applied: true } });
  expect(await data(`/api/agents/judged/calls/${call}`)).toMatchObject({ feedback: [item] });
  expect(await data('/api/agents/judged')).toMatchObject({ feedback: { good: 0, bad: 1 } });
});

test('discontent asks for an improvement, a pause holds it over a restart, and each look says why', async () => {
  expect(await until(look, (one) => one?.reason.startsWith('nothing asks for it') === true)).toMatchObject({ trigger: null });
  const asked = await seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget: '24h' });
  const path = `/api/improvements/${asked.body.data.id}`;
  const searching = await until(
    () => data<Search>(path),
    ({ state, progress }) => state === 'generating' && progress.length > 0,
  );
  const paused = await seed.api<{ data: object }>('POST', '/api/improvements/pause', { reason: 'stock taking' });
  expect(paused.body.data).toMatchObject({ paused: { reason: 'stock taking', by: 'token/admin' }, applied: true });
  for (let n = 0; n < 7; n += 1) await judge(await recordedCall(), { verdict: 'bad' });
  expect(await until(look, (one) => one?.reason.includes('paused') === true)).toMatchObject({ trigger: null, improvement: null });
  const again = await seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget: '24h' });
  expect(again.body).toMatchObject({ data: { id: asked.body.data.id, state: 'generating', paused: true } });
  const late = await seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget: '24h', goal: 'another' });
  expect(late.body).toMatchObject({ data: { state: 'queued', paused: true } });
  // What ran has given its evaluators back.
  const executing = async () => (await data<{ hosts: { executing: number }[] }>('/api/system/status')).hosts.map((host) => host.executing);
  expect(await until(executing, (hosts) => hosts.every((count) => count === 0))).not.toContain(1);

  await seed[Symbol.asyncDispose]();
  await start();
  expect(await data('/api/system/status')).toMatchObject({ queue_depth: 2, improvements_paused: { reason: 'stock taking' } });
  const waiting = await data<{ paused: boolean }[]>('/api/improvements');
  expect(waiting.map((one) => one.paused)).toEqual([true, true]);
  expect((await data<Search>(path)).progress.length).toBeGreaterThanOrEqual(searching.progress.length);
  const held = (await data<Search>(path)).progress.length;
  expect((await seed.api<{ data: object }>('POST', '/api/improvements/resume', {})).body.data).toMatchObject({ applied: true });
  await until(
    () => data<Search>(path),
    ({ progress }) => progress.length > held,
  );
  // What it asked for is there, with its reason; nobody can score this agent, so it comes to nothing and is not tried again.
  const improvement = await until(
    async () => (await data<{ id: string; trigger: string; state: string }[]>('/api/improvements?agent=judged'))[0],
    (one) => one?.state === 'failed',
  );
  expect(improvement).toMatchObject({ trigger: 'score_drop', paused: false });
  expect(await data(`/api/improvements/${improvement?.id}`)).toMatchObject({ goal: 'of 8 judged calls 0 were good' });
  expect(await until(look, (one) => /waiting for|that was tried/.test(one?.reason ?? ''))).toMatchObject({ trigger: null });
});
