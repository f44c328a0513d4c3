// Faults of the world around a node: each is said clearly, and nothing is lost.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
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
  seed.api<{ data: { n: number }; version: number; code?: string }>('POST', `/api/agents/${agent}/invoke`, { input, ...extra });

describe('the data folder', () => {
  test('belongs to one node: a second one is refused and told which process has it', async () => {
    await using dir = await folder();
    await using first = await startSeed({ dataDir: dir.path });
    const second = startSeed({ dataDir: dir.path });
    await expect(second).rejects.toThrow(new RegExp(`${first.nodePid}`));
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
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

test('a corrupt artifact is refused and repaired from the durable copy, and never served', async () => {
  await using dir = await folder();
  const first = await startSeed({ dataDir: dir.path });
  await first.api('POST', '/api/agents', upload('double', DOUBLE));
  await first.stop();
  const objects = join(dir.path, 'code', 'objects');
  const built = (await readdir(objects)).filter((name) => name.endsWith('.js') && !name.endsWith('.eval.js'));
  for (const name of built) {
    const file = join(objects, name);
    await writeFile(file, (await readFile(file, 'utf8')).replace('* 2', '* 3'));
  }
  await using second = await startSeed({ dataDir: dir.path });
  expect((await invoke(second, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 } });
});

test('a version that can not be loaded never replaces the one that is live', async () => {
  await using seed = await startSeed();
  await seed.api('POST', '/api/agents', upload('double', DOUBLE));
  const refused = await seed.api<Envelope<unknown>>('POST', '/api/code/double/versions', {
    from: { 'agent.ts': "throw new Error('at load');" },
  });
  expect(refused.status).toBe(422);
  const { body } = await seed.api<Envelope<{ version: number; status: string }[]>>('GET', '/api/code/double/versions');
  expect(body.data.filter((version) => version.status === 'active').map((version) => version.version)).toEqual([1]);
  expect((await invoke(seed, 'double', { n: 3 })).body).toMatchObject({ data: { n: 6 }, version: 1 });
});

test('SIGTERM lets calls in flight end, and the program ends with 0', async () => {
  await using seed = await startSeed();
  const slow = 'const end = input.n; let x = 0; for (let i = 0; i < end; i += 1) x += i % 7; return { n: x };';
  await seed.api('POST', '/api/agents', upload('slow', slow, 'limits: { cpuMs: 20_000, deadlineMs: 30_000 },'));
  const call = invoke(seed, 'slow', { n: 400_000_000 });
  await until(
    () => seed.api<Envelope<{ status: string }>>('GET', '/api/agents/slow'),
    ({ body }) => body.data.status === 'busy',
  );
  seed.handle.kill('SIGTERM');
  expect((await call).status).toBe(200);
  expect(await seed.handle.exited).toMatchObject({ code: 0 });
});

test('SIGINT twice ends it now', async () => {
  await using seed = await startSeed();
  await seed.api('POST', '/api/agents', upload('slow', 'for (;;) {}', 'limits: { cpuMs: 30_000, deadlineMs: 60_000 },'));
  const call = invoke(seed, 'slow', { n: 1 }).catch(() => null);
  await until(
    () => seed.api<Envelope<{ status: string }>>('GET', '/api/agents/slow'),
    ({ body }) => body.data.status === 'busy',
  );
  process.kill(seed.handle.pid, 'SIGINT');
  // Terminals and launchers repeat a Ctrl-C: the second one counts once the program has said so.
  await until(
    () => Promise.resolve(seed.output()),
    (text) => text.includes('ends it now'),
  );
  process.kill(seed.handle.pid, 'SIGINT');
  const exit = await seed.handle.exited;
  expect(exit.code).not.toBe(0);
  await call;
  await until(
    () => Promise.resolve(isAlive(seed.nodePid)),
    (alive) => !alive,
  );
});

test('state is kept over a restart, and every acknowledged call is in it exactly once', async () => {
  await using dir = await folder();
  const counter = upload(
    'counter',
    'return next(); async function next() { const n = ((await ctx.state.get<number>()) ?? 0) + input.n; await ctx.state.set(n); return { n }; }',
    "capabilities: ['state'],",
  );
  const first = await startSeed({ dataDir: dir.path });
  expect((await first.api<Envelope<unknown>>('POST', '/api/agents', counter)).status).toBe(201);
  let acknowledged = 0;
  const calls = Array.from({ length: 40 }, async () => {
    const answer = await invoke(first, 'counter', { n: 1 }, { key: 'a' }).catch(() => null);
    if (answer?.status === 200) acknowledged += 1;
  });
  await until(
    () => Promise.resolve(acknowledged),
    (count) => count >= 5,
  );
  process.kill(first.nodePid, 'SIGKILL');
  process.kill(first.handle.pid, 'SIGKILL');
  await first.handle.exited;
  await Promise.all(calls);
  await using second = await startSeed({ dataDir: dir.path });
  const { body } = await invoke(second, 'counter', { n: 0 }, { key: 'a' });
  expect(body.data.n).toBeGreaterThanOrEqual(acknowledged);
  expect(body.data.n).toBeLessThanOrEqual(40);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
