// Hosts that live and do not answer (SIGSTOP), in a whole node: whoever waits for one gets an answer, and another takes its place.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pidsOf } from '../bench/crash/victims.ts';
import { agentOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { isAlive } from './processes.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed({ env: { SANDBOX_EVALUATOR_HOSTS: '1' } });
  await createAgents(seed, [upload('double', DOUBLE)]);
});
afterAll(() => seed[Symbol.asyncDispose]());

async function stopOne(path: string): Promise<number> {
  const [pid = 0] = await until(
    () => pidsOf(seed, path),
    (pids) => pids.length > 0,
  );
  process.kill(pid, 'SIGSTOP');
  return pid;
}
const isGone = (pid: number) =>
  until(
    () => isAlive(pid),
    (alive) => !alive,
  );
const stage = (number: number) =>
  seed.api<{ code?: string }>('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf(`${DOUBLE} // ${number}`) } });
const call = () => seed.api<{ data: { n: number } }>('POST', '/api/agents/double/invoke', { input: { n: 2 } });

test('the validator, with a version before it: the version is checked after all or refused as unavailable, and the next one is staged', async () => {
  expect((await stage(1)).status).toBe(201);
  const pid = await stopOne('root/node/work/validator');
  const { status, body } = await stage(2);
  expect([201, 503]).toContain(status);
  if (status === 503) expect(body.code).toBe('unavailable');
  await isGone(pid);
  expect((await stage(3)).status).toBe(201);
});

test('an evaluator in the middle of a search: the search goes on with another', async () => {
  const made = await seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget: '60s', seed: 1 });
  const path = `/api/improvements/${made.body.data.id}`;
  const improvement = () => seed.api<{ data: { state: string; evaluated: number } }>('GET', path);
  const before = await until(improvement, ({ body }) => body.data.evaluated > 20);
  const pid = await stopOne('root/node/work/evaluator');
  await isGone(pid);
  await until(improvement, ({ body }) => body.data.evaluated > before.body.data.evaluated + 50);
  expect((await improvement()).body.data.state).not.toBe('failed');
  expect((await seed.api('POST', `${path}/cancel`, {})).status).toBe(200);
});

test('a serving host, with calls in it: each is answered, and the next ones at once by the other', async () => {
  const pid = await stopOne('root/node/sandbox/serving-1');
  const answers = await Promise.all(Array.from({ length: 40 }, call));
  expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  await isGone(pid);
  await until(
    () => pidsOf(seed, 'root/node/sandbox/serving'),
    (pids) => pids.length === 2,
  );
  expect((await call()).body.data).toEqual({ n: 4 });
});
