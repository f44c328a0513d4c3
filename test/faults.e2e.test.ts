// Faults of the world around a node: each is said clearly, and nothing is lost.
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { openPglite } from '#db/databases/pglite.ts';
import { agentOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { isAlive } from './processes.ts';
import { endOfSeed, startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

interface Envelope<T> {
  data: T;
  code?: string;
  error?: string;
}

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'seed-fault-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const invoke = (seed: SeedProcess, agent: string, input: unknown, extra: object = {}) =>
  seed.api<{ data: { n: number }; version: number; code?: string; error?: string; hint?: string }>('POST', `/api/agents/${agent}/invoke`, {
    input,
    ...extra,
  });

describe('the data folder', () => {
  test('belongs to one node: a second one is refused and told which process has it', async () => {
    await using dir = await folder();
    await using first = await startSeed({ dataDir: dir.path });
    await createAgents(first, [upload('double', DOUBLE)]);
    const second = await endOfSeed(dir.path);
    expect(second.code).toBe(78);
    expect(second.output).toContain(`is in use by process ${first.nodePid}`);
    expect(second.output).toContain(`try: stop process ${first.nodePid}, or start this node with another DATA_DIR`);
    // Said once, and the first one has lost nothing of it: its address, its socket, its work.
    expect(second.output.match(/^error: .*is in use/gm)).toHaveLength(1);
    expect((await invoke(first, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 } });
    expect(JSON.parse(await readFile(join(dir.path, 'node.json'), 'utf8'))).toMatchObject({ pid: first.nodePid, ready: true });
    expect((await stat(join(dir.path, 'seed.sock'))).isSocket()).toBe(true);
  });

  test('is taken over from a node that was killed, with everything that was acknowledged', async () => {
    await using dir = await folder();
    const first = await startSeed({ dataDir: dir.path });
    await first.api('POST', '/api/agents', upload('double', DOUBLE));
    process.kill(first.handle.pid, 'SIGKILL');
    await first.handle.exited;
    await until(
      () => Promise.resolve(isAlive(first.nodePid)),
      (alive) => !alive,
    );
    await using second = await startSeed({ dataDir: dir.path });
    expect((await invoke(second, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
  });
});

describe('an artifact that is not what was signed', () => {
  test('on the disk: is repaired from the durable copy, and never served', async () => {
    await using dir = await folder();
    const first = await startSeed({ dataDir: dir.path });
    await createAgents(first, [upload('double', DOUBLE)]);
    await first.stop();
    await changeFiles(dir.path, '* 2', '* 9');
    await using second = await startSeed({ dataDir: dir.path });
    expect((await invoke(second, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
    expect(second.output()).toContain('repaired from the durable copy');
  });

  test('in every copy: is refused with its reason, and the version before stays or comes back', async () => {
    await using dir = await folder();
    const first = await startSeed({ dataDir: dir.path });
    await createAgents(first, [upload('double', DOUBLE), upload('only', 'return { n: input.n * 5 };')]);
    await stage(first, 'double', 3);
    expect((await promote(first, 'double', 'v2')).status).toBe(200);
    await stage(first, 'double', 4);
    await first.stop();
    for (const factor of [3, 4, 5]) await changeFiles(dir.path, `* ${factor}`, '* 9');
    const database = await openPglite({ folder: join(dir.path, 'database'), onError: (error) => expect.unreachable(String(error)) });
    for (const factor of [3, 4, 5]) {
      await sql`UPDATE artifacts SET js = replace(js, ${`* ${factor}`}, '* 9')`.execute(database.db);
    }
    await database.close();

    await using second = await startSeed({ dataDir: dir.path });
    // v2 was live and is damaged: v1 took its place, and says why.
    expect((await invoke(second, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
    const { body } = await second.api<Envelope<{ version: number; status: string }[]>>('GET', '/api/code/double/versions');
    expect(body.data.find(({ status }) => status === 'active')?.version).toBe(1);
    const rollout = await second.api<Envelope<{ rollout: { reason: string } }>>('GET', '/api/agents/double');
    expect(rollout.body.data.rollout.reason).toMatch(/can not be used: .*not the one that was signed/);
    // v3 was staged: it can not be made live, nor called.
    for (const refused of [await promote(second, 'double', 'v3'), await invoke(second, 'double', { n: 3 }, { version: 'v3' })]) {
      expect([refused.status, refused.body.code]).toEqual([500, 'artifact_corrupt']);
      expect(refused.body.error).toMatch(/can not be used: .*not the one that was signed/);
    }
    expect((await invoke(second, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
    // Nothing before it to go back to: the agent is down, which is no secret, and nobody else is.
    const down = await invoke(second, 'only', { n: 3 });
    expect([down.status, down.body.code]).toEqual([503, 'unavailable']);
    expect(down.body.error).toMatch(/^only could not be started: .*not the one that was signed/);
    const deep = await second.api<{ status: string; checks: Record<string, [{ output: string }]> }>('GET', '/health/deep');
    expect([deep.status, deep.body.status]).toEqual([200, 'warning']);
    expect(deep.body.checks['agents:live']?.[0].output).toBe('no live version: only');
  });
});

test('a node that lacks a key leaves what should be live alone, says so, and is well again when the key is back', async () => {
  await using dir = await folder();
  const first = await startSeed({ dataDir: dir.path });
  await createAgents(first, [upload('double', DOUBLE)]);
  await stage(first, 'double', 3);
  expect((await promote(first, 'double', 'v2')).status).toBe(200);
  const rolloutOf = async (seed: SeedProcess) =>
    (await seed.api<Envelope<{ rollout: { generation: number } | null }>>('GET', '/api/agents/double')).body.data.rollout;
  // Its observation ends with a change of its own.
  const before = await until(
    async () => (await first.api<Envelope<{ phase: string }>>('GET', '/api/agents/double')).body.data.phase,
    (phase) => phase !== null,
  ).then(() => rolloutOf(first));
  await first.stop();
  await rename(join(dir.path, 'keys'), join(dir.path, 'keys.kept'));

  const without = await startSeed({ dataDir: dir.path });
  const down = await invoke(without, 'double', { n: 3 });
  expect([down.status, down.body.code]).toEqual([503, 'unavailable']);
  expect(down.body.error).toMatch(/^double could not be started: .*signed by a key that is not accepted/);
  const deep = await without.api<{ checks: Record<string, [{ output: string }]> }>('GET', '/health/deep');
  expect(deep.body.checks['agents:live']?.[0].output).toMatch(/^no live version: .*double/);
  await without.stop();
  await rm(join(dir.path, 'keys'), { recursive: true });
  await rename(join(dir.path, 'keys.kept'), join(dir.path, 'keys'));

  await using again = await startSeed({ dataDir: dir.path });
  expect((await invoke(again, 'double', { n: 3 })).body).toMatchObject({ data: { n: 9 }, version: 2 });
  expect((await rolloutOf(again))?.generation).toBe(before?.generation);
});

test('a version that can not be loaded never replaces the one that is live', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  const refused = await seed.api<Envelope<unknown>>('POST', '/api/code/double/versions', {
    from: { 'agent.ts': "throw new Error('at load');" },
  });
  expect(refused.status).toBe(422);
  const { body } = await seed.api<Envelope<{ version: number; status: string }[]>>('GET', '/api/code/double/versions');
  expect(body.data.filter((version) => version.status === 'active').map((version) => version.version)).toEqual([1]);
  expect((await invoke(seed, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
});

test('an agent that was stopped is said to be that, not to be unknown', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  expect((await seed.api('POST', '/api/agents/double/stop', {})).status).toBe(200);
  const { status, body } = await invoke(seed, 'double', { n: 1 });
  expect([status, body.code, body.error, body.hint]).toEqual([409, 'invalid_state', 'double is not running', 'seed agents:start double']);
  expect((await seed.api('POST', '/api/agents/double/start', {})).status).toBe(200);
  expect((await invoke(seed, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
});

const stage = (seed: SeedProcess, agent: string, factor: number) =>
  seed.api<Envelope<{ version: number }>>('POST', `/api/code/${agent}/versions`, {
    from: { 'agent.ts': agentOf(`return { n: input.n * ${factor} };`) },
  });
const promote = (seed: SeedProcess, agent: string, version: string) =>
  seed.api<Envelope<unknown>>('POST', `/api/code/${agent}/versions/${version}/promote`, {}, { 'x-confirm': 'code:promote' });

/** In every built script of the code store. */
async function changeFiles(dataDir: string, from: string, to: string): Promise<void> {
  const objects = join(dataDir, 'code', 'objects');
  for (const name of (await readdir(objects)).filter((file) => file.endsWith('.js') && !file.endsWith('.eval.js'))) {
    const file = join(objects, name);
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  }
}
